"""PSNR and SSIM inside a mask."""

import math

import numpy as np
import pytest

from engine.quality.fidelity import Fidelity, compare, ssim_map

EVERYWHERE = np.ones((40, 50), bool)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (40, 50, 3), dtype=np.uint8)


def test_equal_pictures_are_infinitely_alike() -> None:
    same = compare(noise(1), noise(1), EVERYWHERE)
    assert same.psnr == math.inf
    assert same.ssim == pytest.approx(1.0)


def test_a_constant_difference_has_the_psnr_of_its_square() -> None:
    dark = np.full((40, 50, 3), 100, np.uint8)
    assert compare(dark + 10, dark, EVERYWHERE).psnr == pytest.approx(10 * math.log10(255**2 / 100))


def test_only_what_is_inside_the_mask_counts() -> None:
    truth = noise(1)
    picture = truth.copy()
    mask = np.zeros((40, 50), bool)
    mask[:, :25] = True
    picture[:, 25:] = 255 - picture[:, 25:]
    outside = compare(picture, truth, mask)
    assert outside.psnr == math.inf
    assert outside.ssim == pytest.approx(1.0)
    picture[10, 10] = 255 - picture[10, 10]
    assert compare(picture, truth, mask).psnr < 60


def test_an_empty_mask_measures_nothing() -> None:
    nothing = compare(noise(1), noise(2), ~EVERYWHERE)
    assert math.isnan(nothing.psnr)
    assert math.isnan(nothing.ssim)
    assert nothing.frames == 0


def test_psnr_comes_from_the_error_of_all_frames_and_not_from_a_mean_of_decibels() -> None:
    dark = np.full((40, 50, 3), 100, np.uint8)
    both = compare(dark + 2, dark, EVERYWHERE) + compare(dark + 20, dark, EVERYWHERE)
    assert both.frames == 2
    assert both.psnr == pytest.approx(10 * math.log10(255**2 / ((4 + 400) / 2)))


def test_ssim_is_wangs_formula_over_a_gaussian_window() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.uniform(0, 255, (2, 31, 31))
    offsets = np.arange(-5, 6)
    bell = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(bell, bell) / bell.sum() ** 2
    x, y = a[10:21, 10:21], b[10:21, 10:21]
    mx, my = (window * x).sum(), (window * y).sum()
    vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
    cov = (window * (x - mx) * (y - my)).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    expected = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    assert ssim_map(a, b)[15, 15] == pytest.approx(expected, rel=1e-6)


def test_pictures_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        compare(noise(1), noise(1)[:-1], EVERYWHERE)


def test_sums_start_from_nothing() -> None:
    one = compare(noise(1), noise(2), EVERYWHERE)
    assert Fidelity() + one == one


def test_where_in_the_picture_a_face_is_changes_nothing() -> None:
    mask = np.zeros((40, 50), bool)
    mask[18:24, 20:30] = True
    one = compare(noise(1), noise(2), mask)
    whole = np.where(mask[..., None], noise(1), noise(2)).astype(np.float64)
    luma = [picture @ np.array([0.299, 0.587, 0.114]) for picture in (whole, noise(2))]
    assert one.ssim == pytest.approx(ssim_map(*luma)[mask].mean(), rel=1e-9)
