"""The first and the last line of every mode: where one is, and which keys apply.

Each is one widget that draws text: Textual's own footer makes a widget of every key, anew whenever
one changes, which costs more than all the rest of the screen.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.app import RenderResult
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from tui.actions import MODES
from tui.snapshot import Snapshot

MOST_KEYS = 8

LINKS = """
        link-style: none; link-color: $quiet; link-background: $panel;
        link-style-hover: none; link-color-hover: $foreground; link-background-hover: $boost;
"""


class Heading(Widget):
    """The modes with their keys, how many jobs run, and which workspace this is."""

    DEFAULT_CSS = f"""
    Heading {{
        dock: top; height: 1; margin-bottom: 1; padding: 0 1; background: $panel; {LINKS}
    }}
    """

    status: reactive[Content] = reactive(Content(""))

    def __init__(self, mode: str) -> None:
        super().__init__()
        tabs = ["[b $primary]swapdeck[/]  "]
        for number, (name, title) in enumerate(MODES.items(), start=1):
            tabs.append(
                f"[b on $selected] {number} {title} [/]"
                if name == mode
                else f"[@click=app.mode('{name}')] {number} {title} [/]"
            )
        self._tabs = Content.from_markup("".join(tabs))

    def show(self, snapshot: Snapshot) -> None:
        """Bring the right-hand side up to date."""
        running = sum(row.state in ("running", "stopping") for row in snapshot.jobs)
        waiting = sum(row.state in ("waiting", "paused") for row in snapshot.jobs)
        parts = [Content.styled(f"● {running} running", "$primary")] if running else []
        parts += [Content.styled(f"○ {waiting} waiting", "$quiet")] if waiting else []
        parts.append(Content.styled(snapshot.place, "$quiet"))
        self.status = Content("  ").join(parts)

    def render(self) -> RenderResult:
        room = self.size.width - cell_len(self._tabs.plain) - 2
        if room < 8:
            return self._tabs
        status = self.status.truncate(room, ellipsis=True)
        gap = room + 2 - cell_len(status.plain)
        return Content.assemble(self._tabs, " " * gap, status)


class Keys(Widget):
    """The keys that do something here, from the bindings that are in force."""

    DEFAULT_CSS = f"""
    Keys {{ dock: bottom; height: 1; padding: 0 1; background: $footer-background; {LINKS} }}
    Keys {{ link-background: $footer-background; link-color: $footer-description-foreground; }}
    """

    keys: reactive[tuple[tuple[str, str, str], ...]] = reactive(())

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            shown = {}
            for active in screen.active_bindings.values():
                binding = active.binding
                if binding.id == "undo" and not getattr(self.app, "undoables", ()):
                    continue  # it then offers the trash, which is worth no place here
                if active.enabled and binding.show and binding.action not in shown:
                    name = self.app.get_key_display(binding)
                    shown[binding.action] = (binding.key, name, binding.description)
            self.keys = tuple(shown.values())

    def render(self) -> RenderResult:
        return Content("  ").join(
            Content.from_markup(
                f"[b $footer-key-foreground]$shown[/][@click=app.simulate_key('{key}')] {label}[/]",
                shown=shown,
            )
            for key, shown, label in fitting(self.keys, self.size.width)
        )


def fitting(keys: Sequence[tuple[str, str, str]], width: int) -> Sequence[tuple[str, str, str]]:
    """As many keys as a person takes in and the line holds; the last two, help and quit, stay."""
    always = keys[-2:]
    most = len(keys) - len(always)
    for number in range(min(MOST_KEYS - len(always), most), -1, -1):
        shown = (*keys[:number], *always)
        if sum(cell_len(f"{name} {label}  ") for _, name, label in shown) - 2 <= width:
            return shown
    return always
