"""Destructive acts ask, go to the trash, and come back; what was done last is taken back first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from projects.errors import SwapdeckError
from projects.people import load_person, remove_person
from projects.workspace import list_trash
from tui.app import Dashboard
from tui.dialogs import Confirm

from .conftest import listed, press, reread, screen_text, settle, told
from .workspaces import empty, person

Open = Callable[[], Dashboard]


def trash(app: Dashboard, folder: Path) -> None:
    app.trash(
        f"Move {folder.name} to the trash?",
        "Their sources and 3 faces go with them.",
        lambda ws: remove_person(ws, load_person(folder)),
        folder.name,
    )


async def test_the_trash_is_asked_for_and_z_brings_back_the_last(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    anna, bruno = person(ws, "Anna"), person(ws, "Bruno")
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        trash(app, anna.root)
        await settle(pilot)
        assert isinstance(app.screen, Confirm)
        assert app.focused is not None
        assert app.focused.id == "cancel"
        assert "Their sources and 3 faces go with them." in screen_text(pilot)
        await press(pilot, "enter")
        assert anna.root.exists()
        for folder in (anna.root, bruno.root):
            trash(app, folder)
            await settle(pilot)
            await press(pilot, "right", "enter")
        assert listed(pilot) == []
        assert "Press z to get it back" in told(pilot)
        await press(pilot, "z")
        assert [row.split()[0] for row in listed(pilot)] == ["Bruno"]
        await press(pilot, "z")
        assert [row.split()[0] for row in listed(pilot)] == ["Anna", "Bruno"]
        assert list_trash(ws) == []
        await press(pilot, "z")
        assert "There is nothing to take back" in told(pilot)


async def test_what_was_trashed_elsewhere_is_offered(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    person(ws, "Anna")
    remove_person(ws, person(ws, "Bruno"))
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "z")
        assert isinstance(pilot.app.screen, Confirm)
        assert "Restore bruno from the trash?" in screen_text(pilot)
        await press(pilot, "right", "enter")
        assert len(listed(pilot)) == 2


async def test_acts_are_taken_back_in_turn_and_one_that_fails_stays(
    root: Path, dashboard: Open
) -> None:
    person(empty(root), "Anna")
    undone: list[int] = []
    broken = [True]

    def undo(number: int) -> str:
        if number == 2 and broken.pop():
            broken.append(False)
            raise SwapdeckError("The disk is full. Free some space.")
        undone.append(number)
        return f"Number {number} is undone."

    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        assert "Undo" not in screen_text(pilot).splitlines()[-1]
        for number in (1, 2):
            app.push_undo(f"number {number}", partial(undo, number))
        await reread(pilot)
        assert "z Undo" in screen_text(pilot).splitlines()[-1]
        await press(pilot, "z")
        assert "The disk is full. Free some space." in told(pilot)
        await press(pilot, "z")
        assert "Number 2 is undone." in told(pilot)
        await press(pilot, "z")
        assert undone == [2, 1]


async def test_a_name_that_is_taken_again_is_not_overwritten_by_a_restore(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    anna = person(ws, "Anna")
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        trash(app, anna.root)
        await settle(pilot)
        await press(pilot, "right", "enter")
        person(ws, "Anna")
        await press(pilot, "z")
        assert "exists again" in told(pilot)
        assert len(list_trash(ws)) == 1
