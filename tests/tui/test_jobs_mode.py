"""Jobs: why one failed, going on with it, ending it, and tidying up; all with a way back."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.bench.terminal import Terminal
from projects import jobs
from projects.notices import notify_path
from projects.swaps import new_swap
from projects.workspace import Workspace, list_trash
from tui.app import Dashboard
from tui.dialogs import Confirm

from .conftest import listed, press, reread, screen_text, settle, told
from .workspaces import empty, ended_job, person, running_job, trained_swap

Open = Callable[[], Dashboard]


def running(ws: Workspace) -> jobs.Job:
    person(ws, "Anna")
    person(ws, "Bruno")
    swap = new_swap(ws, None, "anna", "bruno", preset="light-64", seed=1, settings={})
    return running_job(ws, swap)[0]


async def test_a_failed_job_says_why_and_ends_with_its_log(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    job = ended_job(ws, "convert", "ada-as-ben", 1, "clip.mp4 has no video stream. Choose another.")
    job.output_path.write_text("".join(f"line {number}\n" for number in range(50)))
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "3", "enter")
        text = screen_text(pilot)
        assert "✗ failed" in text
        assert "clip.mp4 has no video stream. Choose another." in text
        await press(pilot, "G")
        assert "line 49" in screen_text(pilot)
        assert "line 20" not in screen_text(pilot)


async def test_a_failed_job_is_gone_on_with_and_the_new_one_shown(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    ended_job(ws, "extract", "nobody", 1, "It failed.")
    async with dashboard().run_test(size=(100, 30)) as pilot:
        await press(pilot, "3")
        assert "R Retry" in screen_text(pilot).splitlines()[-1]
        await press(pilot, "R")
        await settle(pilot)
        old, new = sorted(jobs.list_jobs(ws), key=lambda job: job.retry_of != "")
        assert new.retry_of == old.id
        assert pilot.app.screen.key == new.id
        assert "extract nobody goes on." in told(pilot)
        await press(pilot, "enter")
        assert f"It goes on with {old.id}." in screen_text(pilot)


async def test_killing_says_what_is_lost_and_cancel_has_the_focus(
    root: Path, dashboard: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[str] = []
    monkeypatch.setattr(jobs, "kill", lambda job: killed.append(job.id))
    job = running(empty(root))
    with jobs.holding_lock(job):
        async with dashboard().run_test(size=(80, 24)) as pilot:
            await press(pilot, "3", "X")
            assert "since it last saved is lost" in " ".join(
                screen_text(pilot).replace("│", " ").split()
            )
            await press(pilot, "enter")
            assert killed == []
            await press(pilot, "X", "right", "enter")
            assert killed == [job.id]


async def test_an_orphan_is_watched_over_again(
    root: Path, dashboard: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[str] = []
    monkeypatch.setattr(jobs, "launch", lambda job: launched.append(job.id))
    job = running(empty(root))
    with jobs.holding_lock(job) as held:
        assert held is not None
        jobs.record_processes(job, held, os.getpid())
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "3")
        assert listed(pilot)[0].startswith("! orphaned")
        await press(pilot, "w")
        assert launched == [job.id]


async def test_a_record_goes_to_the_trash_and_comes_back(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    ended_job(ws, "extract", "anna", 0, "Done.")
    live = running(ws)
    with jobs.holding_lock(live):
        async with dashboard().run_test(size=(80, 24)) as pilot:
            await press(pilot, "3")
            live_first = pilot.app.screen.key == live.id
            await press(pilot, *(["j"] if live_first else []))
            assert "d Trash" in screen_text(pilot).splitlines()[-1]
            await press(pilot, "d")
            assert "What the job made stays" in screen_text(pilot)
            await press(pilot, "right", "enter")
            assert len(listed(pilot)) == 1
            assert "Trash" not in screen_text(pilot).splitlines()[-1]
            await press(pilot, "z")
            assert len(listed(pilot)) == 2


async def test_cleaning_leaves_what_lives_and_is_taken_back_whole(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    for number in range(4):
        ended_job(ws, "extract", f"anna{number}", number % 2, "It ended.")
    live = running(ws)
    with jobs.holding_lock(live):
        async with dashboard().run_test(size=(80, 24)) as pilot:
            await press(pilot, "3", "C")
            assert isinstance(pilot.app.screen, Confirm)
            assert "Move the records of 4 jobs to the trash?" in screen_text(pilot)
            await press(pilot, "right", "enter")
            assert [job.id for job in jobs.list_jobs(ws)] == [live.id]
            assert len(list_trash(ws)) == 4
            await press(pilot, "z")
            assert len(listed(pilot)) == 5
            assert list_trash(ws) == []


async def test_a_job_that_waits_says_for_what(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    first = running(ws)
    with jobs.holding_lock(first):
        second = jobs.create_job(ws, "convert", "anna-as-bruno", {}, after=first.id)
        async with dashboard().run_test(size=(100, 30)) as pilot:
            await press(pilot, "3")
            await press(pilot, *(["j"] if pilot.app.screen.key == first.id else []))
            assert pilot.app.screen.key == second.id
            await press(pilot, "enter")
            assert "○ waiting" in screen_text(pilot)
            assert f"It comes after {first.id}." in screen_text(pilot)
            await press(pilot, "escape", "x", "right", "enter")
            await reread(pilot)
            assert jobs.state(second).name == "stopped"


async def test_from_a_job_to_what_it_works_on(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    for name in ("Anna", "Bruno"):
        person(ws, name)
    trained_swap(ws, "anna", "bruno", 20)
    ended_job(ws, "extract", "bruno", 0, "Done.")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "3", "i")
        assert (pilot.app.current_mode, pilot.app.screen.key) == ("people", "bruno")
        ended_job(ws, "train", "gone-as-gone", 0, "Done.")
        await reread(pilot)
        await press(pilot, "3", "g", "i")
        assert "no person and no swap called gone-as-gone" in told(pilot)


@pytest.fixture
def ring_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The person wants to be told of every job, however short."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    notify_path().parent.mkdir(parents=True)
    notify_path().write_text("version = 1\n[notify]\nafter = 0\n")


async def test_the_end_of_a_job_is_told_in_whatever_mode(
    root: Path, dashboard: Open, ring_at_once: None
) -> None:
    ws = empty(root)
    job = running(ws)
    ended_job(ws, "extract", "anna", 1, "It failed long ago.")
    with jobs.holding_lock(job):
        async with dashboard().run_test(size=(80, 24)) as pilot:
            await press(pilot, "1")
            assert told(pilot) == ""
            jobs.write_exit(job, 0, "Done.")
            await reread(pilot)
            assert told(pilot) == "train anna-as-bruno is done."
            await reread(pilot)
            assert told(pilot).count("is done") == 1


async def test_of_a_chain_only_what_failed_is_told(
    root: Path, dashboard: Open, ring_at_once: None
) -> None:
    ws = empty(root)
    first = running(ws)
    second = jobs.create_job(ws, "convert", "anna-as-bruno", {}, after=first.id)
    with jobs.holding_lock(first), jobs.holding_lock(second):
        async with dashboard().run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            jobs.write_exit(first, 1, "The disk is full.")
            jobs.write_exit(second, 1, "It did not begin.", because=first.id)
            await reread(pilot)
            assert told(pilot) == "train anna-as-bruno failed."


def test_the_terminal_rings_at_the_end_of_a_long_job(
    root: Path, tmp_path: Path, ring_at_once: None
) -> None:
    ws = empty(root)
    job = running(ws)
    with jobs.holding_lock(job), Terminal(ws.root, tmp_path) as terminal:
        terminal.read_until(b"Anna")
        jobs.write_exit(job, 0, "Done.")
        terminal.read_until(b"\a\x1b]9;swapdeck: train anna-as-bruno is done\x1b\\")
