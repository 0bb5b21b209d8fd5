"""A swap in the dashboard: made, changed, trained, removed; its training; its checkpoints."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from projects import checkpoints, jobs
from projects.consent import Consent
from projects.rates import remember_rate
from projects.swaps import Swap, get_swap, list_swaps, new_swap
from projects.texts import append_line
from projects.workspace import Workspace, list_trash
from tui.app import Dashboard
from tui.checkpoints import Checkpoint, CheckpointsScreen
from tui.curve import Curve, decimated
from tui.dialogs import Confirm
from tui.forms import Choice, Form
from tui.picture import Picture
from tui.reading import Reader
from tui.training import TrainingPane, TrainingScreen

from .conftest import NOW, listed, press, reread, screen_text, settle, told
from .workspaces import empty, person, preview, running_job, step_event, trained_swap

Open = Callable[[], Dashboard]


@pytest.fixture
def ws(root: Path) -> Workspace:
    made = empty(root)
    person(made, "Anna", faces=8)
    person(made, "Bruno", faces=8)
    return made


@pytest.fixture
def swap(ws: Workspace) -> Swap:
    """Trained to step 500, with scores, three checkpoints and three previews."""
    made = trained_swap(ws, "anna", "bruno", 500)
    for step, value in ((100, 0.2), (300, 0.4), (500, 0.3)):
        checkpoints.save(made.checkpoints_dir, step, {"state.safetensors": b"weights"})
        row = {"step": step, "value": value, "ssim": {"source": 0.8}, "identity": 0.4}
        append_line(made.root / "scores.jsonl", {**row, "landmarks": 0.1 / step})
        preview(made, step)
    checkpoints.mark_best(made.checkpoints_dir, 300, 0.4)
    return made


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs that were started, which are made but never run here."""
    ran: list[str] = []
    monkeypatch.setattr(jobs, "launch", lambda job: ran.append(job.id))
    return ran


async def fill(pilot: Pilot[None], name: str, words: str) -> None:
    pilot.app.screen.query_one(f"#field-{name}", Input).value = words
    await settle(pilot)


# The list.


async def test_a_swap_is_made_of_two_people_and_a_preset(
    ws: Workspace, dashboard: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "a")
        text = screen_text(pilot)
        assert "light-64: small and quick" in text
        assert "here: its speed was not measured yet" in text
        await press(pilot, "down", "down", "c", "ctrl+s")
        assert listed(pilot)[0].split()[:3] == ["Anna", "→", "Bruno"]
        assert "Train it with t." in told(pilot)
        made = get_swap(ws, "anna-as-bruno")
        assert (made.source, made.target, made.preset) == ("anna", "bruno", "classic-64")
        await press(pilot, "z")
        assert "anna-as-bruno is in the trash." in told(pilot)
        assert not list_swaps(ws) and list_trash(ws)


async def test_more_people_are_named_in_the_form_and_shown_with_the_swap(
    ws: Workspace, dashboard: Open
) -> None:
    person(ws, "Eve")
    async with dashboard().run_test(size=(140, 40)) as pilot:
        await press(pilot, "2", "a")
        await fill(pilot, "also", "eve, ")
        await press(pilot, "ctrl+s")
        assert get_swap(ws, "anna-as-bruno").others == ("eve",)
        assert ["also", "Eve"] in [line.split()[-2:] for line in screen_text(pilot).splitlines()]


