"""The windows over the lists: a question before something is destroyed, and the help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui.actions import ACTIONS, GROUPS, key_name

TOOLTIP_WIDTH = 43  # what an 80-column terminal leaves beside keys and label


class Confirm(ModalScreen[bool]):
    """Asks before something is destroyed or ended. Cancel has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss(False)", "Cancel"),
        ("left,right,h,l", "app.focus_next", "Other button"),
    ]
    DEFAULT_CSS = """
    Confirm { align: center middle; background: $background 60%; }
    Confirm #window {
        width: 64; max-width: 90%; height: auto; max-height: 100%; padding: 1 3 0 3;
        background: $background; border: round $warning;
    }
    Confirm #consequence { height: auto; max-height: 14; }
    Confirm #consequence Static { height: auto; }
    Confirm #question { text-style: bold; margin-bottom: 1; }
    Confirm #buttons { height: auto; margin-top: 1; align-horizontal: right; }
    Confirm Button { margin-left: 2; min-width: 12; }
    """

    def __init__(
        self, question: str, consequence: str, verb: str, *, destructive: bool = True
    ) -> None:
        super().__init__()
        self.question = question
        self.consequence = consequence
        self.verb = verb
        self.destructive = destructive

    def compose(self) -> ComposeResult:
        variant: Literal["warning", "primary"] = "warning" if self.destructive else "primary"
        with Vertical(id="window"):
            yield Static(self.question, id="question", markup=False)
            with VerticalScroll(id="consequence", can_focus=False):
                yield Static(self.consequence, markup=False)
            with Horizontal(id="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(self.verb, id="confirm", variant=variant, compact=True)

    def on_mount(self) -> None:
        self.set_focus(self.query_one("#cancel"))

    @on(Button.Pressed)
    def _answered(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "confirm")


class TooSmall(ModalScreen[None]):
    """In place of everything, while the terminal has no room for it."""

    BINDINGS: ClassVar[list[BindingType]] = [("q", "app.quit", "Quit")]
    DEFAULT_CSS = """
    TooSmall { align: center middle; background: $background; }
    TooSmall Static { width: auto; max-width: 100%; text-align: center; }
    """

    def __init__(self, least: Size) -> None:
        super().__init__()
        self.least = least

    def compose(self) -> ComposeResult:
        least = self.least
        yield Static(
            f"swapdeck needs {least.width} x {least.height} cells.\n"
            "Make the terminal larger; q quits.",
            markup=False,
        )


class Help(ModalScreen[None]):
    """Every key and what it does, from the registry of actions; what applies here comes first.

    `keys` are the keys in force, by the action's id; `here` the groups of the mode it is opened in.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,question_mark,f1", "dismiss", "Close")]
    DEFAULT_CSS = """
    Help { align: center middle; background: $background 60%; }
    Help #window {
        width: 78; max-width: 98%; height: auto; max-height: 92%; padding: 0 2;
        background: $background; border: round $primary; border-title-color: $primary;
        border-subtitle-color: $quiet;
    }
    Help Static { height: auto; }
    """

    def __init__(self, keys: Mapping[str, str], here: Sequence[str] = ()) -> None:
        super().__init__()
        self.keys = keys
        self.here = here

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="window") as window:
            window.border_title = "Keys"
            window.border_subtitle = "Esc closes"
            yield Static(help_text(self.keys, self.here))

    def on_mount(self) -> None:
        self.query_one("#window").focus()


def help_text(keys: Mapping[str, str], here: Sequence[str]) -> Content:
    """The registry as a table, a group after the other."""
    lines: list[Content] = []
    for group in (*here, *(group for group in GROUPS if group not in here)):
        actions = [action for action in ACTIONS if action.group == group]
        if not actions:
            continue
        lines.append(Content.styled(group, "bold $primary"))
        for action in actions:
            names = " ".join(key_name(key) for key in keys[action.id].split(","))
            first, *others = wrap(action.tooltip, TOOLTIP_WIDTH)
            head = Content.assemble((f"  {names:<9}", "bold"), f" {action.label:<13} ")
            lines.append(head + Content.styled(first, "$quiet"))
            lines += [Content.styled(" " * len(head) + words, "$quiet") for words in others]
        lines.append(Content(""))
    lines.append(
        Content.styled(
            "Jobs run on their own: closing the dashboard, or losing the connection, "
            "never stops one.",
            "$quiet",
        )
    )
    return Content("\n").join(lines)
