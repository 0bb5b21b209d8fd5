"""Landmark error, mouth opening and correlation."""

import math

import numpy as np
import pytest

from engine.faces.template import TEMPLATE
from engine.quality.likeness import (
    correlation,
    distance,
    eye_distance,
    landmark_error,
    mouth_opening,
)

FACE = (TEMPLATE * 200).astype(np.float32)


def test_landmark_error_is_counted_in_eye_distances_of_the_wanted_face() -> None:
    moved = FACE + np.float32([eye_distance(FACE) / 4, 0])
    assert landmark_error(moved, FACE) == pytest.approx(0.25, rel=1e-4)
    assert landmark_error(FACE, FACE) == 0


def test_landmark_error_does_not_depend_on_the_pictures_size() -> None:
    moved = FACE + np.float32([3, 4])
    assert landmark_error(moved * 3, FACE * 3) == pytest.approx(
        landmark_error(moved, FACE), rel=1e-4
    )


def test_an_opened_mouth_is_wider() -> None:
    opened = FACE.copy()
    opened[65:68, 1] += 20
    gap = mouth_opening(opened) - mouth_opening(FACE)
    assert gap == pytest.approx(20 / eye_distance(FACE), rel=0.05)


def test_correlation_of_what_moves_together_apart_and_not_at_all() -> None:
    assert correlation([1, 2, 3, 4], [2, 4, 6, 8]) == pytest.approx(1)
    assert correlation([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    assert math.isnan(correlation([1, 2, 3], [5, 5, 5]))
    assert math.isnan(correlation([1, 2], [1, 2]))


def test_distance_is_euclidean() -> None:
    assert distance(np.float32([0, 3]), np.float32([4, 0])) == pytest.approx(5)
