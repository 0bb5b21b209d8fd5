"""What is said to lie before a face is measured against what was drawn there."""

import numpy as np
import pytest

from engine.bench.occlusion import DRAWN, measure_kept, with_thing
from engine.conversion.swapper import Swapper


class Echo(Swapper):
    """A model that renders everything that it is shown, a hand before the face as well."""

    size = 64

    def chips(self, images, masks, person):
        return images.astype(np.float32) / 255, np.ones(images.shape[:3], np.float32)


def test_who_renders_what_covers_a_face_finds_nothing_before_it():
    nothing, microphone, hand = measure_kept(Echo(), every=40)
    assert [kept.name for kept in (nothing, microphone, hand)] == list(DRAWN)
    assert nothing.frames == 3 and nothing.share == 0 and nothing.overlap == 1
    assert microphone.overlap == hand.overlap == 0 and microphone.share == 0


@pytest.mark.parametrize("name", ["microphone", "hand"])
def test_what_is_drawn_lies_where_it_is_said_to(name):
    image = np.full((240, 320, 3), (200, 150, 120), np.uint8)
    place = np.array([[0.005, 0, -0.3], [0, 0.005, -0.1]])
    shown, there = with_thing(image, DRAWN[name], place, 3)
    changed = np.abs(shown.astype(int) - image).max(-1)
    assert (changed[there > 250] > 8).mean() > 0.9
    assert (there > 0).any()
