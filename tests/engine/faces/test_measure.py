"""What is measured of one face."""

import math

import numpy as np
import pytest

from engine.faces.align import CROP_MARGIN, CROP_SIZE, crop, fit_transform
from engine.faces.measure import (
    brightness,
    difference_hash,
    eye_opening,
    face_size,
    mouth_opening,
    mouth_width,
)
from engine.faces.template import TEMPLATE


def turned(points: np.ndarray, degrees: float, scale: float) -> np.ndarray:
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return points @ turn.T * scale + [300, 200]


@pytest.mark.parametrize(("degrees", "scale"), [(0, 100), (30, 100), (-70, 400)])
def test_openings_do_not_depend_on_size_and_tilt(degrees: float, scale: float) -> None:
    points = turned(TEMPLATE, degrees, scale)
    assert mouth_opening(points) == pytest.approx(mouth_opening(TEMPLATE))
    assert eye_opening(points) == pytest.approx(eye_opening(TEMPLATE))
    assert face_size(points) == pytest.approx(scale * face_size(TEMPLATE))


def test_an_open_mouth_and_closed_eyes_are_told() -> None:
    wide, closed = TEMPLATE.copy(), TEMPLATE.copy()
    wide[65:68, 1] += 0.12
    closed[[40, 41, 46, 47], 1] = closed[[38, 37, 44, 43], 1]
    assert mouth_opening(TEMPLATE) < 0.05 < 0.35 < mouth_opening(wide)
    assert eye_opening(closed) < 0.03 < 0.25 < eye_opening(TEMPLATE)
    assert math.isnan(mouth_opening(np.zeros((68, 2))))
    assert math.isnan(eye_opening(np.zeros((68, 2))))


def test_brightness_is_that_of_the_face_alone() -> None:
    landmarks = TEMPLATE * 120 + 100
    transform = fit_transform(landmarks)
    picture = np.zeros((CROP_SIZE, CROP_SIZE, 3), np.uint8)
    picture[:] = (255, 0, 0)
    assert brightness(picture, landmarks, transform) == pytest.approx(0.299, abs=0.001)
    assert math.isnan(brightness(picture, landmarks + 10_000, transform))


def test_the_same_face_hashes_alike_and_another_does_not(frames) -> None:
    landmarks = TEMPLATE * 150 + [165, 95]
    transform = fit_transform(landmarks)
    one = crop(frames["source"][0], transform, CROP_SIZE, CROP_MARGIN)
    other = crop(frames["target"][0], transform, CROP_SIZE, CROP_MARGIN)
    darker = (one * 0.7).astype(np.uint8)
    assert -(2**63) <= difference_hash(one) < 2**63
    assert apart(one, darker) <= 3 < 10 < apart(one, other)


def apart(a: np.ndarray, b: np.ndarray) -> int:
    return ((difference_hash(a) ^ difference_hash(b)) & (2**64 - 1)).bit_count()


def test_a_smile_widens_the_mouth_and_size_and_turning_do_not():
    smiling = TEMPLATE.copy()
    smiling[[48, 54]] += [[-0.04, 0], [0.04, 0]]
    assert mouth_width(smiling) > 1.08 * mouth_width(TEMPLATE)
    turn = np.array([[0.0, -3.0], [3.0, 0.0]])
    assert mouth_width(TEMPLATE @ turn.T) == pytest.approx(mouth_width(TEMPLATE))
    assert math.isnan(mouth_width(np.zeros((68, 2))))
