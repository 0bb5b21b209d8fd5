"""The windows over the lists: a question before something is destroyed, and the help."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui.actions import ACTIONS, EVERYWHERE, JOBS, LISTS, key_name


class Confirm(ModalScreen[bool]):
    """Asks before something is destroyed or ended. Cancel has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss(False)", "Cancel"),
        ("left,right,h,l", "app.focus_next", "Other button"),
    ]
    DEFAULT_CSS = """
    Confirm { align: center middle; background: $background 60%; }
    Confirm #window {
        width: 64; max-width: 90%; height: auto; padding: 1 3 0 3;
        background: $background; border: round $warning;
    }
    Confirm #question { text-style: bold; margin-bottom: 1; }
    Confirm #buttons { height: auto; margin-top: 1; align-horizontal: right; }
    Confirm Button { margin-left: 2; min-width: 12; }
    """

    def __init__(self, question: str, consequence: str, verb: str) -> None:
        super().__init__()
        self.question = question
        self.consequence = consequence
        self.verb = verb

    def compose(self) -> ComposeResult:
        with Vertical(id="window"):
            yield Static(self.question, id="question", markup=False)
            yield Static(self.consequence, markup=False)
            with Horizontal(id="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(self.verb, id="confirm", variant="warning", compact=True)

    def on_mount(self) -> None:
        self.query_one("#cancel").focus()

    @on(Button.Pressed)
    def _answered(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "confirm")


class Help(ModalScreen[None]):
    """Every key and what it does, from the registry of actions."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,question_mark,f1", "dismiss", "Close")]
    DEFAULT_CSS = """
    Help { align: center middle; background: $background 60%; }
    Help #window {
        width: 76; max-width: 96%; height: auto; max-height: 92%; padding: 0 2;
        background: $background; border: round $primary; border-title-color: $primary;
        border-subtitle-color: $quiet;
    }
    Help Static { height: auto; }
    """

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="window") as window:
            window.border_title = "Keys"
            window.border_subtitle = "Esc closes"
            yield Static(help_text())

    def on_mount(self) -> None:
        self.query_one("#window").focus()


def help_text() -> Content:
    """The registry as a table, a group after the other."""
    lines: list[Content] = []
    for group in (EVERYWHERE, LISTS, JOBS):
        lines.append(Content.styled(group, "bold $primary"))
        for action in ACTIONS:
            if action.group == group:
                keys = " ".join(key_name(key) for key in action.keys.split(","))
                lines.append(
                    Content.assemble((f"  {keys:<9}", "bold"), f" {action.label:<13} ")
                    + Content.styled(action.tooltip, "$quiet")
                )
        lines.append(Content(""))
    lines.append(
        Content.styled(
            "Jobs run on their own: closing the dashboard, or losing the connection, "
            "never stops one.",
            "$quiet",
        )
    )
    return Content("\n").join(lines)