async def test_a_swap_starts_from_a_trained_one_by_the_engine(
    ws: Workspace, swap: Swap, dashboard: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    class Engine:
        """Makes the swap as the real one does, or says what is wrong."""

        def __init__(self, command: tuple[str, ...]) -> None:
            asked.append(command[command.index("new") + 1 :])

        def lines(self, expected: tuple[int, ...]) -> list[str]:
            if len(asked) > 1:
                return ['{"error": "There is already such a swap.", "exit_code": 2}\n']
            made = new_swap(ws, "next", "bruno", "anna", preset="light-64", seed=7, settings={})
            return [f'{{"swap": "{made.slug}"}}\n']

    monkeypatch.setattr("tui.swap_start.EngineProcess", Engine)
    async with dashboard().run_test(size=(140, 40)) as pilot:
        for _ in range(2):
            await press(pilot, "2", "a")
            await fill(pilot, "name", "next")
            await fill(pilot, "seed", "7")
            await fill(pilot, "also", "eve")
            pilot.app.screen.query_one("#field-start", Choice).value = swap.slug
            await press(pilot, "ctrl+s")
            if len(asked) == 1:
                assert "next is made." in told(pilot)
        assert "There is already such a swap." in told(pilot)
    words = "--source anna --target bruno --from anna-as-bruno --also eve --seed 7 -- next"
    assert asked == [tuple(words.split())] * 2


async def test_the_speed_of_this_machine_is_told_once_it_was_measured(
    ws: Workspace, dashboard: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    remember_rate("light-64", 16, 4.0, "cpu", "training")
    async with dashboard().run_test(size=(100, 30)) as pilot:
        await press(pilot, "2", "a")
        text = screen_text(pilot)
        assert "here: 4.00 steps/s, 1,000 steps in 4 min 10 s" in text
        await press(pilot, "down", "down", "c")
        text = screen_text(pilot)
        assert "classic-64: the published network" in text
        assert "here: its speed was not measured yet" in text


async def test_a_swap_of_one_person_twice_or_of_a_taken_name_is_refused_in_a_sentence(
    ws: Workspace, swap: Swap, dashboard: Open
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "a", "down", "a", "ctrl+s")
        assert "A swap needs two people." in told(pilot)
        await press(pilot, "a", "ctrl+s")
        assert "already a swap in the folder 'anna-as-bruno'" in told(pilot)
    assert len(list_swaps(ws)) == 1


async def test_without_two_people_it_says_what_is_missing(root: Path, dashboard: Open) -> None:
    person(empty(root), "Anna", faces=1)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "a")
        assert "A swap needs two people. Add them in People (1)" in told(pilot)
        assert not isinstance(pilot.app.screen, Form)


async def test_settings_are_changed_checked_and_taken_back(
    ws: Workspace, swap: Swap, dashboard: Open
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "e")
        assert "Settings of anna-as-bruno" in screen_text(pilot)
        await fill(pilot, "batch", "0")
        await press(pilot, "ctrl+s")
        assert "1 to 1024 chips" in screen_text(pilot)
        await fill(pilot, "batch", "8")
        await fill(pilot, "losses__edges", "0.5")
        await fill(pilot, "name", "The One")
        await press(pilot, "ctrl+s")
        after = get_swap(ws, swap.slug)
        assert after.settings == {"batch": 8, "losses": {"edges": 0.5}}
        assert after.name == "The One"
        await press(pilot, "z")
        before = get_swap(ws, swap.slug)
        assert (before.name, before.settings) == (swap.name, swap.settings)


async def test_another_recipe_takes_its_own_values_along(
    ws: Workspace, swap: Swap, dashboard: Open
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "e", "down", "n", "ctrl+s")
        assert get_swap(ws, swap.slug).settings == {"recipe": "naive"}
        await press(pilot, "e")
        assert pilot.app.screen.query_one("#field-losses__outside", Input).value == "1"


async def test_a_swap_of_an_unknown_preset_has_no_form_but_a_sentence(
    ws: Workspace, dashboard: Open
) -> None:
    new_swap(ws, "odd", "anna", "bruno", preset="huge-4096", seed=1, settings={})
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "e")
        assert "'huge-4096', which this swapdeck does not have" in told(pilot)
        await press(pilot, "t")
        assert "It was never trained." in screen_text(pilot)


