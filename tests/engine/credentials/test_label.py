"""The visible label."""

import numpy as np
import pytest

from engine.credentials.label import CORNERS, Label
from projects.errors import CommandError


def grey(height: int = 120, width: int = 200) -> np.ndarray:
    return np.full((height, width, 3), 128, np.uint8)


@pytest.mark.parametrize("corner", CORNERS)
def test_the_label_is_in_its_corner_and_nowhere_else(corner):
    changed = (Label(corner=corner).apply(grey(width=400), 0.0) != 128).any(-1)
    rows, columns = (np.flatnonzero(changed.any(axis)) for axis in (1, 0))
    vertical, horizontal = corner.split("-")
    if vertical == "top":
        assert rows[0] < 10 and rows[-1] < 60
    else:
        assert rows[0] >= 60 and rows[-1] >= 110
    if horizontal == "left":
        assert columns[0] < 10 and columns[-1] < 200
    else:
        assert columns[0] >= 200 and columns[-1] >= 390


def test_the_label_goes_after_its_seconds():
    label = Label(seconds=2.0)
    assert (label.apply(grey(), 1.9) != 128).any()
    assert (label.apply(grey(), 2.0) == 128).all()


def test_the_picture_that_was_given_stays_as_it_is():
    picture = grey()
    Label().apply(picture, 0.0)
    assert (picture == 128).all()


@pytest.mark.parametrize("size", [(1, 1), (5, 400), (400, 5)])
def test_small_pictures_take_what_fits(size):
    assert Label().apply(grey(*size), 0.0).shape == (*size, 3)


@pytest.mark.parametrize(
    "wrong",
    [{"text": ""}, {"text": "a\nb"}, {"text": "x" * 99}, {"seconds": 0.0}, {"corner": "middle"}],
)
def test_a_label_that_cannot_be_shown_is_refused(wrong):
    with pytest.raises(CommandError):
        Label(**wrong)
