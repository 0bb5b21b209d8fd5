"""A form made from the description of its options, for the keyboard alone.

One field a line; under the fields what the one in focus means. What is wrong with a field is said
under it once it is left. Nothing is given back before everything in it can be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static

from projects.errors import SwapdeckError
from projects.options import Option, Value
from tui.actions import FORMS, bindings, ids
from tui.dialogs import Confirm
from tui.text import clean

LABEL_WIDTH = 20
Check = Callable[[Mapping[str, Value]], None]
Note = Callable[[Mapping[str, str]], str]


class Choice(Widget, can_focus=True):
    """One of a few words: left and right, space, or a word's first letter choose."""

    DEFAULT_CSS = """
    Choice { height: 1; width: 1fr; }
    Choice:focus { background: $selected; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("right,l,space", "turn(1)", "Next"),
        ("left,h", "turn(-1)", "Before"),
    ]

    value: reactive[str] = reactive("")

    class Changed(Message):
        """Another word is chosen."""

        def __init__(self, field: Choice) -> None:
            super().__init__()
            self.field = field

        @property
        def control(self) -> Choice:
            return self.field

    def __init__(self, choices: Sequence[str], value: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.choices = tuple(choices)
        self.set_reactive(Choice.value, value)

    def render(self) -> Content:
        words = [
            Content.assemble(("● ", "$primary"), (_word(choice), "bold"))
            if choice == self.value
            else Content.assemble(("○ ", "$quiet"), _word(choice))
            for choice in self.choices
        ]
        line = Content("  ").join(words)
        if line.cell_length <= self.size.width:
            return line
        place = self.choices.index(self.value) + 1 if self.value in self.choices else 0
        of = f"  {place} of {len(self.choices)}"
        return Content.assemble(
            ("◂ ", "$primary"), (_word(self.value), "bold"), (" ▸", "$primary"), (of, "$quiet")
        )

    def watch_value(self) -> None:
        self.post_message(self.Changed(self))

    def action_turn(self, step: int) -> None:
        """The word after this one, or before; round and round."""
        at = self.choices.index(self.value) if self.value in self.choices else -1
        self.value = self.choices[(at + step) % len(self.choices)]

    def on_key(self, event: events.Key) -> None:
        if event.character is None or not event.character.isalnum():
            return
        at = self.choices.index(self.value) if self.value in self.choices else -1
        later = [*self.choices[at + 1 :], *self.choices[: at + 1]]
        found = next((c for c in later if c.casefold().startswith(event.character.casefold())), "")
        if found:
            event.stop()
            self.value = found

    def on_click(self) -> None:
        self.action_turn(1)


class _Fields(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls with the focus; its own keys would take those that go from field to field."""