async def test_a_training_is_started_with_its_limits(
    ws: Workspace, swap: Swap, dashboard: Open, started: list[str]
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "t")
        assert "It is at step 500." in screen_text(pilot)
        await fill(pilot, "minutes", "nan")
        await press(pilot, "ctrl+s")
        assert not started
        await fill(pilot, "minutes", "2.5")
        await press(pilot, "ctrl+s")
    [job] = jobs.list_jobs(ws)
    assert started == [job.id]
    arguments = jobs.read_spec(job)["arguments"]
    assert (job.verb, job.subject, arguments["minutes"]) == ("train", swap.slug, 2.5)
    assert "steps" not in arguments


async def test_a_training_without_consent_is_not_even_started(
    ws: Workspace, dashboard: Open, started: list[str]
) -> None:
    person(ws, "Carl", Consent("release", "a film", "tests", "2026-01-01", expires="2026-02-01"))
    new_swap(ws, "late", "anna", "carl", preset="light-64", seed=1, settings={})
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "t", "ctrl+s")
        assert "expired on 2026-02-01" in told(pilot)
    assert not started and not jobs.list_jobs(ws)


async def test_a_swap_goes_to_the_trash_and_comes_back(
    ws: Workspace, swap: Swap, dashboard: Open
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "d")
        assert isinstance(pilot.app.screen, Confirm)
        assert "trained to step 500" in screen_text(pilot)
        await press(pilot, "enter")  # Cancel has the focus
        assert list_swaps(ws)
        await press(pilot, "d", "right", "enter")
        assert not list_swaps(ws)
        assert "There is no swap yet." in screen_text(pilot)
        await press(pilot, "z")
        assert [one.slug for one in list_swaps(ws)] == [swap.slug]
        assert "Anna" in listed(pilot)[0]


async def test_a_swap_that_is_being_trained_is_not_removed(
    ws: Workspace, swap: Swap, dashboard: Open
) -> None:
    job, _ = running_job(ws, swap)
    with jobs.holding_lock(job) as descriptor:
        assert descriptor is not None
        jobs.record_processes(job, descriptor, None)
        async with dashboard().run_test(size=(80, 24)) as pilot:
            await press(pilot, "2", "d", "right", "enter")
            assert "works with anna-as-bruno now" in told(pilot)
    assert list_swaps(ws)


async def test_a_read_only_dashboard_offers_and_does_nothing_that_writes(
    ws: Workspace, swap: Swap, root: Path
) -> None:
    app = Dashboard(Reader(root, clock=lambda: NOW), poll=None, readonly=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "a", "e", "t", "d")
        assert not isinstance(pilot.app.screen, Form | Confirm)
        await press(pilot, "enter", "left")
        assert isinstance(pilot.app.screen, TrainingScreen)
        await press(pilot, "b", "m", "R", "d", "E")
        assert isinstance(pilot.app.screen, CheckpointsScreen)
    assert checkpoints.chosen(swap.checkpoints_dir) is None
    assert not list_trash(ws)


# A training.


async def test_a_training_that_runs_shows_its_figures_and_takes_requests(
    ws: Workspace, swap: Swap, dashboard: Open
) -> None:
    job, log = running_job(ws, swap)
    fared = {"stall": 0.25, "memory": 1_250_000_000, "memory_limit": 8e9, "plateau": 130.0}
    log.emit("step", **step_event(520, 2000), **fared)
    with jobs.holding_lock(job):
        async with dashboard().run_test(size=(80, 24)) as pilot:
            await press(pilot, "2", "enter")
            text = screen_text(pilot)
            assert "● running" in text
            assert "step 520 of 2,000" in text and "11.4 steps/s" in text
            assert "input stall  ! 25.0%" in text
            assert "1.2 GB of 8.0 GB" in text
            assert "levels off   2 min 10 s or later" in text
            assert "held-out score 0.3000  best 0.4000" in text
            loss, score = pilot.app.screen.query(Curve)
            assert len(loss.points) == 50
            assert [value for _, value in score.points] == [0.2, 0.4, 0.3]
            await press(pilot, "s", "v", "p")
            asked = jobs.requested(job)
            assert (asked.save, asked.preview, asked.pause) == (1, 1, True)
            await press(pilot, "x", "right", "enter")
            assert jobs.requested(job).stop
            await press(pilot, "t")  # it is being trained already
            assert not isinstance(pilot.app.screen, Form)


