"""Aligning: the fit, the chip's coordinates, and crops that do not alias."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.faces.align import (
    CROP_MARGIN,
    Alignment,
    apply,
    chip_matrix,
    crop,
    fit_transform,
    invert,
    pixel_scale,
    to_chip,
    umeyama,
)
from engine.faces.template import EYE_LINE, EYES_APART, TEMPLATE


def similarity(scale: float, degrees: float, x: float, y: float) -> NDArray[np.float64]:
    turn = np.radians(degrees)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.column_stack([linear, [x, y]])


def test_the_template_is_symmetric_and_inside_the_chip() -> None:
    assert TEMPLATE.min() > 0.05
    assert TEMPLATE.max() < 0.95
    np.testing.assert_allclose(TEMPLATE[:17, 0], 1 - TEMPLATE[16::-1, 0], atol=2e-4)
    left, right = TEMPLATE[36:42].mean(0), TEMPLATE[42:48].mean(0)
    np.testing.assert_allclose(right - left, (EYES_APART, 0), atol=2e-4)
    np.testing.assert_allclose((left + right) / 2, (0.5, EYE_LINE), atol=2e-4)


@pytest.mark.parametrize("alignment", list(Alignment))
def test_a_turned_scaled_and_moved_template_is_brought_back(alignment: Alignment) -> None:
    placed = apply(similarity(170.0, 25.0, 300.0, 90.0), TEMPLATE)
    transform = fit_transform(placed.astype(np.float32), alignment)
    np.testing.assert_allclose(to_chip(placed, transform), TEMPLATE, atol=1e-5)


def test_the_default_alignment_does_not_follow_the_mouth() -> None:
    placed = apply(similarity(170.0, 0.0, 300.0, 90.0), TEMPLATE)
    opened = placed.copy()
    opened[48:68, 1] += 30
    opened[:17, 1] += 20
    np.testing.assert_array_equal(fit_transform(placed), fit_transform(opened))
    inner = Alignment.INNER
    assert not np.allclose(fit_transform(placed, inner), fit_transform(opened, inner), atol=1e-6)


def test_umeyama_never_mirrors() -> None:
    points = np.random.default_rng(0).normal(size=(20, 2))
    mirrored = points * [-1, 1]
    assert np.linalg.det(umeyama(points, mirrored)[:, :2]) > 0


def test_umeyama_finds_the_least_squared_error() -> None:
    rng = np.random.default_rng(1)
    points, goals = rng.normal(size=(10, 2)), rng.normal(size=(10, 2))
    best = umeyama(points, goals)
    error = float(((apply(best, points) - goals) ** 2).sum())
    for _ in range(200):
        other = best + similarity(0.05, rng.uniform(0, 360), *rng.normal(0, 0.05, 2))
        assert float(((apply(other, points) - goals) ** 2).sum()) >= error


def test_points_that_coincide_are_refused() -> None:
    with pytest.raises(ValueError, match="coincide"):
        umeyama(np.ones((5, 2)), np.zeros((5, 2)))


def test_a_matrix_and_its_inverse_cancel() -> None:
    matrix = similarity(3.0, 40.0, -7.0, 12.0)
    points = np.random.default_rng(2).normal(size=(4, 3, 2))
    np.testing.assert_allclose(apply(invert(matrix), apply(matrix, points)), points, atol=1e-12)


def test_chip_pixels_have_their_centres_at_integers() -> None:
    identity = np.array([[1.0, 0, 0], [0, 1, 0]])
    corners = apply(chip_matrix(identity, 64), np.array([[0.0, 0.0], [1.0, 1.0]]))
    np.testing.assert_allclose(corners, [[-0.5, -0.5], [63.5, 63.5]])
    wider = apply(chip_matrix(identity, 64, 2.0), np.array([[-0.5, -0.5], [0.5, 0.5], [1.5, 1.5]]))
    np.testing.assert_allclose(wider, [[-0.5, -0.5], [31.5, 31.5], [63.5, 63.5]])


@pytest.mark.parametrize("size", [32, 64, 256])
@pytest.mark.parametrize("margin", [1.0, CROP_MARGIN])
def test_a_crop_shows_a_point_where_the_matrix_says(size: int, margin: float) -> None:
    placed = apply(similarity(200.0, 12.0, 60.0, 40.0), TEMPLATE)
    transform = fit_transform(placed)
    image = np.zeros((360, 400, 3), np.uint8)
    cv2.circle(image, tuple(np.rint(placed[30]).astype(int).tolist()), 9, (255, 255, 255), -1)
    chip = crop(image, transform, size, margin)[..., 0].astype(float)
    rows, columns = np.mgrid[:size, :size]
    seen = np.array([(columns * chip).sum(), (rows * chip).sum()]) / chip.sum()
    expected = apply(chip_matrix(transform, size, margin), np.rint(placed[30]))
    np.testing.assert_allclose(seen, expected, atol=0.15)


def test_a_fine_pattern_turns_grey_instead_of_into_stripes() -> None:
    image = np.zeros((512, 512, 3), np.uint8)
    image[:, ::2] = 255
    transform = similarity(1 / 512, 0.0, 0.5 / 512, 0.5 / 512)
    assert pixel_scale(transform, 60) > 8
    chip = crop(image, transform, 60)
    assert float(np.abs(chip.astype(float) - 127.5).max()) < 12


def test_what_lies_beyond_the_frame_repeats_its_edge() -> None:
    image = np.full((40, 40, 3), 90, np.uint8)
    chip = crop(image, similarity(1 / 80, 0.0, 0.25, 0.25), 32)
    assert (chip == 90).all()
