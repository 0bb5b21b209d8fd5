"""Faces found and placed in one frame, by each kind of detector."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.faces.detectors import Detector, Found, detector, overlap
from engine.faces.landmarks import LandmarkModel
from engine.faces.models import ModelError, mmod_model_path
from engine.faces.picture import Picture, from_level, to_level
from engine.faces.sight import Sighter, box_around, confidence
from engine.faces.template import TEMPLATE
from engine.faces.turning import TURNS, turned, turned_back
from projects.errors import CommandError

Frames = dict[str, list[NDArray[np.uint8]]]


@pytest.fixture(scope="module")
def sighter() -> Sighter:
    return Sighter()


def test_a_face_is_found_with_its_landmarks_and_surely(sighter: Sighter, frames: Frames) -> None:
    (found,) = sighter.find(Picture(frames["source"][0]), thorough=True)
    assert found.points.shape == (68, 2)
    assert 0.8 < confidence(found.spread, found.score) <= 1
    assert sighter.find(Picture(frames["source"][0]), thorough=True, known=[found.box]) == []


def test_the_box_of_landmarks_is_where_the_detector_draws_it(
    sighter: Sighter, frames: Frames
) -> None:
    for image in (frames["source"][0], frames["target"][5]):
        (box,) = [one.box for one in detector("hog").find(Picture(image).luma)]
        (sight,) = sighter.find(Picture(image), thorough=False)
        assert overlap(box, box_around(sight.points)) > 0.75


def test_what_is_no_face_is_not_trusted(sighter: Sighter, frames: Frames) -> None:
    (real,) = sighter.find(Picture(frames["source"][0]), thorough=False)
    wall = Picture(np.random.default_rng(1).integers(60, 200, (360, 480, 3), np.uint8))
    sight = sighter.follow(wall, real.points, careful=True)
    assert confidence(sight.spread, sight.score) < 0.1
    hasty = sighter.follow(wall, real.points, careful=False)
    assert math.isnan(hasty.spread) and math.isnan(hasty.score)


def test_a_small_face_in_a_small_frame_is_found_by_a_second_look(
    sighter: Sighter, frames: Frames
) -> None:
    small = cv2.resize(frames["source"][0], (120, 90), interpolation=cv2.INTER_AREA)
    assert sighter.find(Picture(small), thorough=False) == []
    (found,) = sighter.find(Picture(small), thorough=True)
    assert 25 < found.box[2] - found.box[0] < 70


def test_a_large_frame_is_searched_small_and_small_faces_in_it_by_a_second_look(
    sighter: Sighter, frames: Frames
) -> None:
    def placed(width: int) -> Picture:
        image = np.full((1080, 1920, 3), 90, np.uint8)
        head = cv2.resize(
            frames["source"][0], (width, width * 3 // 4), interpolation=cv2.INTER_AREA
        )
        image[100 : 100 + head.shape[0], 700 : 700 + width] = head
        return Picture(image)

    (large,) = sighter.find(placed(1100), thorough=False)
    assert large.box[2] - large.box[0] > 300
    (small,) = sighter.find(placed(300), thorough=False)
    assert small.box[2] - small.box[0] < 140


def test_faces_of_a_picture_that_stands_alone(sighter: Sighter, frames: Frames) -> None:
    both = np.concatenate([frames["source"][0], frames["target"][0]], axis=1)
    assert len(sighter.find_all(Picture(both))) == 2
    assert sighter.find_all(Picture(np.zeros((90, 120, 3), np.uint8))) == []


def test_the_convolutional_detector_finds_the_same_face(frames: Frames) -> None:
    image = cv2.resize(frames["source"][0], (240, 180), interpolation=cv2.INTER_AREA)
    mmod, hog = detector("mmod"), detector("hog")
    (one,) = mmod.find(image)
    (other,) = hog.find(Picture(image).luma, 1)
    assert one.learnt and overlap(one.box, other.box) > 0.5


@pytest.mark.parametrize("name", ["", "haar", "hog:x", "mmod:", "yunet", "yunet:"])
def test_there_is_no_other_detector(name: str) -> None:
    with pytest.raises(CommandError, match="Choose one of: hog, mmod, mmod:FILE, yunet:FILE"):
        detector(name)


@pytest.mark.parametrize(
    ("kind", "said"), [("yunet", "no YuNet model"), ("mmod", "no dlib model.*--detector hog")]
)
def test_a_file_that_is_no_detector_is_told_apart(tmp_path: Path, kind: str, said: str) -> None:
    with pytest.raises(ModelError, match="There is no detector at"):
        detector(f"{kind}:{tmp_path / 'none'}")
    junk = tmp_path / "junk"
    junk.write_bytes(b"junk" * 100)
    with pytest.raises(ModelError, match=f"damaged or {said}"):
        detector(f"{kind}:{junk}")


def test_a_detector_file_of_the_users_own(frames: Frames) -> None:
    image = cv2.resize(frames["source"][0], (240, 180), interpolation=cv2.INTER_AREA)
    assert detector(f"mmod:{mmod_model_path()}").find(image) == detector("mmod").find(image)


def test_landmarks_of_a_model_of_ones_own(frames: Frames) -> None:
    class Middle:
        def place(
            self, luma: NDArray[np.uint8], box: tuple[int, int, int, int]
        ) -> NDArray[np.float64]:
            left, top, right, _ = box
            return TEMPLATE * (right - left) + [left, top]

    own: LandmarkModel = Middle()
    sighter = Sighter()
    sighter._landmarks = own
    (found,) = sighter.find(Picture(frames["source"][0]), thorough=True)
    assert float(np.ptp(found.points[:, 0])) > 30


def test_a_detector_of_ones_own_needs_one_method(frames: Frames) -> None:
    class Everywhere:
        colour = True

        def find(self, picture: NDArray[np.uint8], upsample: int = 0) -> list[Found]:
            return [Found((140, 100, 330, 290), 0.9, learnt=True)]

    own: Detector = Everywhere()
    sighter = Sighter()
    sighter._detector = own
    (found,) = sighter.find(Picture(frames["source"][0]), thorough=True)
    assert overlap(found.box, (140, 100, 330, 290)) > 0.4


@pytest.mark.parametrize("degrees", TURNS)
def test_points_of_a_turned_picture_come_back(degrees: int) -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[7, 52] = 255
    y, x = np.argwhere(turned(image, degrees)[..., 0])[0]
    back = turned_back(np.array([[x, y]]), degrees, 60, 40)
    np.testing.assert_allclose(back, [[52, 7]])
    assert Picture(image, degrees).size == turned(image, degrees).shape[1::-1]


def test_levels_keep_places() -> None:
    points = np.array([[10.0, 20], [0, 0]])
    np.testing.assert_allclose(from_level(to_level(points, 0.25), 0.25), points)
