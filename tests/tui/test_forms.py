"""A form by keyboard alone: what a field means, what is wrong with it, saving and leaving."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from projects.errors import CommandError
from projects.options import Option, Value
from tui.app import Dashboard
from tui.dialogs import Confirm
from tui.forms import Choice, Form

from .conftest import press, screen_text, settle
from .workspaces import empty, person

Open = Callable[[], Dashboard]

OPTIONS = (
    Option("name", "Name", "text", required=True, help="Who they are."),
    Option("steps", "Steps", "int", 500, minimum=1, maximum=9999, unit="steps", group="Training",
           help="How long it trains."),
    Option("rate", "Learning rate", "float", 5e-5, minimum=0, group="Training"),
    Option("mask", "Mask", "choice", "hull", choices=("hull", "learnt", "both"), group="Picture"),
    Option("grain", "Grain", "bool", default=True, group="Picture"),
    Option("expires", "Expires", "date", group="Picture", help="When the consent ends."),
)  # fmt: skip


class Answer:
    """What the form gave."""

    def __init__(self) -> None:
        self.values: dict[str, Value] | None = {"nothing": "yet"}

    def take(self, values: dict[str, Value] | None) -> None:
        self.values = values


async def show(pilot: Pilot[None], form: Form) -> Answer:
    answer = Answer()
    pilot.app.push_screen(form, answer.take)
    await settle(pilot)
    return answer


async def write(pilot: Pilot[None], words: str) -> None:
    for character in words:
        await pilot.press("minus" if character == "-" else character)
    await settle(pilot)


async def test_a_form_is_filled_and_saved_by_keys_alone(root: Path, dashboard: Open) -> None:
    empty(root)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        answer = await show(pilot, Form("Add a person", OPTIONS))
        text = screen_text(pilot)
        assert "Add a person" in text
        assert "Who they are." in text
        await write(pilot, "Ada")
        await press(pilot, "tab")
        assert "How long it trains. It takes 1 to 9999 steps." in screen_text(pilot)
        await press(pilot, "ctrl+u", "7", "down", "down", "l", "tab", "space", "ctrl+s")
        assert answer.values == {
            "name": "Ada",
            "steps": 7,
            "rate": 5e-5,
            "mask": "learnt",
            "grain": False,
            "expires": None,
        }


async def test_what_is_wrong_is_said_when_the_field_is_left(root: Path, dashboard: Open) -> None:
    empty(root)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        answer = await show(pilot, Form("Train", OPTIONS, {"name": "Ada"}))
        await press(pilot, "tab", "ctrl+u")
        await write(pilot, "0")
        assert "cannot be" not in screen_text(pilot)
        await press(pilot, "tab")
        assert "Steps cannot be '0'. It takes a whole number: 1 to" in screen_text(pilot)
        await press(pilot, "ctrl+s")
        assert answer.values == {"nothing": "yet"}
        assert pilot.app.focused is pilot.app.screen.query_one("#field-steps", Input)
        await press(pilot, "ctrl+u", "9")
        assert "cannot be" not in screen_text(pilot)
        await press(pilot, "enter")
        assert answer.values is not None
        assert answer.values["steps"] == 9


async def test_leaving_asks_only_when_something_was_changed(root: Path, dashboard: Open) -> None:
    empty(root)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        answer = await show(pilot, Form("Train", OPTIONS, {"name": "Ada"}))
        await press(pilot, "escape")
        assert answer.values is None
        answer = await show(pilot, Form("Train", OPTIONS, {"name": "Ada"}))
        await press(pilot, "x", "escape")
        assert isinstance(pilot.app.screen, Confirm)
        assert "Changed and not saved: Name." in screen_text(pilot)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, Form)
        await press(pilot, "escape", "right", "enter")
        assert answer.values is None


async def test_a_check_of_the_whole_form_keeps_it_open(root: Path, dashboard: Open) -> None:
    empty(root)

    def check(values: Mapping[str, Value]) -> None:
        if values["name"] == "Ada":
            raise CommandError("There is already a person called 'Ada'. Choose another name.")

    async with dashboard().run_test(size=(80, 24)) as pilot:
        answer = await show(pilot, Form("Add", OPTIONS, {"name": "Ada"}, check=check))
        await press(pilot, "enter")
        assert "There is already a person called 'Ada'" in screen_text(pilot)
        await press(pilot, "x", "enter")
        assert answer.values is not None
        assert answer.values["name"] == "Adax"


async def test_a_long_form_scrolls_on_a_small_terminal(root: Path, dashboard: Open) -> None:
    person(empty(root), "Anna")
    many = [Option(f"o{n}", f"Option {n}", "int", n, help=f"Help of {n}.") for n in range(30)]
    async with dashboard().run_test(size=(80, 24)) as pilot:
        answer = await show(pilot, Form("Many", many))
        assert "Option 29" not in screen_text(pilot)
        await press(pilot, *["down"] * 29)
        text = screen_text(pilot)
        assert "Option 29" in text
        assert "Help of 29." in text
        assert "Enter or ^S saves" in text
        await press(pilot, "1", "enter")
        assert answer.values is not None
        assert answer.values["o29"] == 291


async def test_a_choice_of_many_words_fits_a_line_and_finds_by_letter(
    root: Path, dashboard: Open
) -> None:
    empty(root)
    names = tuple(f"{letter}-person-with-a-long-name" for letter in "abcdefgh")
    option = Option("who", "Who", "choice", names[0], choices=names)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        answer = await show(pilot, Form("Choose", [option]))
        assert "1 of 8" in screen_text(pilot)
        await press(pilot, "e")
        assert pilot.app.screen.query_one(Choice).value == names[4]
        await press(pilot, "left", "ctrl+s")
        assert answer.values == {"who": names[3]}


async def test_markup_and_escapes_in_values_are_shown_and_not_obeyed(
    root: Path, dashboard: Open
) -> None:
    empty(root)
    nasty = "[red]x[/red]"
    option = Option("who", "Who [b]", "choice", nasty, choices=(nasty, "plain"), help="[i]help")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await show(pilot, Form("[b]title", [option], note="[b]note"))
        text = screen_text(pilot)
        for words in ("[red]x[/red]", "[b]title", "[b]note", "[i]help", "Who [b]"):
            assert words in text
