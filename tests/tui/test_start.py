"""How the dashboard opens: where it was, in which colours, on which terminal and workspace."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from projects import jobs
from projects.swaps import new_swap
from projects.workspace import open_workspace
from tui.__main__ import parse
from tui.app import Dashboard
from tui.dialogs import TooSmall
from tui.picture import NOT_DRAWN, Picture, nearest
from tui.reading import Reader
from tui.remembered import Place, Remembered, recall, remember, state_path
from tui.settings import Settings, settings_path

from .conftest import NOW, listed, press, screen_text, settle, told
from .workspaces import empty, ended_job, person, running_job, trained_swap

Open = Callable[[], Dashboard]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state" / "dashboard.json"


@pytest.fixture
def reopen(root: Path, state: Path) -> Open:
    return lambda: Dashboard(Reader(root, clock=lambda: NOW), poll=None, state=state)


async def test_it_opens_again_on_the_same_job_in_the_same_mode(root: Path, reopen: Open) -> None:
    ws = empty(root)
    for name in ("Anna", "Bruno", "Carla"):
        person(ws, name)
        ended_job(ws, "extract", name.casefold(), 0, "Done.")
    app = reopen()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "G", "3", "j", "enter")
        job = app.screen.key
        assert "bruno" in job
        await press(pilot, "q")
    ended_job(ws, "extract", "anna", 0, "A newer one moves the rows.")
    app = reopen()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert (app.current_mode, app.screen.key) == ("jobs", job)
        assert app.screen.has_class("-open")
        await press(pilot, "escape", "1")
        assert app.screen.key == "carla"


async def test_the_folder_and_the_chosen_theme_are_remembered(root: Path, reopen: Open) -> None:
    person(empty(root), "Anna")
    async with (app := reopen()).run_test(size=(80, 24)) as pilot:
        await press(pilot, "4", "j", "j", "enter", "enter", "G")
        app.theme = "swapdeck-light"
        await press(pilot, "q")
    async with (app := reopen()).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await settle(pilot)
        assert app.screen.key == "people/anna/person.toml"
        assert app.theme == "swapdeck-light"


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"version": 1}',
        b'{"version": 99, "mode": "jobs"}',
        b'{"version": 1, "mode": ["jobs"], "places": {"jobs": 3, "people": {"key": 3}}}',
        b'{"version": 1, "mode": "nowhere", "places": [], "theme": "nothing like it"}',
        b'{"version": 1, "places": {"people": {"key": "gone", "opened": true}}}',
    ],
)
async def test_a_damaged_memory_harms_nothing(
    root: Path, reopen: Open, state: Path, damage: bytes
) -> None:
    person(empty(root), "Anna")
    state.parent.mkdir()
    state.write_bytes(damage)
    async with (app := reopen()).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert app.current_mode == "people"
        assert [row.split()[0] for row in listed(pilot)] == ["Anna"]


def test_what_is_remembered_is_written_whole_or_not_at_all(state: Path) -> None:
    now = Remembered("jobs", {"jobs": Place("j", opened=True)}, "swapdeck")
    remember(state, now)
    assert recall(state) == now
    assert json.loads(state.read_text())["version"] == 1
    blocked = state / "below" / "a-file"
    remember(blocked, now)
    assert recall(blocked) == Remembered()


def test_each_workspace_has_a_memory_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative/is/ignored")
    one, two = state_path(tmp_path / "one"), state_path(tmp_path / "two")
    assert one != two
    assert one is not None
    assert one.is_relative_to(tmp_path / "s" / "swapdeck")
    assert settings_path() == Path.home() / ".config" / "swapdeck" / "dashboard.toml"


@pytest.mark.parametrize(
    "theme", ["swapdeck", "swapdeck-light", "swapdeck-clear", "swapdeck-ansi", "nord"]
)
async def test_every_theme_shows_every_mode(root: Path, theme: str) -> None:
    ws = empty(root)
    person(ws, "Anna", faces=2)
    person(ws, "Bruno", faces=2)
    trained_swap(ws, "anna", "bruno", 20)
    ended_job(ws, "extract", "anna", 1, "It failed.")
    settings = Settings(theme=theme)
    app = Dashboard(Reader(root, clock=lambda: NOW), poll=None, settings=settings)
    async with app.run_test(size=(140, 40)) as pilot:
        for mode in "12345":
            await press(pilot, mode)
        await press(pilot, "3")
        assert app.theme == theme
        assert "✗ failed" in screen_text(pilot)


async def test_the_ansi_theme_keeps_pictures_to_sixteen_colours(root: Path) -> None:
    ws = empty(root)
    person(ws, "Anna", faces=8)
    app = Dashboard(Reader(root), poll=None, settings=Settings(theme="swapdeck-ansi"))
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        strips = app.screen.query_one(Picture)._strips
        colours = {segment.style.color for strip in strips for segment in strip if segment.style}
        assert len(strips) > 3
        assert all(colour is not None and colour.triplet is None for colour in colours)
    assert nearest(250, 10, 10).number == 9


async def test_no_color_is_obeyed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    person(empty(root), "Anna")
    app = Dashboard(Reader(root), poll=None)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for strip in app.screen._compositor.render_strips():
            for segment in strip.apply_filter(app._filters[-1], app.screen.styles.background):
                for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    if colour is not None and colour.triplet is not None:
                        assert len(set(colour.triplet)) == 1


async def test_below_the_least_size_a_message_stands_for_everything(
    root: Path, dashboard: Open
) -> None:
    person(empty(root), "Anna")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.resize_terminal(50, 10)
        await settle(pilot)
        assert isinstance(pilot.app.screen, TooSmall)
        assert "swapdeck needs 60 x 16 cells" in screen_text(pilot)
        assert "Anna" not in screen_text(pilot)
        await pilot.resize_terminal(60, 16)
        await settle(pilot)
        assert "Anna" in screen_text(pilot)
    async with dashboard().run_test(size=(40, 8)) as pilot:
        await settle(pilot)
        assert "swapdeck needs" in screen_text(pilot)
        await press(pilot, "q")
    assert pilot.app.return_code == 0


async def test_low_bandwidth_draws_pictures_only_when_asked(root: Path) -> None:
    person(empty(root), "Anna", faces=8)
    settings = Settings(low_bandwidth=True)
    app = Dashboard(Reader(root, clock=lambda: NOW), poll=None, settings=settings)
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        assert NOT_DRAWN in screen_text(pilot)
        await press(pilot, "P")
        assert "▀" in screen_text(pilot)
        await press(pilot, "P")
        assert "▀" not in screen_text(pilot)


async def test_a_workspace_that_may_not_be_written_is_shown_read_only(
    user_folder: Path, as_user: Callable[[], AbstractContextManager[None]]
) -> None:
    with as_user():
        root = user_folder / "ws"
        ws = empty(root)
        person(ws, "Anna", faces=2)
        person(ws, "Bruno")
        job, _ = running_job(
            ws, new_swap(ws, None, "anna", "bruno", preset="light-64", seed=1, settings={})
        )
        with jobs.holding_lock(job):
            (root / "trash").rmdir()
            for folder in (root, ws.people, ws.jobs, job.root):
                folder.chmod(0o555)
            app = Dashboard(Reader(root, clock=lambda: NOW), poll=None)
            async with app.run_test(size=(100, 24)) as pilot:
                await settle(pilot)
                assert [row.split()[0] for row in listed(pilot)] == ["Anna", "Bruno"]
                assert "it is only shown" in told(pilot)
                for mode in "2345":
                    await press(pilot, mode)
                assert "Trash" not in screen_text(pilot)
                await press(pilot, "3", "p")
                assert "read-only" in told(pilot) or not jobs.requested(job).pause
            for folder in (root, ws.people, ws.jobs, job.root):
                folder.chmod(0o755)
        assert not (root / "trash").exists()


async def test_the_demo_is_offered_by_a_key_and_starts_as_a_job(
    root: Path, dashboard: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(jobs, "launch", lambda job: started.append(job.id))
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "T Try the demo" in screen_text(pilot).splitlines()[-1]
        await press(pilot, "T")
        await settle(pilot)
        (job,) = jobs.list_jobs(open_workspace(root))
        assert (job.verb, started) == ("demo", [job.id])
        assert (app.current_mode, app.screen.key) == ("jobs", job.id)
        assert "Try the demo" not in screen_text(pilot).splitlines()[-1]


async def test_a_read_only_dashboard_does_not_offer_the_demo(root: Path) -> None:
    app = Dashboard(Reader(root), poll=None, readonly=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "T")
        assert "Try the demo" not in screen_text(pilot).splitlines()[-1]
        assert not root.exists()


def test_the_command_line_takes_what_the_dashboard_can_do() -> None:
    said = parse(["--readonly", "--low-bandwidth", "--theme", "nord", "--workspace", "w"])
    assert (said.readonly, said.low_bandwidth, said.theme) == (True, True, "nord")
    assert said.workspace == Path("w")
