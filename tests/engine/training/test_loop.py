"""The training of a swap from its folder: exact resume, saving, and what it refuses."""

import json
import os
import signal
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from engine import verbs, worker
from engine.reporting import STOPPED, CollectingReporter, NullReporter
from engine.training.checkpoint import read_settings
from engine.training.clock import Clock
from engine.training.divergence import Watch
from engine.training.inference import load_swapper
from engine.training.limits import Limits
from engine.training.loop import remember_speed, train
from engine.training.optimisers import factor_of
from engine.training.preview import thin_previews
from engine.training.resume import resume
from engine.training.run import Run
from engine.training.scores import PATIENCE
from engine.training.settings import settings_for
from engine.training.validate import Score
from projects.checkpoints import steps, verify
from projects.errors import CommandError, StopRequested, SwapdeckError
from projects.jobs import create_job, holding_lock, read_exit, request
from projects.rates import known_rate
from projects.swaps import Swap, load_swap, new_swap, update_swap

STATE = "state.safetensors"


def weights(swap: Swap, step: int) -> bytes:
    return (swap.checkpoints_dir / f"{step:08d}" / STATE).read_bytes()


def test_training_in_pieces_ends_with_the_same_bytes_as_in_one_go(workspace, swap, ada, ben):
    again = new_swap(workspace, "again", ada, ben, preset="tiny", seed=4, settings={"batch": 2})
    train(workspace, swap, Limits(steps=5), NullReporter())
    train(workspace, again, Limits(steps=2), NullReporter())
    reporter = CollectingReporter()
    result = train(workspace, again, Limits(steps=5), reporter)
    assert result.step == 5
    assert [event["step"] for event in reporter.of("step")] == [3, 4, 5]
    assert weights(swap, 5) == weights(again, 5)
    rows = [json.loads(line) for line in again.history_path.read_text().splitlines()]
    assert rows[-1]["step"] == 5


def test_faces_read_from_the_disk_make_the_same_weights(workspace, swap, ada, ben):
    settings = {
        "batch": 2,
        "sampling": {"pose_uniform": 0.7},
        "augmentation": {"clahe": 0.5, "transfer": 0.5},
    }
    swap = update_swap(swap, settings=settings)
    again = new_swap(workspace, "again", ada, ben, preset="tiny", seed=4, settings=settings)
    reporter = CollectingReporter()
    train(workspace, swap, Limits(steps=4, dataset="device"), reporter)
    train(workspace, again, Limits(steps=2, dataset="stream"), reporter)
    train(workspace, again, Limits(steps=4, dataset="stream"), reporter)
    assert weights(swap, 4) == weights(again, 4)
    assert [event["mode"] for event in reporter.of("feed")] == ["device", "stream", "stream"]
    loads = [e["name"] for e in reporter.of("stage") if e["name"].startswith("load")]
    assert loads == ["load Ada", "load Ben"] * 2, "the second run of a stream loads nothing"


def test_a_stop_saves_what_was_done(workspace, swap):
    reporter = CollectingReporter(stop=lambda: len(reporter.of("step")) >= 2)
    with pytest.raises(StopRequested):
        train(workspace, swap, Limits(), reporter)
    [saved] = steps(swap.checkpoints_dir)
    assert saved == reporter.of("step")[-1]["step"] > 0
    assert Path(reporter.of("preview")[-1]["path"]).is_file()


ASKING = {
    "SIGTERM": lambda job: os.kill(os.getpid(), signal.SIGTERM),
    "SIGINT": lambda job: os.kill(os.getpid(), signal.SIGINT),
    "jobs stop": lambda job: request(job, "stop"),
}


@pytest.mark.parametrize("way", ASKING)
def test_a_job_that_is_asked_to_end_saves_at_its_next_step(workspace, swap, way, own_signals):
    """The request is looked at between any two calls of the device, which end within a second."""

    def run(_workspace, _verb, _arguments, reporter):
        tell = reporter.event

        def event(kind, **fields):
            tell(kind, **fields)
            if kind == "step" and fields["step"] == 3:
                ASKING[way](job)

        reporter.event = event
        train(workspace, swap, Limits(checkpoint_every=3600, score_every=3600), reporter)

    job = create_job(workspace, "train", swap.slug, {})
    with holding_lock(job):  # as its supervisor does
        assert worker.main(job.root, run) == 130
    [saved] = steps(swap.checkpoints_dir)
    assert 3 <= saved <= 5
    verify(swap.checkpoints_dir / f"{saved:08d}")
    assert read_exit(job) == (130, STOPPED)


