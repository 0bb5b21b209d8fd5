"""Smoothing, masks, colour and blending, each by itself."""

import itertools
import threading

import numpy as np
import pytest

from engine.conversion.blend import blend
from engine.conversion.mask import REACH, blend_mask
from engine.conversion.picture import PictureSettings
from engine.conversion.settings import ConvertSettings
from engine.conversion.smooth import smooth_transforms
from engine.faces.align import crop, invert
from engine.faces.smooth import smooth_series
from engine.faces.template import TEMPLATE
from engine.media.ahead import ahead
from projects.conversion_options import FACE_PIXELS


def similarity(scale, degrees, x, y):
    """Frame to unit chip, for a chip of 1/scale pixels whose centre is at (x, y)."""
    angle = np.deg2rad(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([linear, 0.5 - linear @ (x, y)])


def place(transform):
    """Landmarks of a mean face in the frame."""
    inverse = invert(transform)
    return (TEMPLATE @ inverse[:, :2].T + inverse[:, 2]).astype(np.float32)


def test_steady_and_accelerating_movement_is_not_changed_by_smoothing():
    t = np.arange(30.0)
    series = np.stack([3 + 2 * t, 0.1 * t**2, np.full(30, 7.0)], -1)
    assert np.allclose(smooth_series(series, 7), series)


def test_smoothing_quietens_noise_without_lag():
    rng = np.random.default_rng(3)
    t = np.arange(200)
    truth = 20 * np.sin(t / 25)
    noisy = truth + rng.normal(0, 1, 200)
    smooth = smooth_series(noisy, 9)
    assert np.abs(smooth - truth).mean() < 0.6 * np.abs(noisy - truth).mean()
    lags = {lag: np.mean((np.roll(smooth, -lag) - truth)[5:-5] ** 2) for lag in (-2, -1, 0, 1, 2)}
    assert min(lags, key=lags.get) == 0


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_short_series_come_back_as_they_are(frames):
    series = np.random.default_rng(0).normal(size=(frames, 2))
    assert np.allclose(smooth_series(series, 7), series)


def test_smoothed_transforms_are_similarities_and_survive_a_full_turn():
    transforms = np.stack([similarity(0.01, 6 * i, 100 + i, 80) for i in range(60)])
    smooth = smooth_transforms(transforms, 7)
    assert np.allclose(smooth, transforms, atol=1e-9)
    noise = np.random.default_rng(1).normal(0, 1, (60, 2))
    shaken = np.stack([similarity(0.01, 0, 100 + x, 80 + y) for x, y in noise])
    steady = smooth_transforms(shaken, 9)
    centres = [-t[:, 2] / 0.01 + 50 for t in steady]
    assert np.std(centres, axis=0).max() < 0.7


def test_the_mask_covers_the_face_and_nothing_of_the_border():
    transform = similarity(1 / 150, 10, 200, 160)
    mask = blend_mask(
        place(transform), transform, np.ones((64, 64), np.float32), "hull", ConvertSettings()
    )
    assert mask.shape == (128, 128) and mask.dtype == np.float32
    assert mask.min() == 0 and mask.max() == 1
    assert mask[64, 64] == 1
    assert mask[[0, -1]].max() == mask[:, [0, -1]].max() == 0


def test_erosion_and_feathering_only_ever_take_away():
    transform = similarity(1 / 150, 0, 200, 160)
    landmarks, learnt = place(transform), np.ones((64, 64), np.float32)
    full, feathered, eroded = (
        blend_mask(landmarks, transform, learnt, "hull", ConvertSettings(erode=e, feather=f))
        for e, f in ((0, 0), (0, 26), (13, 26))
    )
    assert (feathered <= full).all() and (eroded <= feathered).all()
    assert feathered.sum() > eroded.sum()
    steps = np.abs(np.diff(feathered, axis=0)).max()
    assert steps < 0.2 < np.abs(np.diff(full, axis=0)).max()


def test_the_learnt_mask_cuts_the_outline_down():
    transform = similarity(1 / 150, 0, 200, 160)
    learnt = np.ones((64, 64), np.float32)
    learnt[:, :32] = 0
    both = blend_mask(place(transform), transform, learnt, "both", ConvertSettings())
    hull = blend_mask(place(transform), transform, learnt, "hull", ConvertSettings())
    alone = blend_mask(place(transform), transform, learnt, "learnt", ConvertSettings())
    assert both[:, :60].max() == 0 and hull[:, :60].max() == 1
    assert alone[10, 100] == 1 and both[10, 100] == 0


def test_a_mask_grows_where_erosion_is_negative_and_either_is_the_union():
    transform = similarity(1 / 150, 0, 200, 160)
    learnt = np.zeros((64, 64), np.float32)
    learnt[:20] = 1

    def drawn(shape: str, erode: float = 0) -> np.ndarray:
        settings = PictureSettings(feather=0, erode=erode)
        return blend_mask(place(transform), transform, learnt, shape, settings)

    hull, union, both = drawn("hull"), drawn("either"), drawn("both")
    assert (union >= hull).all() and union[20, 2] == 1 and hull[20, 2] == 0
    assert union[60, 64] == 1 and both[60, 64] == 0
    grown = drawn("hull", erode=-16)
    assert (grown >= hull).all()
    wider = np.flatnonzero(grown[64]).size - np.flatnonzero(hull[64]).size
    assert 14 <= wider <= 18  # 16 px of a 256 px face are 8 of this mask's, on both sides


def test_what_was_learnt_beyond_the_outline_is_followed_only_so_far():
    transform = similarity(1 / 150, 0, 200, 160)

    def drawn(learnt: np.ndarray, shape: str) -> np.ndarray:
        settings = PictureSettings(feather=0)
        return blend_mask(place(transform), transform, learnt, shape, settings) > 0.5

    everything = np.ones((64, 64), np.float32)
    everything[0] = 0
    hull, wide, union = (drawn(everything, name) for name in ("hull", "wide", "either"))
    assert (wide >= hull).all() and (union >= wide).all()
    wider = np.flatnonzero(wide[64]).size - np.flatnonzero(hull[64]).size
    assert abs(wider - 2 * REACH * 128 / FACE_PIXELS) <= 2  # on both sides
    assert np.array_equal(drawn(np.zeros((64, 64), np.float32), "wide"), hull)
    # A model without a mask of its own answers with ones, which say nothing.
    assert np.array_equal(drawn(np.ones((64, 64), np.float32), "wide"), hull)


@pytest.mark.parametrize("scale", [1 / 40, 1 / 64, 1 / 150])
def test_a_chip_laid_back_where_it_was_cut_changes_little(scale):
    y, x = np.mgrid[:200, :260]
    image = np.stack(
        [128 + 90 * np.sin(x / 20), 128 + 90 * np.cos(y / 18), 128 + 60 * np.sin((x - y) / 30)], -1
    ).astype(np.uint8)
    transform = similarity(scale, 15, 130.3, 100.7)
    chip = crop(image, transform, 64).astype(np.float32) / 255
    mask = np.zeros((128, 128), np.float32)
    mask[8:-8, 8:-8] = 1
    after = image.copy()
    blend(after, chip, mask, transform)
    changed = (after != image).any(-1)
    assert np.abs(after.astype(float) - image)[changed].mean() < 1.5


def test_a_face_half_outside_the_frame_is_blended_as_far_as_it_is_there():
    image = np.full((100, 100, 3), 50, np.uint8)
    mask = np.pad(np.ones((100, 100), np.float32), 14)
    for x, y in itertools.product((-20, 50, 115), (-20, 50, 115)):
        after = image.copy()
        blend(after, np.ones((64, 64, 3), np.float32), mask, similarity(1 / 80, 5, x, y))
        assert (after != image).any()
    away = image.copy()
    blend(away, np.ones((64, 64, 3), np.float32), mask, similarity(1 / 80, 5, 400, 50))
    assert np.array_equal(away, image)


def test_opacity_mixes_the_two_faces():
    image = np.zeros((100, 100, 3), np.uint8)
    mask = np.pad(np.ones((100, 100), np.float32), 14)
    blend(image, np.ones((64, 64, 3), np.float32), mask, similarity(1 / 80, 0, 50, 50), 0.25)
    assert image[50, 50].tolist() == [64, 64, 64]


def test_a_stage_ahead_keeps_order_and_passes_errors_on():
    assert list(ahead(range(50), 3)) == list(range(50))

    def broken():
        yield 1
        raise ValueError("bad frame")

    values = ahead(broken(), 2)
    assert next(values) == 1
    with pytest.raises(ValueError, match="bad frame"):
        next(values)


def test_a_stage_ahead_ends_when_its_reader_stops_early():
    closed = threading.Event()

    def endless():
        try:
            yield from itertools.count()
        finally:
            closed.set()

    values = ahead(endless(), 2)
    assert next(values) == 0
    values.close()
    assert closed.is_set()
    assert not any(thread.name == "ahead" for thread in threading.enumerate())
