"""The face's outline, with and without a forehead."""

import numpy as np

from engine.faces.masks import FOREHEAD, face_hull_mask, face_outline
from engine.faces.template import TEMPLATE

CHIP = TEMPLATE * 128 - 0.5


def test_the_mask_is_full_inside_and_empty_outside() -> None:
    mask = face_hull_mask(CHIP, 128)
    assert mask.shape == (128, 128)
    assert mask.dtype == np.uint8
    for x, y in CHIP[27:68]:
        assert mask[round(y), round(x)] == 255
    assert mask[0].max() == 0
    assert mask[:, 0].max() == 0


def test_a_forehead_adds_skin_above_the_brows_only() -> None:
    bare, high = face_hull_mask(CHIP, 128, 0.0), face_hull_mask(CHIP, 128, FOREHEAD)
    added = (high > 127) & ~(bare > 127)
    assert not ((bare > 127) & ~(high > 127)).any()
    assert np.nonzero(added)[0].max() < CHIP[:17, 1].min() + 8
    assert np.nonzero(high)[0].min() < np.nonzero(bare)[0].min() - 10


def test_the_forehead_does_not_move_when_the_mouth_opens() -> None:
    opened = CHIP.copy()
    opened[48:68, 1] += 6
    opened[:17, 1] += 8
    top = face_outline(CHIP, FOREHEAD)[:, 1].min()
    assert face_outline(opened, FOREHEAD)[:, 1].min() == top


def test_the_forehead_follows_a_tilted_head() -> None:
    quarter_turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    upright = face_outline(CHIP, FOREHEAD)
    turned = face_outline(CHIP @ quarter_turn.T, FOREHEAD)
    np.testing.assert_allclose(
        np.sort(turned, axis=0), np.sort(upright @ quarter_turn.T, axis=0), atol=1e-3
    )


def test_a_face_that_leaves_the_picture_is_cut_off() -> None:
    mask = face_hull_mask(CHIP - 60, (100, 90))
    assert mask.shape == (100, 90)
    assert mask[0, 0] == 255
    assert mask[-1, -1] == 0