@pytest.fixture
def own_signals(monkeypatch):
    """The signals are the test's own again when it is over."""
    monkeypatch.setattr("engine.blackbox.install", lambda folder: None)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_nothing_left_to_do_is_done_at_once(workspace, swap):
    train(workspace, swap, Limits(steps=2), NullReporter())
    before = weights(swap, 2)
    reporter = CollectingReporter()
    assert train(workspace, swap, Limits(steps=2), reporter).step == 2
    assert not reporter.of("step")
    assert weights(swap, 2) == before


def test_only_the_newest_checkpoints_are_kept(workspace, swap):
    train(workspace, swap, Limits(steps=4, checkpoint_every=0.0, keep=2), NullReporter())
    assert steps(swap.checkpoints_dir) == [3, 4]


def test_a_training_tells_how_the_machine_fares(workspace, swap):
    reporter = CollectingReporter()
    train(workspace, swap, Limits(steps=3, until_plateau=True), reporter)
    event = reporter.of("step")[-1]
    assert 0 <= event["stall"] <= 1
    assert 0 < event["memory"] < event["memory_limit"]
    row = json.loads(swap.history_path.read_text().splitlines()[-1])
    assert row["memory"] > 0 and row["stall"] == event["stall"]
    assert event["plateau"] == pytest.approx(7 * 60, abs=60)


