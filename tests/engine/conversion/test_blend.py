"""Blenders, sharpness and grain: what goes into a frame and what stays as it was."""

import cv2
import numpy as np
import pytest

from engine.conversion.blend import BLENDERS, blend
from engine.conversion.grain import Texture, matched, sharpened, texture
from engine.conversion.mask import moved

SIDE = 96
PLACE = np.array([[1 / SIDE, 0, 0.5 / SIDE], [0, 1 / SIDE, 0.5 / SIDE]])


def textured(seed, level):
    rng = np.random.default_rng(seed)
    rough = cv2.GaussianBlur(rng.normal(0, 60, (SIDE, SIDE, 3)).astype(np.float32), (0, 0), 3)
    return np.clip(rough + level, 0, 255).astype(np.float32)


def disc(radius, fade):
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    return np.clip((radius - np.hypot(x, y)) / fade, 0, 1).astype(np.float32)


def mixed(name, part, face, weight, visible=None):
    return BLENDERS[name](part, face, weight, np.ones_like(weight) if visible is None else visible)


@pytest.mark.parametrize("name", BLENDERS)
def test_every_blender_leaves_the_frame_alone_outside_the_mask(name):
    image = textured(1, 90).astype(np.uint8)
    after = image.copy()
    mask = disc(30, 6)
    blend(after, textured(2, 150) / 255, mask, PLACE, blender=name)
    assert np.array_equal(after[mask == 0], image[mask == 0])
    assert np.abs(after[mask == 1].astype(float) - image[mask == 1]).mean() > 3


@pytest.mark.parametrize("name", BLENDERS)
def test_a_face_like_the_frame_changes_nothing(name):
    part, weight = textured(1, 90), disc(30, 6)
    assert np.abs(mixed(name, part, part, weight) - part).max() < 0.5


def test_bands_hide_a_step_in_brightness_that_a_feather_shows():
    part, face = (np.full((SIDE, SIDE, 3), level, np.float32) for level in (90, 130))
    weight = disc(34, 4)

    def steepest(name):
        return np.abs(np.diff(mixed(name, part, face, weight)[SIDE // 2, :, 0])).max()

    assert steepest("multiband") < 0.75 * steepest("feather")
    assert mixed("multiband", part, face, weight)[48, 48, 0] > 125


def test_poisson_takes_the_frames_level_and_keeps_the_faces_own_detail():
    part = np.full((SIDE, SIDE, 3), 90, np.float32)
    face = textured(2, 105)
    done = mixed("poisson", part, face, disc(34, 6))
    middle = (slice(30, 66), slice(30, 66))
    assert abs(done[middle].mean() - 90 - (face[middle].mean() - 105)) < 4
    own, now = (p[middle] - p[middle].mean((0, 1)) for p in (face, done))
    assert np.corrcoef(own.ravel(), now.ravel())[0, 1] > 0.95


def test_a_dark_thing_at_the_edge_does_not_bleed_over_the_face():
    part = np.full((SIDE, SIDE, 3), 120, np.float32)
    face = part.copy()
    part[:, :22] = 5  # hair
    done = mixed("poisson", part, face, disc(34, 6))
    assert np.abs(done[48, 55:80] - 120).max() < 6


def test_what_lies_before_the_face_has_no_say_about_its_colours():
    part = np.full((SIDE, SIDE, 3), 120, np.float32)
    face = part.copy()
    part[60:] = (200, 150, 130)
    visible = np.ones((SIDE, SIDE), np.float32)
    visible[60:] = 0
    done = mixed("poisson", part, face, disc(34, 6), visible)
    assert np.abs(done[30:55, 30:66] - 120).max() < 1


def test_what_is_covered_stays_in_front():
    image = np.full((SIDE, SIDE, 3), 90, np.uint8)
    cover = np.zeros((64, 64), np.float32)
    cover[:, 40:] = 1
    after = image.copy()
    blend(after, np.ones((64, 64, 3), np.float32), disc(34, 4), PLACE, cover=cover)
    assert (after[:, 64:] == 90).all() and (after[30:60, 30:55] == 255).all()


def test_a_mask_is_moved_with_its_place():
    mask = np.zeros((64, 64), np.float32)
    mask[30:34, 30:34] = 1
    goal = PLACE.copy()
    goal[1, 2] += 0.25  # the same frame pixel lies a quarter of a chip further down
    there = moved(mask, PLACE, goal)
    y, x = np.argwhere(there > 0.5).mean(0)
    assert (y, x) == pytest.approx((47.5, 31.5), abs=0.6)
    assert moved(mask, PLACE, PLACE) is mask


def noisy(picture, spread, seed=5):
    return picture + np.random.default_rng(seed).normal(0, spread, (SIDE, SIDE, 1))


@pytest.mark.parametrize("spread", [2.0, 5.0, 9.0])
def test_grain_is_measured_through_features_and_edges(spread):
    picture = textured(1, 120)
    cv2.rectangle(picture, (30, 30), (60, 60), (40, 40, 40), 2)
    found = texture(noisy(picture, spread).astype(np.float32), np.ones((SIDE, SIDE), np.float32))
    assert found.grain == pytest.approx(spread, rel=0.15, abs=0.4)


def test_the_face_gets_the_frames_grain_and_the_same_one_every_time():
    face, weight = textured(1, 120), np.ones((SIDE, SIDE), np.float32)
    once, again = (matched(face, weight, Texture(6, 3), 7, 0, 1) for _ in range(2))
    assert np.array_equal(once, again)
    assert texture(once, weight).grain == pytest.approx(6, rel=0.15)
    other = matched(face, weight, Texture(6, 3), 8, 0, 1)
    assert not np.array_equal(once, other)


@pytest.mark.parametrize("wanted", [0.5, 2.0])
def test_the_face_becomes_as_soft_or_as_sharp_as_the_frame(wanted):
    weight = np.ones((SIDE, SIDE), np.float32)
    rng = np.random.default_rng(3)
    face = cv2.GaussianBlur(rng.normal(0, 50, (SIDE, SIDE, 3)).astype(np.float32), (0, 0), 1.2)
    face = np.clip(face + 120, 0, 255)
    own = texture(face, weight)
    done = matched(face, weight, Texture(own.grain, own.detail * wanted), 1, 1, 0)
    now = texture(done, weight).detail / own.detail
    assert abs(now - wanted) < 0.6 * abs(1 - wanted)


def test_too_small_a_face_tells_no_texture_and_nothing_is_done_to_it():
    small = np.full((6, 6, 3), 100, np.float32)
    weight = np.ones((6, 6), np.float32)
    assert texture(small, weight) is None
    assert matched(small, weight, Texture(9, 9), 1, 1, 1) is small
    assert sharpened(small, 0) is small
