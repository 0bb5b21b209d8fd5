"""The watermark's benchmark, on a window of one clip."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.avatars import clips
from engine.bench import watermark as bench
from engine.bench.watermark import CHANGES, WINDOW, measure, upper_bound
from engine.credentials.watermark import Watermark

KINDS = (
    "nothing",
    "H.264 at CRF 23",
    "half the size, CRF 23",
    "half of it cut off",
    "one frame, JPEG 85",
    "turned by 2 degrees",
    "mirrored, CRF 23",
)
"""One change of each kind; the others differ in how much alone."""
CLIP = Path(clips.__file__).parent / "clips" / "bruno-scene.mp4"


def test_it_tells_what_the_mark_survives_what_not_and_what_it_costs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bench, "PLACES", 500)
    monkeypatch.setattr(bench, "CHANGES", {kind: CHANGES[kind] for kind in KINDS})
    measured = measure([CLIP], unmarked=1, windows=1)
    assert (measured.windows, measured.size) == (1, (480, 360))
    assert measured.rates.keys() == set(KINDS)
    assert measured.rates["H.264 at CRF 23"] == measured.rates["half the size, CRF 23"] == 1
    assert measured.rates["half of it cut off"] == 0
    assert measured.psnr > 40
    assert measured.frames_a_second == pytest.approx(1000 / measured.milliseconds)
    chance = measured.chance
    assert (chance.readings, chance.found, chance.found_places) == (1, 0, 0)
    assert chance.places >= 500
    assert chance.computed < chance.bound_by_places < chance.bound < 1


def test_windows_are_spread_over_a_clip() -> None:
    windows = list(bench.windows_of(CLIP.with_name("anna.mp4"), 2))
    assert [len(window) for window in windows] == [WINDOW, WINDOW]
    assert len(list(bench.windows_of(CLIP, 100))) == 4


def test_single_places_read_the_mark_that_a_reading_finds() -> None:
    field = np.full((360, 512, 3), 128, np.uint8)
    assert not any(bench.tries(cv2.GaussianBlur(field, (0, 0), 3)))
    assert any(bench.tries(Watermark("deadbe01").apply(field)))


@pytest.mark.parametrize(
    ("found", "of", "bound"), [(0, 100, 0.0295), (0, 3000, 0.000998), (2, 100, 0.0616), (5, 5, 1)]
)
def test_the_bound_is_the_one_in_the_tables(found: int, of: int, bound: float) -> None:
    assert upper_bound(found, of) == pytest.approx(bound, rel=0.01)
