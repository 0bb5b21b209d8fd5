"""What was made from the data of somebody who withdrew: listed, and put into the trash."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from projects.traces import Traces
from tui.panes import lines
from tui.text import clean, plural, size


class TracesWindow(ModalScreen[bool]):
    """Lists what was made; True when all of it inside the workspace is to go to the trash."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q", "dismiss(False)", "Close"),
        ("left,right,h,l", "app.focus_next", "Other button"),
    ]
    DEFAULT_CSS = """
    TracesWindow { align: center middle; background: $background 60%; }
    TracesWindow #window {
        width: 92; max-width: 98%; height: auto; max-height: 96%; padding: 0 2;
        background: $background; border: round $warning; border-title-color: $warning;
    }
    TracesWindow #list { height: auto; max-height: 14; scrollbar-size-vertical: 1; }
    TracesWindow Static { height: auto; }
    TracesWindow #buttons { height: auto; margin-top: 1; align-horizontal: right; }
    TracesWindow Button { margin-left: 2; min-width: 12; }
    """

    def __init__(self, slug: str, name: str, found: Traces) -> None:
        super().__init__()
        self.slug = slug
        self.person_name = name
        self.found = found

    def compose(self) -> ComposeResult:
        with Vertical(id="window") as window:
            window.border_title = Content(f"Made from {self.person_name}'s data")
            with VerticalScroll(id="list"):
                yield Static(traces_words(self.found))
            yield Static(consequences(self.slug, self.found))
            with Horizontal(id="buttons"):
                yield Button("Close", id="close", compact=True)
                yield Button("All to the trash", id="trash", variant="warning", compact=True)

    def on_mount(self) -> None:
        self.query_one("#close").focus()

    @on(Button.Pressed)
    def _answered(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "trash")


def traces_words(found: Traces) -> Content:
    """A line for everything that was made."""
    if not found.traces:
        return Content("Nothing was made from this person's data.")
    width = min(40, max(len(trace.what) for trace in found.traces))
    return lines(
        Content.assemble(
            f"{clean(trace.what)[:width]:<{width}}  ",
            f"{plural(trace.files, 'file'):>11}  {size(trace.size):>7}  ",
            (clean(trace.path) if trace.kind == "elsewhere" else "", "$quiet"),
        )
        for trace in found.traces
    )


def consequences(slug: str, found: Traces) -> Content:
    """What holds now, and what can be done about what there is."""
    said: list[Content | str] = [
        "",
        "Nothing is trained, converted or exported with this face any more.",
        f"To erase all of it for good: swapdeck person consent {slug} --delete",
    ]
    if found.elsewhere:
        said.append(
            "What lies outside of the workspace is never deleted by swapdeck. Delete it by hand, "
            "and ask those who were given copies to do the same."
        )
    said += [
        f"A swap cannot be read, and may be of this person. {clean(sentence)}"
        for sentence in found.unreadable
    ]
    return lines(said)