def test_how_fast_it_was_is_remembered_for_the_next_estimate(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    times = iter((0.0, 1.0, 4.0))
    clock = Clock(100, now=lambda: next(times))
    assert clock.rate(101) is None
    remember_speed(settings, clock)
    assert known_rate(settings.preset, settings.batch) is None
    clock.rate(120)
    remember_speed(settings, clock)
    rate = known_rate(settings.preset, settings.batch)
    assert rate is not None
    assert (rate.steps_per_second, rate.measured_by) == (5.0, "training")


def test_every_checkpoint_has_a_preview_of_its_step(workspace, swap):
    train(workspace, swap, Limits(steps=4, checkpoint_every=0.0), NullReporter())
    shown = {int(path.stem) for path in swap.previews_dir.glob("*.png")}
    assert set(steps(swap.checkpoints_dir)) <= shown


def test_old_previews_are_thinned_but_the_first_and_those_of_checkpoints_stay(tmp_path):
    for step in range(100):
        (tmp_path / f"{step:08d}.png").touch()
        (tmp_path / "by-hand.png").touch()
        thin_previews(tmp_path, spare=[3], most=20)
    kept = sorted(int(path.stem) for path in tmp_path.glob("0*.png"))
    assert kept[0] == 0 and 3 in kept and kept[-5:] == [95, 96, 97, 98, 99]
    assert 10 < len(kept) <= 20
    assert (tmp_path / "by-hand.png").is_file()


def test_a_trained_swap_answers_both_ways(workspace, swap):
    train(workspace, swap, Limits(steps=1), NullReporter())
    random = np.random.default_rng(0)
    chips = random.integers(0, 255, (2, 32, 32, 3), dtype=np.uint8)
    masks = np.full((2, 32, 32), 255, np.uint8)
    forth, _ = load_swapper(swap)
    back, _ = load_swapper(swap, reverse=True)
    rgb, mask = forth.chips(chips, masks, "source")
    assert rgb.shape == (2, 32, 32, 3) and mask.shape == (2, 32, 32)
    assert rgb.min() >= 0 and rgb.max() <= 1
    np.testing.assert_array_equal(rgb, back.chips(chips, masks, "target")[0])
    other = forth.chips(chips, masks, "target")[0]
    assert not np.array_equal(rgb, other)
    for swapper, person in ((forth, "source"), (back, "target")):
        for one, two in zip(swapper.both(chips, masks, person), (rgb, mask, other), strict=True):
            np.testing.assert_allclose(one, two, atol=1e-5)


def test_a_swap_that_was_never_trained_says_how_to(swap):
    with pytest.raises(SwapdeckError, match="swapdeck train ada-as-ben"):
        load_swapper(swap)


def test_a_training_that_diverges_says_so_and_leaves_the_checkpoint(workspace, swap, monkeypatch):
    monkeypatch.setattr("engine.training.loop.BACK_OFFS", 1)  # each compiles another step
    train(workspace, swap, Limits(steps=1), NullReporter())
    good = weights(swap, 1)
    wild = update_swap(swap, settings={**swap.settings, "learning_rate": 1e38, "warm_up": 0})
    with pytest.raises(SwapdeckError, match="diverged"):
        rarely = Limits(steps=20, checkpoint_every=3600, preview_every=3600)
        train(workspace, wild, rarely, NullReporter())
    assert steps(swap.checkpoints_dir) == [1]
    assert weights(swap, 1) == good


def test_a_training_that_runs_away_goes_back_to_where_it_was_sound(workspace, swap, monkeypatch):
    class Nervous(Watch):
        """Takes fright once, at step 6, of what began after step 3."""

        frights = 0

        def take(self, step: int, loss: float) -> str:
            if step < 6 or self.frights:
                return ""
            self.frights, self.sound = 1, 3
            return "its loss has risen"

    monkeypatch.setattr("engine.training.loop.Watch", Nervous)
    reporter = CollectingReporter()
    train(workspace, swap, Limits(steps=8, checkpoint_every=0.0, keep=9), reporter)
    assert [event["step"] for event in reporter.of("step")] == [1, 2, 3, 4, 5, 4, 5, 6, 7, 8]
    [warning] = reporter.of("warning")
    assert "at step 6 its loss has risen" in warning["text"]
    assert "learning_rate 0.001" in warning["text"]
    kept = load_swap(swap.root)
    assert kept.settings["learning_rate"] == 0.001
    last = swap.checkpoints_dir / "00000008"
    assert read_settings(last).learning_rate == 0.001
    assert steps(swap.checkpoints_dir) == list(range(1, 9))
    put_away = sorted(path.name for path in (workspace.root / "trash").rglob("0000000?"))
    assert put_away and put_away[0] == "00000004"


class Levelled:
    """Stands for a validator that finds every model equally good."""

    def score(self, params, step: int) -> Score:
        ssim = {"source": 0.5, "target": 0.5}
        return Score(step=step, ssim=ssim, identity=0.0, landmarks=0.0, rebuilt=0.0, recognised=1.0)


def test_a_plateau_halves_the_rate_says_so_and_is_resumed(workspace, swap, preset):
    swap = update_swap(swap, settings={**swap.settings, "schedule": "plateau"})
    settings = settings_for("tiny", seed=4, batch=2, schedule="plateau")
    reporter = CollectingReporter()
    state, _ = resume(workspace, swap, settings, preset, reporter)
    assert factor_of(state.optimiser) == 1.0
    with Run(swap, settings, Limits(), reporter, {}, 0, Clock(0), None, Watch()) as run:
        for step in range(1, PATIENCE + 2):
            state = run.score(Levelled(), state._replace(step=jnp.int32(step)))
        run.save(state)
    [event] = reporter.of("rate")
    assert event["step"] == PATIENCE + 1
    assert event["learning_rate"] == pytest.approx(settings.learning_rate / 2)
    resumed, _ = resume(workspace, swap, settings, preset, reporter)
    assert factor_of(resumed.optimiser) == 0.5


def test_another_optimiser_goes_on_with_the_weights_and_says_so(workspace, swap, preset):
    train(workspace, swap, Limits(steps=1), NullReporter())
    reporter = CollectingReporter()
    lion = settings_for("tiny", seed=4, batch=2, optimiser="lion", learning_rate=1e-4)
    state, saved = resume(workspace, swap, lion, preset, reporter)
    assert saved is not None and int(state.step) == 1
    [warning] = reporter.of("warning")
    assert "adam so far" in warning["text"] and "lion goes on" in warning["text"]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_finding_a_rate_leaves_the_swap_as_it_was_unless_it_is_to_be_applied(workspace, swap):
    train(workspace, swap, Limits(steps=1), NullReporter())
    before = contents(swap.root)
    reporter = CollectingReporter()
    asked = {"swap": swap.slug, "steps": 20}
    verbs.run(workspace, "find-rate", asked, reporter)
    assert contents(swap.root) == before
    [found] = reporter.of("result")
    assert len(found["rates"]) == len(found["losses"]) > 5
    assert found["rates"] == sorted(found["rates"])
    assert not found["applied"] and 1e-7 <= found["suggested"] <= 1e-1
    verbs.run(workspace, "find-rate", {**asked, "apply": True}, reporter)
    changed = {name for name, data in contents(swap.root).items() if data != before.get(name)}
    assert changed == {"swap.toml"}
    assert load_swap(swap.root).settings["learning_rate"] == found["suggested"]


def test_a_person_without_faces_says_what_to_do(workspace, ada, ben):
    empty = new_swap(workspace, None, ada, ben, preset="light-64", seed=0, settings={})
    with pytest.raises(SwapdeckError, match="swapdeck extract ada"):
        train(workspace, empty, Limits(steps=1), NullReporter())


@pytest.mark.parametrize("limits", [{"steps": 0}, {"minutes": 0.0}, {"minutes": float("nan")}])
def test_limits_that_mean_nothing_are_refused(limits):
    with pytest.raises(CommandError, match="--"):
        Limits(**limits)
