"""What somebody sees who opens the dashboard for the first time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from projects.consent import FORBIDDEN
from tui.app import Dashboard

from .conftest import screen_text, settle
from .workspaces import empty, person

Open = Callable[[], Dashboard]


def words(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


async def test_an_empty_workspace_says_what_is_forbidden_and_how_to_start(
    root: Path, dashboard: Open
) -> None:
    empty(root)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        shown = words(screen_text(pilot))
        assert FORBIDDEN in shown
        assert "swapdeck demo" in shown
        assert "what they make appears here by itself" in shown  # the last line fits too


async def test_it_is_said_where_no_workspace_has_been_made_yet(root: Path, dashboard: Open) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert FORBIDDEN in words(screen_text(pilot))


async def test_it_makes_room_for_people(root: Path, dashboard: Open) -> None:
    person(empty(root), "Anna")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "forbidden" not in words(screen_text(pilot))
