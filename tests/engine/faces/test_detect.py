"""Finding faces, their landmarks and whose they are, on rendered people."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.faces.detect import FaceFinder
from engine.faces.embed import Embedder, distance

Frames = dict[str, list[NDArray[np.uint8]]]


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


def test_both_people_in_a_picture_are_found(finder: FaceFinder, frames: Frames) -> None:
    image = np.concatenate([frames["source"][0], frames["target"][0]], axis=1)
    middle = frames["source"][0].shape[1]
    boxes = sorted(detection.box for detection in finder.find(image))
    assert len(boxes) == 2
    assert boxes[0][2] < middle < boxes[1][0]


def test_the_landmarks_lie_in_the_face(finder: FaceFinder, frames: Frames) -> None:
    (found,) = finder.find(frames["source"][0])
    assert found.landmarks.shape == (68, 2)
    assert found.landmarks.dtype == np.float32
    left, top, right, bottom = found.box
    nose = found.landmarks[30]
    assert left < nose[0] < right
    assert top < nose[1] < bottom
    assert found.landmarks[36:42, 0].mean() < nose[0] < found.landmarks[42:48, 0].mean()
    assert found.landmarks[36:48, 1].mean() < nose[1] < found.landmarks[48:68, 1].mean()


def test_a_small_frame_gets_a_second_look(finder: FaceFinder, frames: Frames) -> None:
    image = frames["source"][0]
    (full,) = finder.find(image)
    scale = 50 / (full.box[2] - full.box[0])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    (found,) = finder.find(small)
    np.testing.assert_allclose(found.box, np.array(full.box) * scale, atol=12)


def test_an_empty_picture_holds_nobody(finder: FaceFinder) -> None:
    assert finder.find(np.zeros((120, 160, 3), np.uint8)) == []


def test_a_view_of_a_larger_array_will_do(finder: FaceFinder, frames: Frames) -> None:
    image = frames["source"][0]
    mirrored = image[:, ::-1]
    (found,) = finder.find(mirrored)
    (copied,) = finder.find(mirrored.copy())
    np.testing.assert_array_equal(found.landmarks, copied.landmarks)


def test_one_person_is_nearer_to_themselves_than_to_another(
    finder: FaceFinder, frames: Frames
) -> None:
    embedder = Embedder()
    embeddings = {
        (name, place): embedder.embed(images[place], finder.find(images[place])[0].landmarks)
        for name, images in frames.items()
        for place in (0, 39)
    }
    own = [distance(embeddings[name, 0], embeddings[name, 39]) for name in frames]
    others = [
        distance(embeddings["source", a], embeddings["target", b]) for a in (0, 39) for b in (0, 39)
    ]
    assert max(own) < min(others)
