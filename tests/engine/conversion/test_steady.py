"""Looks at a face are steadied along its own track, and never across a cut."""

import numpy as np
import pytest

from engine.conversion.compose import AROUND, Look, steady
from engine.conversion.grain import Texture
from engine.conversion.smooth import reach, smooth_transforms, weighed


def looks(values, track=0, first=0, matcher="lab"):
    return [
        Look(first + n, track, matcher, np.array([value]), Texture(value, 2 * value))
        for n, value in enumerate(values)
    ]


def at(some, number):
    first = max(0, number - AROUND)
    return steady(some[first : number + AROUND + 1], number - first)


def test_what_pulses_is_quietened_and_what_grows_steadily_is_kept():
    rng = np.random.default_rng(0)
    pulsing = looks(5 + rng.normal(0, 1, 60))
    calm = [float(at(pulsing, n).colour[0]) for n in range(10, 50)]
    assert np.std(np.diff(calm)) < 0.3 * np.std(np.diff([p.colour[0] for p in pulsing]))
    growing = looks(np.arange(60.0))
    for n in range(10, 50):
        assert at(growing, n).colour[0] == pytest.approx(n)
        assert at(growing, n).texture.detail == pytest.approx(2 * n)


def test_nothing_is_carried_over_a_cut_or_from_another_face_or_matcher():
    before, after = looks(np.full(10, 1.0)), looks(np.full(10, 9.0), track=1, first=10)
    other = looks(np.full(20, 50.0), track=2)
    light = looks(np.full(5, 70.0), first=5, matcher="light")
    both = sorted([*before, *after, *other, *light], key=lambda look: look.frame)
    for number, look in enumerate(both):
        wanted = {0: 1.0, 1: 9.0, 2: 50.0}[look.track] if look.matcher == "lab" else 70.0
        assert steady(both, number).colour[0] == pytest.approx(wanted)


def test_a_frame_that_tells_nothing_is_filled_from_those_around_it():
    some = looks(np.full(9, 4.0))
    some[4] = Look(4, 0, "lab")
    assert at(some, 4).colour[0] == pytest.approx(4.0)
    assert steady([some[4]], 0).colour is None


def test_nearer_frames_count_more():
    values = [np.array([0.0]), np.array([1.0]), np.array([0.0])]
    assert weighed(values, [-1, 0, 1], 1)[0] == pytest.approx(0.5)
    assert weighed([None, None], [0, 1], 3) is None


def turned(scale, degrees, x, y):
    """From frame pixels to the unit chip whose middle lies at (x, y)."""
    a = np.radians(degrees)
    linear = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) / scale
    return np.column_stack([linear, np.array([0.5, 0.5]) - linear @ [x, y]])


def moving(frames=120, tremble=0.0, drift=0.0):
    """A head that turns to and fro quickly: where it is, where landmarks say it is, and how its
    pixels move, a little more than the head does."""
    chance = np.random.default_rng(5)
    t = np.arange(frames)
    x, y = 200 + 40 * np.sin(t / 4), 150 + 10 * np.cos(t / 5)
    true = np.stack([turned(160, 0, *place) for place in zip(x, y, strict=True)])
    off = chance.normal(0, tremble, (frames, 2))
    shaken = np.stack([x, y], axis=-1) + off
    said = np.stack([turned(160, 0, *place) for place in shaken])
    motion = np.full((frames, 2, 3), np.nan)
    motion[1:] = np.eye(2, 3)
    motion[1:, 0, 2], motion[1:, 1, 2] = np.diff(x) + drift, np.diff(y)
    return true, said, motion


def centres(transforms):
    return np.stack([np.linalg.solve(t[:, :2], 0.5 - t[:, 2]) for t in transforms])


def trembling(found, true):
    return np.linalg.norm(np.diff(centres(found) - centres(true), axis=0), axis=1).mean()


def test_a_face_that_moves_quickly_is_steadied_by_its_movement_and_does_not_lag():
    true, said, motion = moving(tremble=1.0, drift=0.05)
    by_landmarks = smooth_transforms(said, 7)
    by_both = smooth_transforms(said, 7, motion)
    assert trembling(by_both, true) < 0.6 * trembling(by_landmarks, true)
    assert np.abs(centres(by_both) - centres(true)).max() < 2.0


def test_where_no_movement_is_known_it_is_as_if_nobody_had_asked():
    _, said, motion = moving(tremble=1.0)
    assert np.allclose(
        smooth_transforms(said, 7, np.full_like(motion, np.nan)), smooth_transforms(said, 7)
    )
    assert np.array_equal(smooth_transforms(said, 1, motion), smooth_transforms(said, 1))
    assert np.allclose(smooth_transforms(said[:1], 7, motion[:1]), said[:1])


def test_a_movement_that_landmarks_do_not_bear_out_is_not_believed():
    true, said, motion = moving(tremble=0.3)
    motion[60:63, 0, 2] += 15  # a hand passes before the face, and is followed
    found = smooth_transforms(said, 7, motion)
    assert np.abs(centres(found) - centres(true)).max() < 2.0


def test_only_frames_within_reach_have_a_say():
    _, said, motion = moving(tremble=0.5)
    whole = smooth_transforms(said, 7, motion)
    near = slice(60 - reach(7), 60 + reach(7) + 1)
    assert np.allclose(
        smooth_transforms(said[near], 7, motion[near])[reach(7)], whole[60], atol=1e-6
    )
