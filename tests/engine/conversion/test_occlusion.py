"""What lies before a face stays before it; a face alone is never taken for something else."""

import cv2
import numpy as np
import pytest

from engine.avatars.demo import demo_clips
from engine.conversion.compose import Decoded, Look, compose, measure, steady
from engine.conversion.locate import LocatedFace
from engine.conversion.occlusion import SIDE, covered, guided
from engine.conversion.picture import PictureSettings
from engine.faces.align import chip_matrix, crop, fit_transform
from engine.faces.detect import FaceFinder
from engine.media import open_frames
from engine.quality.exact import largest

SIZE = 64
ROD = (40, 60, 90)


@pytest.fixture(scope="module")
def shot():
    """A frame of a rendered person, and where the face is."""
    with open_frames(demo_clips().scene) as reader:
        image = next(iter(reader)).image
    found = largest(FaceFinder(), image)
    transform = fit_transform(found.landmarks)
    return image, LocatedFace(0, 0, found.box, found.landmarks, transform, False)


def rendered(image, face):
    """The face as a model renders it: a little soft, and never with anything before it."""
    chip = crop(image, face.transform, SIZE).astype(np.float32) / 255
    return np.asarray(cv2.GaussianBlur(chip, (0, 0), 1.0), np.float32)


def with_rod(image, face, x=0.5):
    """Something dark across the mouth, from below; and where it is on the chip, bool."""
    shown = image.copy()
    matrix = chip_matrix(face.transform, 1)
    corners = np.array([(x - 0.08, 0.6), (x + 0.08, 0.6), (x + 0.08, 1.4), (x - 0.08, 1.4)]) - 0.5
    points = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    cv2.fillConvexPoly(shown, np.rint(points).astype(np.int32), ROD)
    there = np.zeros((SIDE, SIDE), bool)
    there[round(0.6 * SIDE) :, round((x - 0.08) * SIDE) : round((x + 0.08) * SIDE)] = True
    return shown, there


def decoded(image, face, own):
    chip = crop(image, face.transform, SIZE)
    green = np.zeros((SIZE, SIZE, 3), np.float32)
    green[..., 1] = 1
    return Decoded(face, chip, green, own, np.ones((SIZE, SIZE), np.float32))


def test_a_face_with_nothing_before_it_is_all_face(shot):
    image, face = shot
    assert covered(image, face, crop(image, face.transform, SIZE), rendered(image, face)) is None


@pytest.mark.parametrize("brighter", [0.85, 1.0, 1.15])
def test_what_covers_a_face_is_found_in_any_light(shot, brighter):
    image, face = shot
    shown, there = with_rod(image, face)
    shown = np.clip(shown * brighter, 0, 255).astype(np.uint8)
    cover = covered(shown, face, crop(shown, face.transform, SIZE), rendered(image, face))
    assert cover is not None and cover.shape == (SIDE, SIDE) and cover.dtype == np.float32
    inside = np.zeros((SIDE, SIDE), bool)
    inside[: round(0.82 * SIDE)] = True  # above the chin
    found = (cover > 0.5) & inside
    both, either = (found & there & inside).sum(), (found | (there & inside)).sum()
    assert both / either > 0.75


def test_the_new_face_goes_behind_what_covers_the_old_one(shot):
    image, face = shot
    shown, _ = with_rod(image, face)
    one = decoded(shown, face, rendered(image, face))
    pictures = {}
    for kept in (True, False):
        settings = PictureSettings(colour="none", blend="feather", occlusion=kept)
        look = measure(shown, one, settings)
        pictures[kept] = compose(shown, one, steady([look], 0), settings)
    x, y = np.rint(face.landmarks[57]).astype(int)
    assert pictures[True][y, x].tolist() == list(ROD)
    assert pictures[False][y, x, 1] > 200
    nose = np.rint(face.landmarks[29]).astype(int)
    assert pictures[True][nose[1], nose[0], 1] > 200


def test_a_model_that_renders_nothing_right_is_not_asked(shot):
    image, face = shot
    wrong = np.random.default_rng(0).random((SIZE, SIZE, 3), np.float32)
    assert covered(image, face, crop(image, face.transform, SIZE), wrong) is None


def test_a_cover_in_a_single_frame_is_outvoted_and_one_missing_is_filled_in():
    full = np.full((SIDE, SIDE), 255, np.uint8)

    def looks(*covers):
        return [Look(n, 0, "none", cover=cover) for n, cover in enumerate(covers)]

    assert steady(looks(None, None, full, None, None), 2).cover.max() == 0
    assert steady(looks(full, full, None, full, full), 2).cover.min() > 100
    assert steady(looks(None, None, None), 1).cover is None


def test_a_guided_border_follows_the_picture():
    guide = np.zeros((32, 32), np.float32)
    guide[:, 16:] = 1
    rough = np.zeros((32, 32), np.float32)
    rough[:, 14:] = 1
    drawn = guided(guide, rough)
    assert drawn[16, 15] < 0.75 and drawn[16, 18] > 0.9
