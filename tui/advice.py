"""What the dataset doctor says of a person, alone or for a swap onto somebody else.

The doctor belongs to the engine, which the dashboard never loads: it runs as a process of its own,
and its sentences are shown as they come.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.engine import EngineFailedError, EngineProcess, engine_command
from tui.text import clean

_LOOKS = {"good": ("✓", "$success"), "doubt": ("!", "$warning"), "problem": ("✗", "$error")}


@dataclass(frozen=True)
class Advice:
    """One sentence of the doctor's; `level` is good, doubt or problem."""

    level: str
    text: str


class Consultation(EngineProcess):
    """The doctor's process."""

    def __init__(self, root: Path, source: str, target: str = "") -> None:
        shared = ("--workspace", str(root), "--json")
        people = (source, target) if target else (source,)
        super().__init__(engine_command(*shared, "faces", "doctor", *people))

    def advice(self) -> Iterator[Advice]:
        """Each sentence; a problem where the doctor could not be asked.

        Raises:
            OSError: the process cannot be started.
        """
        found = 0
        try:
            for line in self.lines():
                advice = _advice(line)
                if advice is not None:
                    found += 1
                    yield advice
        except EngineFailedError as error:
            if not found:
                yield Advice("problem", f"The doctor did not get to the end: {error}")


class AdviceWindow(ModalScreen[None]):
    """The doctor's advice about `source`; Tab goes on to what a swap onto each other one needs.

    `people` are slugs and names, `source` the slug of one of them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q,D", "dismiss", "Close"),
        ("tab,n,right,l", "turn(1)", "Next target"),
        ("shift+tab,left,h", "turn(-1)", "Target before"),
    ]
    DEFAULT_CSS = """
    AdviceWindow { align: center middle; background: $background 60%; }
    AdviceWindow #window {
        width: 92; max-width: 98%; height: auto; max-height: 92%; padding: 0 2;
        background: $background; border: round $primary; border-title-color: $primary;
        border-subtitle-color: $quiet; scrollbar-size-vertical: 1;
    }
    AdviceWindow Static { height: auto; }
    """

    class Said(Message):
        """From the thread that listens: all that was said so far about one target."""

        def __init__(self, target: str, advice: Sequence[Advice], ended: bool) -> None:
            super().__init__()
            self.target = target
            self.advice = advice
            self.ended = ended

    def __init__(self, root: Path, people: Sequence[tuple[str, str]], source: str) -> None:
        super().__init__()
        self.root = root
        self.names = dict(people)
        self.source = source
        self.targets = ["", *(slug for slug, _ in people if slug != source)]
        self.target = ""
        self._consultation: Consultation | None = None

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="window") as window:
            if len(self.targets) > 1:
                window.border_subtitle = "Tab: for a swap onto the next person · Esc closes"
            else:
                window.border_subtitle = "Esc closes"
            yield Static(id="advice")

    def on_mount(self) -> None:
        self.query_one("#window").focus()
        self._ask()

    def on_unmount(self) -> None:
        if self._consultation is not None:
            self._consultation.end()

    def action_turn(self, step: int) -> None:
        """Ask about another target."""
        at = self.targets.index(self.target)
        self.target = self.targets[(at + step) % len(self.targets)]
        self._ask()

    def _ask(self) -> None:
        if self._consultation is not None:
            self._consultation.end()
        name = self.names[self.source]
        onto = f" for a swap onto {self.names[self.target]}" if self.target else ""
        self.query_one("#window").border_title = Content(f"The doctor on {name}{onto}")
        self.query_one("#advice", Static).update(
            Content.styled("The doctor looks at the faces …", "$quiet")
        )
        self._consultation = Consultation(self.root, self.source, self.target)
        self._listen(self._consultation, self.target)

    @work(thread=True, exclusive=True, group="doctor")
    def _listen(self, consultation: Consultation, target: str) -> None:
        said: list[Advice] = []
        try:
            for one in consultation.advice():
                said.append(one)
                self.post_message(self.Said(target, tuple(said), ended=False))
        except OSError as error:
            said.append(Advice("problem", f"The doctor cannot be asked: {error.strerror}."))
        self.post_message(self.Said(target, tuple(said), ended=True))

    @on(Said)
    def _said(self, message: Said) -> None:
        message.stop()
        if message.target == self.target and (message.advice or message.ended):
            self.query_one("#advice", Static).update(advice_lines(message.advice))


def advice_lines(advice: Sequence[Advice]) -> Content:
    """Each sentence under its state, as glyph + word + colour."""
    if not advice:
        return Content.styled("The doctor had nothing to say.", "$quiet")
    parts = []
    for one in advice:
        glyph, colour = _LOOKS.get(one.level, ("?", "$warning"))
        parts.append(Content.assemble((f"{glyph} {one.level:<8}", colour), one.text))
    return Content("\n\n").join(parts)


def _advice(line: str) -> Advice | None:
    try:
        said = json.loads(line)
        if "error" in said:
            return Advice("problem", clean(said["error"]))
        return Advice(clean(said["level"]), clean(said["text"], 1000))
    except (ValueError, TypeError, LookupError):
        return None