async def test_previews_are_scrubbed_through_and_the_newest_is_followed(
    ws: Workspace, swap: Swap, dashboard: Open
) -> None:
    def shown() -> str:
        [path] = pilot.app.screen.query_one(Picture).paths
        return path.stem

    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "enter")
        assert shown() == "00000500"
        assert "3 of 3  newest" in screen_text(pilot)
        await press(pilot, "left", "left", "left")
        assert shown() == "00000100"
        preview(swap, 700)
        await reread(pilot)
        assert shown() == "00000100"
        await press(pilot, "end")
        assert shown() == "00000700"
        preview(swap, 800)
        await reread(pilot)
        assert shown() == "00000800"
        await press(pilot, "home", "right")
        assert shown() == "00000300"
        for path in swap.previews_dir.iterdir():
            path.unlink()
        await reread(pilot)
        assert "no preview yet" in screen_text(pilot)


async def test_the_preview_is_enlarged_and_escape_takes_one_step_out(
    ws: Workspace, swap: Swap, dashboard: Open
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "enter")
        small = pilot.app.screen.query_one(Picture).size.width
        await press(pilot, "enter")
        assert pilot.app.screen.query_one(Picture).size.width > 1.8 * small
        await press(pilot, "escape")
        assert not pilot.app.screen.query_one(TrainingPane).has_class("-enlarged")
        await press(pilot, "escape")
        assert listed(pilot)


async def test_a_swap_that_was_never_trained_says_so(ws: Workspace, dashboard: Open) -> None:
    new_swap(ws, None, "anna", "bruno", preset="light-64", seed=1, settings={})
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "enter")
        text = screen_text(pilot)
        assert "It was never trained." in text
        assert "no preview yet" in text
        await press(pilot, "left", "right", "home", "end", "enter", "b")
        assert "No checkpoint yet." in screen_text(pilot)


