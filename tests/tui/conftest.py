"""A dashboard that reads only when told to, on a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key, Paste
from textual.pilot import Pilot
from textual.worker import WorkerCancelled

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


@pytest.fixture(autouse=True)
def lasting_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told stays there until it is looked at, however long a busy machine takes."""
    notify = Dashboard.notify

    def told(app: Dashboard, message: str, **how: Any) -> None:
        notify(app, message, **(how | {"timeout": 3600.0}))

    monkeypatch.setattr(Dashboard, "notify", told)


async def settle(pilot: Pilot[None]) -> None:
    """Wait until every reading, picture and message that is under way has been shown.

    What was shown may ask for more: it is over when nothing was read in three rounds. Textual's own
    pause waits for a process that does little, which one does as well that gets no processor.
    """
    app = pilot.app
    quiet = 0
    while quiet < 3:
        working = [worker for worker in app.workers if not worker.is_finished]
        for worker in working:
            with suppress(WorkerCancelled):  # another reading has taken its place
                await worker.wait()
        await pilot.pause(0)
        quiet = 0 if working else quiet + 1


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys as somebody does who looks first: none before what it is about is shown."""
    await settle(pilot)
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def write(pilot: Pilot[None], words: str) -> None:
    """Put words into the field that has the focus, all at once as a terminal pastes them."""
    assert pilot.app.focused is not None
    pilot.app.focused.post_message(Paste(words))
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
