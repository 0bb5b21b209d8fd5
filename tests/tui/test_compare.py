"""Swaps compared in the dashboard: marked in the list, shown side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from projects import jobs
from projects.swaps import Swap, new_swap, update_swap
from projects.texts import append_line
from projects.workspace import Workspace
from tui.app import Dashboard
from tui.compare import CompareScreen
from tui.curve import Curves, dots
from tui.picture import Picture
from tui.swaps import SwapsScreen

from .conftest import press, reread, screen_text, settle, told
from .workspaces import empty, person, running_job, step_event, trained_swap

Open = Callable[[], Dashboard]
WIDE = (120, 50)


@pytest.fixture
def ws(root: Path) -> Workspace:
    made = empty(root)
    for name in ("Anna", "Bruno", "Cleo"):
        person(made, name)
    return made


@pytest.fixture
def pair(ws: Workspace) -> tuple[Swap, Swap]:
    """Two trained swaps, of which the second has the better score and another batch."""
    one, other = trained_swap(ws, "anna", "bruno", 500), trained_swap(ws, "anna", "cleo", 300)
    other = update_swap(other, settings={"batch": 8}, fingerprints={"source": "f" * 64})
    for swap, best in ((one, 0.4), (other, 0.5)):
        for step, value in ((100, best - 0.2), (200, best), (300, best - 0.1)):
            append_line(swap.root / "scores.jsonl", {"step": step, "value": value})
    return one, other


async def test_marked_swaps_are_shown_side_by_side(pair: tuple[Swap, Swap], dashboard: Open):
    app = dashboard()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "2", "space", "down", "space")
        assert "● Anna → Bruno" in screen_text(pilot)
        await press(pilot, "C")
        assert isinstance(app.screen, CompareScreen)
        shown = screen_text(pilot)
        for words in ("anna-as-bruno", "anna-as-cleo", "trained to step", "500", "0.5000 ✓ best"):
            assert words in shown
        assert [line.split() for line in shown.splitlines() if "batch" in line] == [
            ["batch", "16", "8"]
        ]
        assert "source's faces" in shown and "not set" in shown and "ffffffffffff" in shown
        curves = app.screen.query_one("#loss", Curves)
        assert [name for _, name, _ in curves.drawn] == ["anna-as-bruno", "anna-as-cleo"]
        assert len(app.screen.query_one(Picture).paths) == 2
        await press(pilot, "end")
        assert "swapdeck compare anna-as-bruno anna-as-cleo" in screen_text(pilot)
        await press(pilot, "escape")
        assert isinstance(app.screen, SwapsScreen)


async def test_a_marked_swap_is_compared_with_the_one_under_the_cursor(
    pair: tuple[Swap, Swap], dashboard: Open
):
    app = dashboard()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "2", "C")
        assert isinstance(app.screen, SwapsScreen)  # nothing is marked
        await press(pilot, "space", "C")
        assert "Mark another swap" in told(app)
        await press(pilot, "down", "C")
        assert isinstance(app.screen, CompareScreen)
        assert app.screen.slugs == ("anna-as-bruno", "anna-as-cleo")


async def test_a_mark_can_be_taken_back(pair: tuple[Swap, Swap], dashboard: Open):
    async with dashboard().run_test(size=WIDE) as pilot:
        await press(pilot, "2", "space")
        assert "●" in screen_text(pilot)
        await press(pilot, "space")
        assert "●" not in screen_text(pilot)


async def test_it_follows_trainings_that_run(
    ws: Workspace, pair: tuple[Swap, Swap], dashboard: Open
):
    one, _ = pair
    job, log = running_job(ws, one)
    log.emit("step", **step_event(500, 2000))
    with jobs.holding_lock(job):
        app = dashboard()
        async with app.run_test(size=WIDE) as pilot:
            await press(pilot, "2", "space", "down", "C")
            assert "running" in screen_text(pilot)
            append_line(one.history_path, step_event(1230, 2000))
            await reread(pilot)
            assert "1,230" in screen_text(pilot)


async def test_a_swap_without_a_history_and_one_that_cannot_be_read_are_said(
    ws: Workspace, pair: tuple[Swap, Swap], dashboard: Open
):
    bare = new_swap(ws, None, "bruno", "cleo", preset="light-64", seed=1, settings={})
    app = dashboard()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "2", "space", "down", "down", "C")
        assert "no history" in screen_text(pilot)
        (bare.root / "swap.toml").write_text("name = [")
        await reread(pilot)
        assert "swap.toml" in screen_text(pilot)
        await settle(pilot)


def test_curves_share_their_axes_and_are_told_apart_by_their_gaps() -> None:
    line = [(0.0, 1.0), (100.0, 1.0)]
    whole = dots(line, 10, 1, (0, 100, 0, 2), linear=True)
    broken = dots(line, 10, 1, (0, 100, 0, 2), linear=True, gaps=2)
    assert all(whole[0]) and whole != broken
    half = dots([(0.0, 1.0), (50.0, 1.0)], 10, 1, (0, 100, 0, 2), linear=True)
    assert half[0][:5] == whole[0][:5] and not any(half[0][6:])
