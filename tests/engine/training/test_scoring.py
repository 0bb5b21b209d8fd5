"""What is held out, how models are scored by it, and when a training has levelled off."""

import json
import math
from dataclasses import replace

import jax
import numpy as np
import pytest

from engine.faces.template import TEMPLATE
from engine.quality.likeness import moving_error
from engine.training.dataset import Held
from engine.training.holdout import GUARD, LEAST, split
from engine.training.saving import Saver
from engine.training.scores import PATIENCE, RISE, Scores
from engine.training.validate import Score, Validator
from projects import checkpoints
from projects.errors import SwapdeckError
from projects.faces import Face
from projects.swaps import new_swap


def face(source: str, frame: int) -> Face:
    return Face(
        id=frame,
        source=source * 64,
        frame=frame,
        time=frame / 25,
        box=(0, 0, 9, 9),
        landmarks=b"",
        transform=b"",
        yaw=0.0,
        pitch=0.0,
        roll=0.0,
        sharpness=1.0,
        embedding=b"",
        crop=f"{source}{frame}.png",
        kept=True,
        reason="",
    )


def score(step: int, value: float) -> Score:
    return Score(
        step=step,
        ssim={"source": value, "target": value},
        identity=0.0,
        landmarks=0.0,
        rebuilt=0.0,
        recognised=1.0,
    )


def test_faces_held_out_are_never_neighbours_of_those_trained_on():
    parts = split([face("a", i) for i in range(900)] + [face("b", i) for i in range(100)])
    assert 0.04 < len(parts.held) / 1000 < 0.08
    for kept_back in parts.held:
        near = [f for f in parts.train if f.source == kept_back.source]
        assert min(abs(f.time - kept_back.time) for f in near) > GUARD
    assert not {f.crop for f in parts.held} & {f.crop for f in parts.train}
    # Segments of a long video lie apart, so that more than one moment is looked at.
    frames = sorted(f.frame for f in parts.held if f.source[0] == "a")
    assert frames[-1] - frames[0] > 400


def test_photos_are_held_out_one_by_one():
    photos = [face(chr(97 + i % 26) + str(i), 0) for i in range(80)]
    photos = [replace(photo, source=f"{i:064x}") for i, photo in enumerate(photos)]
    parts = split(photos)
    assert len(parts.held) == 5
    assert len(parts.train) == 75


def test_a_small_dataset_is_all_trained_on():
    parts = split([face("a", i) for i in range(LEAST - 1)])
    assert len(parts.train) == LEAST - 1
    assert not parts.held


def test_the_same_faces_are_held_out_every_time():
    faces = [face("a", i) for i in range(300)]
    assert split(faces) == split(list(faces))


@pytest.fixture
def swap(workspace, ada, ben):
    return new_swap(workspace, None, ada, ben, preset="light-64", seed=0, settings={})


def save(swap, step: int, keep: int = 1) -> None:
    checkpoints.save(swap.checkpoints_dir, step, {"state.bin": bytes([step])}, keep)


def test_the_best_checkpoint_is_kept_and_used(swap):
    scores = Scores(swap, 0)
    for step, value in ((1, 0.5), (2, 0.8), (3, 0.6), (4, 0.7)):
        save(swap, step)
        if scores.add(score(step, value), seconds=1.0):
            scores.mark()
    assert checkpoints.steps(swap.checkpoints_dir) == [2, 4]
    best, warnings = checkpoints.best(swap.checkpoints_dir)
    assert best is not None and best.name == "00000002" and not warnings
    # A later run goes on comparing with it.
    later = Scores(swap, 4)
    assert not later.add(score(5, 0.79), 1.0)
    assert later.add(score(6, 0.81), 1.0)


def test_a_damaged_best_checkpoint_gives_way_to_the_newest(swap):
    scores = Scores(swap, 0)
    save(swap, 1)
    assert scores.add(score(1, 0.5), 1.0)
    scores.mark()
    save(swap, 2)
    (swap.checkpoints_dir / "00000001" / "state.bin").write_bytes(b"x")
    best, warnings = checkpoints.best(swap.checkpoints_dir)
    assert best is not None and best.name == "00000002"
    assert "damaged" in warnings[0]


@pytest.mark.parametrize(
    "mark", ["{", "[]", '{"step": "1", "score": 2}', '{"step": 7, "score": 1}']
)
def test_a_mark_that_means_nothing_is_passed_over(swap, mark):
    save(swap, 1)
    (swap.checkpoints_dir / checkpoints.BEST).write_text(mark)
    best, _ = checkpoints.best(swap.checkpoints_dir)
    assert best is not None and best.name == "00000001"


def test_a_training_has_levelled_off_when_its_score_stops_rising(swap):
    scores = Scores(swap, 0)
    for step in range(PATIENCE + 3):
        scores.add(score(step, 0.5 + 2 * RISE * step), 1.0)
        assert not scores.levelled_off
    for step in range(PATIENCE):
        assert not scores.levelled_off
        scores.add(score(100 + step, 0.5), 1.0)
    assert scores.levelled_off


