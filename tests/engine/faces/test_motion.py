"""The movement of a face by its pixels: exact to a fraction of one, whatever else moves."""

import cv2
import numpy as np
import pytest

from engine.faces.align import apply, invert
from engine.faces.motion import moved, robust_similarity, upright
from engine.faces.picture import Picture
from engine.faces.template import TEMPLATE

SIDE = 150.0


def similarity(scale, degrees, x, y):
    """From the unit chip's middle, scaled and turned, to a place in the frame."""
    a = np.radians(degrees)
    linear = scale * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return np.column_stack([linear, np.array([x, y]) - linear @ [0.5, 0.5]])


def texture():
    noise = np.random.default_rng(7).uniform(0, 255, (256, 256)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    return cv2.normalize(smooth, None, 20, 235, cv2.NORM_MINMAX)


def seen(place, tremble=0.0, lid=0.0):
    """A frame with a textured face at a place, and landmarks that may tremble around it."""
    face = texture()
    if lid:
        face[90:110, 70:110] = np.roll(face, 20, axis=0)[90:110, 70:110]
    matrix = place @ np.array([[1 / 256, 0, 0.5 / 256], [0, 1 / 256, 0.5 / 256], [0, 0, 1]])
    frame = cv2.warpAffine(face, matrix, (400, 300), flags=cv2.INTER_CUBIC, borderValue=90)
    image = np.repeat(np.clip(np.rint(frame), 0, 255).astype(np.uint8)[..., None], 3, -1)
    points = apply(place, TEMPLATE)
    shaken = points + np.random.default_rng(round(100 * place[0, 2])).normal(0, tremble, (68, 2))
    return Picture(image), shaken


@pytest.mark.parametrize("tremble", [0.0, 1.5])
def test_a_movement_is_told_to_a_tenth_of_a_pixel_however_landmarks_tremble(tremble):
    before, now = similarity(SIDE, 2, 180, 140), similarity(SIDE * 1.01, 3.5, 184.3, 138.6)
    found = moved(*(upright(*seen(place, tremble)) for place in (before, now)))
    corners = apply(before, np.array([[0.25, 0.25], [0.75, 0.25], [0.5, 0.65]]))
    there = apply(now, apply(invert(before), corners))
    assert np.abs(apply(found, corners) - there).max() < 0.15


def test_what_moves_by_itself_within_a_face_does_not_move_the_face():
    place = similarity(SIDE, 0, 200, 150)
    found = moved(upright(*seen(place)), upright(*seen(place, lid=1.0)))
    assert np.abs(apply(found, np.array([[200.0, 150.0]])) - [200, 150]).max() < 0.15


def test_where_nothing_can_be_followed_no_movement_is_told():
    flat = Picture(np.full((300, 400, 3), 128, np.uint8))
    points = apply(similarity(SIDE, 0, 200, 150), TEMPLATE)
    assert moved(upright(flat, points), upright(*seen(similarity(SIDE, 0, 200, 150)))) is None


def test_a_similarity_is_hardly_changed_by_a_fifth_of_outliers():
    chance = np.random.default_rng(1)
    points = chance.uniform(0, 100, (60, 2))
    true = similarity(1.05, 4, 3, -2)
    goals = apply(true, points) + chance.normal(0, 0.05, (60, 2))
    goals[:12] += 6
    assert np.abs(apply(robust_similarity(points, goals), points) - apply(true, points)).max() < 0.1
