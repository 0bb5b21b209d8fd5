"""A dashboard that reads only when told to, on a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.events import Key
from textual.pilot import Pilot

from tui.app import Dashboard
from tui.reading import Reader
from tui.rows import Rows

NOW = 1_800_000_000.0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "ws"


@pytest.fixture
def dashboard(root: Path) -> Callable[[], Dashboard]:
    return lambda: Dashboard(Reader(root, clock=lambda: NOW), poll=None)


async def settle(pilot: Pilot[None]) -> None:
    """Wait until every reading, picture and message that is under way has been shown."""
    app = pilot.app
    for _ in range(4):
        await app.workers.wait_for_complete()
        await pilot.pause()


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys as somebody does who looks first: none before what it is about is shown."""
    await settle(pilot)
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def type_ahead(pilot: Pilot[None], text: str) -> None:
    """Type faster than anything is shown, as over a slow line."""
    for letter in text:
        name = {"/": "slash", "\r": "enter", ".": "full_stop"}.get(letter, letter)
        pilot.app.post_message(Key(name, letter))
    await settle(pilot)


async def reread(pilot: Pilot[None]) -> None:
    """What the timer does in use: read the files again, and show them."""
    assert isinstance(pilot.app, Dashboard)
    pilot.app.refresh_now()
    await settle(pilot)


def screen_text(pilot: Pilot[None]) -> str:
    """Everything on the screen, as lines of text."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


def listed(pilot: Pilot[None]) -> list[str]:
    """The rows of the list, as text."""
    return [row.words for row in pilot.app.screen.query_one(Rows).rows]


def told(pilot: Pilot[None]) -> str:
    """What was said in lines that go away by themselves, a line each."""
    return "\n".join(notification.message for notification in pilot.app._notifications)
