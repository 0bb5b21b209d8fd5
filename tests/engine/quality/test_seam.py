"""Seams: an edge along the outline of a face is seen, one elsewhere is not."""

import numpy as np
import pytest

from engine.faces.masks import face_hull_mask
from engine.faces.template import TEMPLATE
from engine.quality.flicker import smooth_luma
from engine.quality.seam import across, seam_band

FACE = TEMPLATE * 100 + (60, 50)
SHAPE = (200, 220)


def seen(image: np.ndarray) -> float:
    return across(smooth_luma(image), *seam_band(FACE, SHAPE))


def flat() -> np.ndarray:
    return np.full((*SHAPE, 3), 120, np.uint8)


def test_a_face_of_another_brightness_has_a_seam_that_grows_with_the_difference() -> None:
    hull = face_hull_mask(FACE, SHAPE) > 127
    faint, strong = flat(), flat()
    faint[hull] += 10
    strong[hull] += 40
    assert seen(flat()) == 0
    assert seen(strong) == pytest.approx(4 * seen(faint), rel=0.05)


def test_an_edge_inside_the_face_or_far_from_it_is_no_seam() -> None:
    image = flat()
    image[95:105, 100:120] = 250
    image[:20] = 0
    assert seen(image) == 0


def test_a_gradient_along_the_outline_counts_less_than_one_across() -> None:
    band, normal = seam_band(FACE, SHAPE)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    cheek = band & (np.abs(normal[..., 0]) > 0.95)
    assert across(3 * x, cheek, normal) == pytest.approx(3, rel=0.05)
    assert across(3 * y, cheek, normal) < 1
