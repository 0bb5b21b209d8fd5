"""System: this machine and this program."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tui.mode import BaseScreen
from tui.panes import Pane, facts, lines
from tui.snapshot import Detail, Snapshot, SystemDetail

NAME_WIDTH = 22


class SystemScreen(BaseScreen):
    """Disk, memory, processors, versions."""

    MODE = "system"
    DEFAULT_CSS = "SystemScreen #body { height: 1fr; }"

    def compose_body(self) -> ComposeResult:
        with Pane(id="body"):
            yield Static(id="system")

    def on_mount(self) -> None:
        self.query_one(Pane).focus()

    def update(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        super().update(snapshot, key, detail)
        if isinstance(detail, SystemDetail):
            self.query_one(Pane).fill("#system", _page(detail))


def _page(detail: SystemDetail) -> Content:
    page: list[Content | str] = []
    for title, pairs in detail.sections:
        page += [Content.styled(title, "bold $primary"), facts(pairs, NAME_WIDTH), ""]
    more = "devices, codecs, models, and what to mend"
    page.append(
        Content.assemble(("swapdeck doctor", "bold"), (f"   looks deeper: {more}", "$quiet"))
    )
    return lines(page)