class Form(ModalScreen[dict[str, Value] | None]):
    """Asks for values; gives all of them, or None when it was left.

    `values` are what the fields hold at first, in place of the defaults. `check` gets all values
    and may raise a SwapdeckError, whose sentence is shown; it must not take long. `note` stands
    above the fields; it may be made of what is written in them, by their names.
    """

    BINDINGS = bindings(*ids(FORMS))
    DEFAULT_CSS = """
    Form { align: center middle; background: $background 60%; }
    Form #window {
        width: 78; max-width: 100%; height: auto; max-height: 100%; padding: 0 2;
        background: $background; border: round $primary; border-title-color: $primary;
        border-subtitle-color: $quiet;
    }
    Form #note { height: auto; color: $quiet; margin-bottom: 1; }
    Form #fields { height: auto; scrollbar-size-vertical: 1; }
    Form .group { height: 1; color: $primary; text-style: bold; margin-top: 1; }
    Form .field { height: 1; }
    Form .name { width: 21; color: $quiet; }
    Form .unit { width: auto; color: $quiet; padding: 0 1; }
    Form Input { width: 1fr; }
    Form Input:focus { background: $selected; }
    Form .error { height: auto; color: $error; padding-left: 21; display: none; }
    Form .error.-shown { display: block; }
    Form #help { height: 2; margin-top: 1; color: $foreground; }
    Form #problem { height: auto; color: $error; display: none; }
    Form #problem.-shown { display: block; }
    """

    def __init__(
        self,
        title: str,
        options: Sequence[Option],
        values: Mapping[str, Value] | None = None,
        *,
        check: Check | None = None,
        note: str | Note = "",
    ) -> None:
        super().__init__()
        self.form_title = title
        self.options = {option.name: option for option in options}
        self.check = check
        given = values or {}
        self.first = {o.name: o.show(given.get(o.name, o.default)) for o in options}
        self._note = note
        self.note = note if isinstance(note, str) else note(self.first)

    def compose(self) -> ComposeResult:
        with Vertical(id="window") as window:
            window.border_title = Content(self.form_title)
            window.border_subtitle = "Enter or ^S saves · Esc leaves"
            if self.note:
                yield Static(self.note, id="note", markup=False)
            with _Fields(id="fields"):
                yield from self._rows()
            yield Static(id="problem", markup=False)
            yield Static(id="help", markup=False)

    def _rows(self) -> ComposeResult:
        group = ""
        for option in self.options.values():
            if option.group != group:
                group = option.group
                yield Static(group, classes="group", markup=False)
            with Horizontal(classes="field"):
                mark = "*" if option.required else ""
                yield Static(f"{option.label}{mark}", classes="name", markup=False)
                yield _field(option, self.first[option.name])
                if option.unit:
                    yield Static(option.unit, classes="unit", markup=False)
            yield Static(id=f"error-{option.name}", classes="error", markup=False)

    def on_mount(self) -> None:
        self._fit()
        # At once, and not when the screen gets round to it: who types on would be in another field.
        self.set_focus(self.query(".field Input, Choice").first())

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        around = 7 + (2 + len(self.note) // 60 if self.note else 0)
        self.query_one("#fields").styles.max_height = max(3, self.size.height - around)

    # What the fields hold.

    @property
    def texts(self) -> dict[str, str]:
        """What is written in each field."""
        return {name: self._widget(name).value for name in self.options}

    @property
    def changed(self) -> bool:
        """Whether anything is written otherwise than at first."""
        return self.texts != self.first

    def _widget(self, name: str) -> Input | Choice:
        found = self.query_one(f"#field-{name}")
        if not isinstance(found, Input | Choice):
            raise TypeError(f"{name} is no field")
        return found

    def problem(self, name: str) -> str:
        """What is wrong with a field; "" when nothing is."""
        try:
            self.options[name].parse(self._widget(name).value)
        except SwapdeckError as error:
            return clean(error)
        return ""

    def _show_problem(self, name: str, words: str) -> None:
        line = self.query_one(f"#error-{name}", Static)
        line.update(words)
        line.set_class(bool(words), "-shown")

    @on(events.DescendantBlur)
    def _left(self, event: events.DescendantBlur) -> None:
        name = _name(event.widget)
        if name:
            self._show_problem(name, self.problem(name))

    @on(events.DescendantFocus)
    def _entered(self, event: events.DescendantFocus) -> None:
        name = _name(event.widget)
        if name:
            self.query_one("#help", Static).update(_help(self.options[name]))

    @on(Input.Changed)
    @on(Choice.Changed)
    def _typed(self, event: Input.Changed | Choice.Changed) -> None:
        event.stop()
        name = _name(event.control)
        if name and self.query_one(f"#error-{name}").has_class("-shown"):
            self._show_problem(name, self.problem(name))
        self._show_whole("")
        if not isinstance(self._note, str):
            self.note = self._note(self.texts)
            self.query_one("#note", Static).update(self.note)

    def _show_whole(self, words: str) -> None:
        line = self.query_one("#problem", Static)
        line.update(words)
        line.set_class(bool(words), "-shown")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_save_form()

    # Actions.

    def action_save_form(self) -> None:
        """Give back the values, or go to the first field that is wrong."""
        problems = {name: self.problem(name) for name in self.options}
        for name, words in problems.items():
            self._show_problem(name, words)
        wrong = next((name for name, words in problems.items() if words), None)
        if wrong is not None:
            self._widget(wrong).focus()
            return
        values = {name: o.parse(self._widget(name).value) for name, o in self.options.items()}
        try:
            if self.check is not None:
                self.check(values)
        except SwapdeckError as error:
            self._show_whole(clean(error))
            return
        self.dismiss(values)

    def action_leave_form(self) -> None:
        """Leave; ask first when something would be lost."""
        if not self.changed:
            self.dismiss(None)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(None)

        changed = [self.options[n].label for n, text in self.texts.items() if text != self.first[n]]
        self.app.push_screen(
            Confirm(
                "Leave without saving?", f"Changed and not saved: {', '.join(changed)}.", "Leave"
            ),
            answered,
        )

    def action_next_field(self, step: int) -> None:
        """The field below, or above."""
        if step > 0:
            self.focus_next()
        else:
            self.focus_previous()


def _word(choice: str) -> str:
    """A choice as it is shown; none of them has to have a word too."""
    return clean(choice) or "not said"


def _field(option: Option, text: str) -> Input | Choice:
    name = f"field-{option.name}"
    if option.kind == "choice":
        return Choice(option.choices if option.required else _with_none(option), text, id=name)
    if option.kind == "bool":
        words = ("yes", "no") if option.default is not None else ("", "yes", "no")
        return Choice(words, text, id=name)
    # The unit stands beside the field already.
    hint = option.show(option.default) or option.bounds or ("" if option.unit else option.expected)
    return Input(text, placeholder=hint, id=name, compact=True, select_on_focus=False)


def _with_none(option: Option) -> tuple[str, ...]:
    return option.choices if option.default is not None else ("", *option.choices)


def _name(widget: Widget | None) -> str:
    """The option whose field a widget is."""
    found = widget.id if widget is not None and widget.id else ""
    return found.removeprefix("field-") if found.startswith("field-") else ""


def _help(option: Option) -> Content:
    parts = [option.help] if option.help else []
    if option.kind not in ("bool", "choice") and option.expected:
        parts.append(f"It takes {option.expected}.")
    default = option.show(option.default)
    if default:
        parts.append(f"Left empty: {default}." if option.kind not in ("bool", "choice") else "")
    return Content(" ".join(filter(None, parts)))