@pytest.mark.parametrize("keys", [("enter",), ("b",)])
async def test_a_swap_that_is_deleted_underneath_is_told_and_left(
    ws: Workspace, swap: Swap, dashboard: Open, keys: tuple[str, ...]
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", *keys)
        shutil.rmtree(swap.root)
        await press(pilot, "left", "space", "m", "e")
        await reread(pilot)
        await press(pilot, "left", "space", "enter", "m", "R", "d", "E", "t", "e", "b")
        assert "This swap is not there any more." in screen_text(pilot)
        await press(pilot, "escape")
        assert "There is no swap yet." in screen_text(pilot)


@pytest.mark.parametrize("keys", [("enter",), ("b",)])
async def test_damaged_files_and_hostile_names_are_shown_as_far_as_they_can_be(
    ws: Workspace, swap: Swap, dashboard: Open, keys: tuple[str, ...]
) -> None:
    hostile = "[red]\u202egnp.exe\x1b[2J"
    text = (swap.root / "swap.toml").read_text()
    named = text.replace('name = "anna-as-bruno"', f"name = {json.dumps(hostile)}")
    assert named != text
    (swap.root / "swap.toml").write_text(named)
    swap.history_path.write_text('{"step": 1e999, "loss": "x"}\nnonsense\n{"step": 5}\n')
    (swap.root / "scores.jsonl").write_text('{"step": [], "value": {}}\n{"value": 3}\n')
    (swap.checkpoints_dir / "best.json").write_text("{")
    (swap.previews_dir / "00000500.png").write_bytes(b"no picture")
    (swap.previews_dir / "99999999999999999999.png").write_bytes(b"")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", *keys, "left", "right")
        assert screen_text(pilot)
        (swap.root / "swap.toml").write_text("version = ")
        await reread(pilot)
        assert "swap.toml" in screen_text(pilot)


def test_a_long_curve_is_drawn_from_as_many_points_as_are_seen() -> None:
    points = [(float(step), 1.0 / (1 + step)) for step in range(10_000)]
    few = decimated(points, 200)
    assert len(few) <= 200
    assert few[-1][0] == points[-1][0]
    assert decimated(points[:150], 200) == points[:150]


# Checkpoints.


async def test_checkpoints_are_listed_and_compared_side_by_side(
    ws: Workspace, swap: Swap, dashboard: Open
) -> None:
    async with dashboard().run_test(size=(120, 34)) as pilot:
        await press(pilot, "2", "b")
        newest, best, _ = listed(pilot)
        assert "500 0.3000" in newest and "newest" in newest
        assert "● in use, best" in best
        assert sum(part.display for part in pilot.app.screen.query(Checkpoint)) == 1
        await press(pilot, "space", "j")
        text = screen_text(pilot)
        assert "step 500" in text and "step 300" in text
        assert "0.4000 ✓ better" in text
        assert "0.0002 ✓ better" in text  # a landmark error is better when it is lower
        pictures = [
            part.query_one(Picture).paths[0].stem for part in pilot.app.screen.query(Checkpoint)
        ]
        assert pictures == ["00000500", "00000300"]
        await press(pilot, "k", "space")
        assert sum(part.display for part in pilot.app.screen.query(Checkpoint)) == 1


async def test_a_checkpoint_is_marked_to_be_used_and_the_score_decides_again(
    ws: Workspace, swap: Swap, dashboard: Open
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "b", "G", "m")
        assert checkpoints.used_step(swap.checkpoints_dir) == 100
        assert "● in use, chosen" in listed(pilot)[2]
        await press(pilot, "m")
        assert checkpoints.used_step(swap.checkpoints_dir) == 300
        await press(pilot, "z")
        assert checkpoints.chosen(swap.checkpoints_dir) == 100
        await press(pilot, "z")
        assert checkpoints.chosen(swap.checkpoints_dir) is None


async def test_an_earlier_checkpoint_is_restored_and_that_is_undone(
    ws: Workspace, swap: Swap, dashboard: Open
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "b", "R")  # the newest: there is nothing to go back from
        assert not isinstance(pilot.app.screen, Confirm)
        await press(pilot, "G", "R")
        assert "step 500, 300 go to the trash" in " ".join(screen_text(pilot).split())
        await press(pilot, "right", "enter")
        assert checkpoints.steps(swap.checkpoints_dir) == [100]
        assert len(listed(pilot)) == 1
        await press(pilot, "z")
        assert checkpoints.steps(swap.checkpoints_dir) == [100, 300, 500]


async def test_a_checkpoint_goes_to_the_trash_and_comes_back(
    ws: Workspace, swap: Swap, dashboard: Open
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "b", "j", "d")
        assert "Conversions use it now." in " ".join(screen_text(pilot).split())
        await press(pilot, "right", "enter")
        assert checkpoints.steps(swap.checkpoints_dir) == [100, 500]
        await press(pilot, "z")
        assert checkpoints.steps(swap.checkpoints_dir) == [100, 300, 500]


async def test_a_training_that_runs_keeps_its_checkpoints(
    ws: Workspace, swap: Swap, dashboard: Open
) -> None:
    from projects.files import locked

    with locked(swap.checkpoints_dir) as held:
        assert held
        async with dashboard().run_test(size=(80, 24)) as pilot:
            await press(pilot, "2", "b", "G", "R", "right", "enter")
            await press(pilot, "d", "right", "enter")
            assert told(pilot).count("is being trained now") == 2
    assert checkpoints.steps(swap.checkpoints_dir) == [100, 300, 500]


async def test_an_export_is_a_job(
    ws: Workspace, swap: Swap, dashboard: Open, started: list[str], tmp_path: Path
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "b", "E")
        assert "give them on only as both" in " ".join(screen_text(pilot).split())
        await fill(pilot, "folder", str(tmp_path / "given"))
        await press(pilot, "ctrl+s")
    [job] = jobs.list_jobs(ws)
    assert started == [job.id] and job.verb == "export"
    assert jobs.read_spec(job)["arguments"]["folder"] == str(tmp_path / "given")
