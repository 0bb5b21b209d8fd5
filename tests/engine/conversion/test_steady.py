"""Looks at a face are steadied along its own track, and never across a cut."""

import numpy as np
import pytest

from engine.conversion.compose import AROUND, Look, steady
from engine.conversion.grain import Texture
from engine.conversion.smooth import weighed


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
