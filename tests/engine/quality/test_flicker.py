"""Flicker: movement is none, a face that changes by itself is."""

import math

import cv2
import numpy as np
import pytest

from engine.quality.flicker import Change, change, motion, smooth_luma

SHAPE = (96, 128)


def texture(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rough = rng.uniform(40, 215, (12, 16, 3)).astype(np.float32)
    return (
        cv2.resize(rough, SHAPE[::-1], interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)
    )


def moved(image: np.ndarray, x: float, y: float) -> np.ndarray:
    matrix = np.float32([[1, 0, x], [0, 1, y]])
    return cv2.warpAffine(image, matrix, SHAPE[::-1], borderMode=cv2.BORDER_REFLECT)


def inside() -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[16:-16, 16:-16] = True
    return mask


def flicker(before: np.ndarray, now: np.ndarray, *results: np.ndarray) -> float:
    one, other = results or (before, now)
    return change(smooth_luma(one), smooth_luma(other), motion(before, now), inside()).mean


def test_what_moves_with_the_picture_does_not_flicker() -> None:
    before = texture()
    assert flicker(before, moved(before, 2, 1)) < 1.5


def test_a_face_that_brightens_by_itself_flickers_by_so_many_levels() -> None:
    before, now = texture(), moved(texture(), 2, 1)
    brighter = np.clip(now.astype(int) + 10, 0, 255).astype(np.uint8)
    own = flicker(before, now)
    assert flicker(before, now, before, brighter) == pytest.approx(10, abs=own + 1)


def test_grain_hardly_counts() -> None:
    rng = np.random.default_rng(1)
    grainy = [
        np.clip(texture() + rng.normal(0, 4, (*SHAPE, 3)), 0, 255).astype(np.uint8) for _ in "ab"
    ]
    assert flicker(*grainy) < 1.5


def test_where_the_flow_explains_nothing_nothing_is_counted() -> None:
    before = texture()
    now = before.copy()
    now[20:60, 20:60] = 255
    known = motion(before, now).known
    assert known[70:, 90:].mean() > 0.9
    assert known[30:50, 30:50].mean() < 0.1


def test_nothing_compared_is_no_number() -> None:
    assert math.isnan(Change().mean)
    assert (Change(4, 2) + Change(2, 1)).mean == 2
