"""Placement by both people's proportions, and bending an outline to another."""

import cv2
import numpy as np
import pytest

from engine.conversion.outline import MIRRORED, RAYS, bent, radii
from engine.conversion.placement import FEWEST, Proportions, TwoFaces, placed, proportions
from engine.faces.align import apply, fit_transform
from engine.faces.template import TEMPLATE

PLAIN = np.array([[0.01, 0, -0.5], [0, 0.01, -0.3]])
ROUND = np.full(RAYS, 0.3)


def with_bridge(longer):
    """Landmarks of the mean face, 200 pixels wide, whose nose has another length."""
    points = TEMPLATE.copy()
    points[27:36, 1] += longer * (points[27:36, 1] - points[27, 1])
    return (points * 200).astype(np.float32)


def test_a_face_with_a_longer_nose_has_its_eyes_higher_in_the_chip():
    long, short = proportions([with_bridge(0.2)] * FEWEST), proportions([with_bridge(0)] * FEWEST)
    assert long.eyes < short.eyes - 0.003


def test_the_new_faces_eyes_are_laid_where_the_old_ones_are():
    old, new = with_bridge(0.0), with_bridge(0.25)
    two = TwoFaces(*(proportions([points] * FEWEST) for points in (new, old)))
    new_in_chip = apply(fit_transform(new), new)
    place = placed(fit_transform(old), two)
    laid = apply(np.linalg.inv(np.vstack([place, [0, 0, 1]]))[:2], new_in_chip)
    eyes = laid[36:48].mean(0) - old[36:48].mean(0)
    assert np.abs(eyes).max() < 0.05  # of 200 pixels


def test_scale_enlarges_around_the_eyes():
    two = TwoFaces(Proportions(0.34, ROUND), Proportions(0.33, ROUND))
    plain, larger = (placed(PLAIN, two, scale) for scale in (1.0, 1.2))
    assert np.linalg.det(larger[:, :2]) == pytest.approx(np.linalg.det(plain[:, :2]) / 1.44)
    eyes = apply(np.linalg.inv(np.vstack([plain, [0, 0, 1]]))[:2], np.array([[0.5, 0.34]]))
    assert np.allclose(apply(larger, eyes), [[0.5, 0.34]])


def test_alike_faces_stay_where_they_were_cut():
    assert np.array_equal(placed(PLAIN, None), PLAIN)


def test_few_faces_or_turned_ones_tell_no_proportions():
    turned = with_bridge(0)
    turned[:, 0] = 100 + (turned[:, 0] - 100) * np.where(turned[:, 0] > 100, 0.25, 1)
    assert proportions([with_bridge(0)] * (FEWEST - 1)) is None
    assert proportions([turned] * 20) is None


def test_the_radii_of_a_circle_are_its_radius():
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    circle = 0.5 + 0.3 * np.stack([np.cos(angles), np.sin(angles)], -1)
    assert np.allclose(radii(circle), 0.3, atol=1e-3)
    shifted = radii(circle + np.array([0.1, 0]))
    assert shifted[0] == pytest.approx(0.4, abs=1e-3)
    assert shifted[MIRRORED][0] == shifted[RAYS // 2] == pytest.approx(0.2, abs=1e-3)


def test_bending_moves_the_outline_and_keeps_the_features():
    size = 128
    picture = np.zeros((size, size, 3), np.float32)
    cv2.circle(picture, (64, 64), 38, (1, 1, 1), -1)  # a face of radius 0.3
    cv2.circle(picture, (64, 64), 10, (0, 0, 1), -1)
    wider = bent(picture, np.full(RAYS, 0.36), np.full(RAYS, 0.3 / 0.36))
    row = wider[64, :, 0] > 0.5
    assert row.sum() == pytest.approx(2 * 0.36 * size - 21, abs=3)
    assert np.array_equal(wider[50:78, 50:78], picture[50:78, 50:78])


@pytest.fixture(scope="module")
def ceilings():
    from engine.bench.placement import measure

    return measure(every=8)


def test_own_proportions_pass_the_classic_ceiling_by_three_decibels(ceilings):
    assert ceilings.own > ceilings.classic + 3
    assert ceilings.own > ceilings.target + 1