def test_a_plateau_lets_the_rate_fall_once_and_waits_anew_also_in_a_later_run(swap):
    scores = Scores(swap, 0)
    for step in range(1, PATIENCE + 1):
        scores.add(score(step, 0.5), 1.0, may_fall=True)
        assert not scores.has_fallen
    scores.add(score(PATIENCE + 1, 0.5), 1.0, may_fall=True)
    assert scores.has_fallen and not scores.levelled_off
    scores.add(score(PATIENCE + 2, 0.5), 1.0, may_fall=True)
    assert not scores.has_fallen
    later = Scores(swap, PATIENCE + 2)
    assert later.patience == PATIENCE - 1
    for step in range(2, PATIENCE + 1):
        assert not later.has_fallen
        later.add(score(PATIENCE + 1 + step, 0.5), 1.0, may_fall=True)
    assert later.has_fallen
    # Taken back to before it fell, it has not fallen.
    assert Scores(swap, PATIENCE).patience == 1


def test_patience_tells_how_many_more_scores_it_takes_at_least_to_level_off(swap):
    scores = Scores(swap, 0)
    for step in range(2 * PATIENCE):
        expected = scores.patience
        again = Scores(swap, 10_000)
        for more in range(expected):
            assert not again.levelled_off
            again.add(score(1000 + more, 0.0), 1.0)
        assert again.levelled_off
        (swap.root / "scores.jsonl").unlink()
        scores = Scores(swap, 0)
        for past in range(step + 1):
            scores.add(score(past, 0.5 + (RISE if past < PATIENCE else 0) * past), 1.0)


def test_a_best_one_that_lies_ahead_no_longer_counts_after_going_back(swap):
    save(swap, 30)
    checkpoints.mark_best(swap.checkpoints_dir, 30, 0.9)
    assert not Scores(swap, 30).add(score(40, 0.5), 1.0)
    assert Scores(swap, 20).add(score(40, 0.5), 1.0)


def test_scores_after_the_checkpoint_that_is_gone_back_to_are_forgotten(swap):
    scores = Scores(swap, 0)
    for step in (10, 20, 30):
        scores.add(score(step, 0.5), 1.0)
    Scores(swap, 20)
    rows = (swap.root / "scores.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == [10, 20]


def test_a_better_model_scores_higher(model, settings, first, pixels):
    """The score of random weights, of an answer that is right, and what is in between."""
    landmarks = np.repeat(TEMPLATE[None].astype(np.float32), 6, 0)
    held = {role: Held(np.asarray(array), landmarks) for role, array in pixels.items()}
    validator = Validator(model, settings, held, np.zeros(128, np.float32))
    worse = validator.score(first.params, 0)
    again = validator.score(first.params, 0)
    assert worse == again
    assert set(worse.ssim) == {"source", "target"}
    assert worse.value < score(0, 1.0).value
    assert worse.landmarks >= worse.moving > 0 and worse.rebuilt >= worse.rebuilt_moving > 0
    assert worse.recognised == 0.0  # embeddings have length 1 or so: none is near nothing


def test_what_is_left_as_it_was_has_no_landmarks_elsewhere(model, settings, first, pixels):
    landmarks = np.repeat(TEMPLATE[None].astype(np.float32), 6, 0)
    held = {role: Held(np.asarray(array), landmarks) for role, array in pixels.items()}
    validator = Validator(model, settings, held, np.zeros(128, np.float32), looked_at=2)
    inside = np.array([1, 1, 1, 0, 1, 1], np.float32)  # nothing is
    validator._chips = {role: chips * inside for role, chips in validator._chips.items()}
    unchanged = validator.score(first.params, 0)
    assert (unchanged.landmarks, unchanged.rebuilt) == (0, 0)
    assert unchanged.row()["moving"] is None  # two faces do not tell


def test_other_proportions_are_no_error_in_what_a_face_does():
    rng = np.random.default_rng(4)
    proportions = rng.normal(0, 0.1, (68, 2))
    still = [proportions.astype(np.float32)] * 5
    moving = [(proportions + rng.normal(0, 0.01, (68, 2))).astype(np.float32) for _ in range(5)]
    assert moving_error(still) == 0
    assert 0.005 < moving_error(moving) < 0.02
    assert math.isnan(moving_error(still[:2]))


def test_a_checkpoint_holds_the_state_that_was_given_though_training_goes_on(
    tmp_path, settings, state, pixels, advance
):
    saved: list[int] = []
    with Saver(tmp_path, settings, {}, 3, lambda step, path: saved.append(step)) as saver:
        before = jax.tree.map(np.array, state.params)
        saver.start(state)
        after, _ = advance(state, pixels)
        path = saver.wait()
    assert path is not None and path.name == "00000000" and saved == [0]
    from engine.training.checkpoint import load_state

    loaded = load_state(path, after)
    for a, b in zip(jax.tree.leaves(loaded.params), jax.tree.leaves(before), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_save_that_fails_is_told_at_the_next_one(tmp_path, settings, state):
    (tmp_path / "file").write_text("")
    with Saver(tmp_path / "file", settings, {}, 3, lambda step, path: None) as saver:
        saver.start(state)
        with pytest.raises(SwapdeckError):
            saver.wait()
