"""System: this machine and this program, and what the doctor finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui.actions import SYSTEM, bindings, ids
from tui.examination import Examination, Finding, finding_lines
from tui.mode import BaseScreen
from tui.panes import Pane, facts, lines
from tui.snapshot import Detail, Snapshot, SystemDetail
from tui.text import clean

NAME_WIDTH = 22


class SystemScreen(BaseScreen):
    """Disk, memory, processors, graphics cards, versions; the doctor's findings beside them."""

    MODE = "system"
    GROUPS: ClassVar[Sequence[str]] = (SYSTEM,)
    BINDINGS = bindings(*ids(SYSTEM))
    DEFAULT_CSS = """
    SystemScreen #body { height: 1fr; }
    SystemScreen #parts { height: auto; layout: vertical; }
    SystemScreen #parts Vertical { height: auto; width: 1fr; }
    SystemScreen.-wide #parts, SystemScreen.-widest #parts { layout: horizontal; }
    SystemScreen.-wide #machine, SystemScreen.-widest #machine { margin-left: 4; }
    """

    class Found(Message):
        """The doctor has found something, or is done (None)."""

        def __init__(self, finding: Finding | None) -> None:
            super().__init__()
            self.finding = finding

    def __init__(self) -> None:
        super().__init__()
        self.findings: tuple[Finding, ...] = ()
        self._examination: Examination | None = None

    def compose_body(self) -> ComposeResult:
        with Pane(id="body"), Horizontal(id="parts"):
            with Vertical():
                yield Static(id="doctor")
            with Vertical(id="machine"):
                yield Static(id="system")

    def on_mount(self) -> None:
        self.query_one(Pane).focus()
        self._show_findings()

    def on_unmount(self) -> None:
        if self._examination is not None:
            self._examination.end()

    def update(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        super().update(snapshot, key, detail)
        if isinstance(detail, SystemDetail):
            self.query_one(Pane).fill("#system", _page(detail))

    # The doctor.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "examine":
            return self._examination is None
        return super().check_action(action, parameters)

    def action_examine(self) -> None:
        """Let the doctor look at everything; what it finds appears as it finds it."""
        self.findings = ()
        self._examination = Examination(self.dashboard.root, self.dashboard.doctor)
        self._show_findings()
        self.refresh_bindings()
        self._examine(self._examination)

    @work(thread=True, group="examining")
    def _examine(self, examination: Examination) -> None:
        try:
            for finding in examination.findings():
                self.post_message(self.Found(finding))
        except OSError as error:
            found = f"It cannot be started: {clean(error.strerror)}"
            self.post_message(self.Found(Finding("doctor", "broken", found, "swapdeck doctor")))
        self.post_message(self.Found(None))

    @on(Found)
    def _found(self, message: Found) -> None:
        if message.finding is None:
            self._examination = None
            self.refresh_bindings()
        else:
            self.findings = (*self.findings, message.finding)
        self._show_findings()

    def _show_findings(self) -> None:
        page: list[Content | str] = [Content.styled("doctor", "bold $primary")]
        if self._examination is not None:
            page.append(Content.styled("It looks; devices take a while …", "$quiet"))
        elif not self.findings:
            key = self.dashboard.keys_of("doctor")
            page.append(
                Content.assemble(
                    (f" {key} ", "bold $primary"),
                    (
                        "looks at devices, codecs, models, the workspace, and says what to mend.",
                        "$quiet",
                    ),
                )
            )
        elif all(finding.state == "good" for finding in self.findings):
            page.append(Content.styled("✓ Nothing is to be mended.", "$success"))
        page += ["", *finding_lines(self.findings), ""] if self.findings else [""]
        self.query_one(Pane).fill("#doctor", lines(page))


def _page(detail: SystemDetail) -> Content:
    page: list[Content | str] = []
    for title, pairs in detail.sections:
        page += [Content.styled(title, "bold $primary"), facts(pairs, NAME_WIDTH), ""]
    return lines(page)
