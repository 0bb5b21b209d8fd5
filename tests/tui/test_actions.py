"""Keys mean one thing, settings move them, and a read-only dashboard has none that write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from projects import jobs
from projects.swaps import new_swap
from tui.actions import ACTIONS, GROUPS, LETTERS
from tui.app import Dashboard
from tui.frame import fitting
from tui.reading import Reader
from tui.settings import Settings, keymap, read_settings

from .conftest import NOW, press, screen_text, settle, told
from .workspaces import empty, person, running_job

Open = Callable[[], Dashboard]


def test_every_action_has_an_id_of_its_own_a_group_and_words() -> None:
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    for action in ACTIONS:
        assert action.group in GROUPS
        assert action.label
        assert action.tooltip
        assert len(action.label) <= 13, f"{action.id}: the help has no room for it"


def test_one_letter_means_one_thing_everywhere() -> None:
    for action in ACTIONS:
        for key in action.keys.split(","):
            if len(key) == 1 and key.isalpha():
                assert key in LETTERS, f"{action.id}: say in LETTERS what {key} means"
                first = action.label.split()[0]
                assert first in LETTERS[key], f"{action.id}: {key} means {LETTERS[key]}"


def test_within_a_group_a_key_has_one_action_at_a_time() -> None:
    together = {frozenset({"pause", "resume"})}
    taken = defaultdict(set)
    for action in ACTIONS:
        for key in action.keys.split(","):
            taken[action.group, key].add(action.id)
    assert all(len(ids) == 1 or frozenset(ids) in together for ids in taken.values())


def test_the_footer_never_has_more_than_eight_keys_and_keeps_help_and_quit() -> None:
    keys = [(str(number), "x", "Label") for number in range(20)]
    assert len(fitting(keys, 500)) == 8
    assert list(fitting(keys, 500))[-2:] == keys[-2:]
    assert list(fitting(keys, 20)) == keys[-2:]


def test_a_settings_file_moves_keys_and_chooses_the_theme(tmp_path: Path) -> None:
    path = tmp_path / "dashboard.toml"
    path.write_text(
        'version = 1\ntheme = "swapdeck-light"\n'
        '[keys]\nstop = "ctrl+x"\nfilter = "?,f6"\nhelp = "f1"\n'
    )
    settings, problems = read_settings(path)
    assert problems == ()
    assert settings.theme == "swapdeck-light"
    keys = {"stop": "ctrl+x", "filter": "question_mark,f6", "help": "f1"}
    assert keymap(settings.keys) == (keys, [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version = 1\n[keys]\nstpo = 'x'\n", "there is no action 'stpo'"),
        ("version = 1\n[keys]\nstop = 'hyper+x'\n", "there is no key 'hyper+x'"),
        ("version = 1\n[keys]\nstop = 'wurst'\n", "there is no key 'wurst'"),
        ("version = 1\n[keys]\nstop = 'q'\n", "q cannot be Stop: it is Quit already."),
        ("version = 1\n[keys]\nstop = 3\n", "keys are written as"),
        ("version = 1\nkeys = 3\n", "is no table"),
        ("version = 1\ncolour = 'red'\n", "There is no setting 'colour'"),
        ("version = 1\nlow_bandwidth = 3\n", "Low bandwidth cannot be '3'"),
        ("version = 9\n", "newer swapdeck"),
        ("theme = [", "not valid TOML"),
    ],
)
def test_what_is_wrong_in_the_settings_is_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "dashboard.toml"
    path.write_text(text)
    settings, problems = read_settings(path)
    chosen, wrong = keymap(settings.keys)
    assert chosen == {}
    (problem,) = (*problems, *wrong)
    assert words in problem


def test_two_actions_can_swap_their_keys() -> None:
    chosen, problems = keymap({"stop": "p", "pause": "x", "resume": "x"})
    assert not problems
    assert chosen == {"stop": "p", "pause": "x", "resume": "x"}


async def test_a_moved_key_works_is_shown_and_its_old_place_is_free(root: Path) -> None:
    ws = empty(root)
    person(ws, "Anna")
    person(ws, "Bruno")
    job, _ = running_job(
        ws, new_swap(ws, None, "anna", "bruno", preset="light-64", seed=1, settings={})
    )
    settings = Settings(keys={"pause": "f6", "down": "ctrl+n,down"})
    with jobs.holding_lock(job):
        app = Dashboard(Reader(root, clock=lambda: NOW), poll=None, settings=settings)
        async with app.run_test(size=(100, 24)) as pilot:
            await press(pilot, "3")
            assert "F6 Pause" in screen_text(pilot)
            await press(pilot, "p")
            assert not jobs.requested(job).pause
            await press(pilot, "f6")
            assert jobs.requested(job).pause
            await press(pilot, "1", "j")
            assert app.screen.key == "anna"
            await press(pilot, "ctrl+n")
            assert app.screen.key == "bruno"
            await press(pilot, "3", "question_mark")
            assert "F6" in screen_text(pilot)


async def test_wrong_settings_are_told_and_the_dashboard_opens(root: Path) -> None:
    person(empty(root), "Anna")
    app = Dashboard(
        Reader(root, clock=lambda: NOW),
        poll=None,
        settings=Settings(theme="[b]nope"),
        problems=["dashboard.toml: there is no action 'stpo'."],
    )
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        assert "there is no action 'stpo'" in told(pilot)
        assert "There is no theme '[b]nope'" in told(pilot)
        assert "Anna" in screen_text(pilot)


async def test_a_read_only_dashboard_hides_and_refuses_what_writes(root: Path) -> None:
    ws = empty(root)
    person(ws, "Anna")
    person(ws, "Bruno")
    job, _ = running_job(
        ws, new_swap(ws, None, "anna", "bruno", preset="light-64", seed=1, settings={})
    )
    with jobs.holding_lock(job):
        app = Dashboard(Reader(root, clock=lambda: NOW), poll=None, readonly=True)
        async with app.run_test(size=(100, 24)) as pilot:
            await press(pilot, "3")
            footer = screen_text(pilot).splitlines()[-1]
            assert "Pause" not in footer
            assert "Help" in footer
            titles = {command.title for command in app.get_system_commands(app.screen)}
            assert not titles & {"Pause", "Stop", "Undo"}
            await press(pilot, "p", "s", "x", "z")
            await app.run_action("request('pause')", app.screen)
            await app.run_action("undo")
            await settle(pilot)
            asked = jobs.requested(job)
            assert (asked.pause, asked.save, asked.stop) == (False, 0, False)
            assert "This dashboard is read-only" in told(pilot)
