"""Landmark error, distances, and figures of series."""

import math

import numpy as np
import pytest

from engine.faces.template import TEMPLATE
from engine.quality.likeness import (
    correlation,
    distance,
    eye_distance,
    landmark_error,
    mean,
    ratio,
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


def test_correlation_of_what_moves_together_apart_and_not_at_all() -> None:
    assert correlation([1, 2, 3, 4], [2, 4, 6, 8]) == pytest.approx(1)
    assert correlation([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    assert math.isnan(correlation([1, 2, 3], [5, 5, 5]))
    assert math.isnan(correlation([1, 2], [1, 2]))


def test_what_was_not_measured_takes_no_part() -> None:
    nothing = math.nan
    assert correlation([1, nothing, 2, 3], [2, 5, 4, 6]) == pytest.approx(1)
    assert mean([1, nothing, 3]) == 2
    assert math.isnan(mean([nothing]))
    assert ratio([4, nothing, 2], [1, 7, 2]) == 2
    assert math.isnan(ratio([nothing], [1]))


def test_distance_is_euclidean() -> None:
    assert distance(np.float32([0, 3]), np.float32([4, 0])) == pytest.approx(5)
