"""What finds the boxes of faces in a picture. One detector serves one thread.

- `hog`: histogram of oriented gradients with a sliding window (N. Dalal, B. Triggs, CVPR 2005) as
  trained in dlib; faces of 80 pixels and more that look at the camera. Releases the GIL.
- `mmod`: dlib's convolutional detector (D. King, "Max-margin object detection", 2015); hundreds of
  times slower, and sees profiles, sunglasses and hats. `mmod:FILE`: a .dat file of the user's.
- `yunet:FILE`: OpenCV's FaceDetectorYN with an ONNX file of the user's (W. Wu et al., 2023).
"""

import copy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from engine.faces.models import ModelError, mmod_model_path
from projects.errors import CommandError

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; may reach beyond the picture's border."""
KINDS: Final = ("hog", "mmod", "mmod:FILE", "yunet:FILE")
_YUNET_SURE: Final = 0.7
_YUNET_BOX: Final = 1.05
"""YuNet's boxes are upright rectangles around the face; squares as dlib draws them are this many
times as wide."""


@dataclass(frozen=True)
class Found:
    """A face's box and how sure the detector is, above 0; no probability.

    learnt: by a network, which also knows faces that HOG does not (sunglasses, profiles).
    """

    box: Box
    score: float
    learnt: bool = False


class Detector(Protocol):
    """Finds boxes in uint8 [H, W] grey or [H, W, 3] RGB pictures."""

    colour: bool
    """Whether it wants RGB."""

    def find(self, picture: NDArray[np.uint8], upsample: int = 0) -> list[Found]:
        """The boxes of faces; `upsample`: how often the picture is doubled first."""


class Hog:
    """dlib's frontal detector."""

    colour = False

    def __init__(self) -> None:
        self._detector = copy.deepcopy(_frontal_detector())

    def find(
        self, picture: NDArray[np.uint8], upsample: int = 0, least: float = 0.0
    ) -> list[Found]:
        """See `Detector`; boxes with a score below `least` are left out."""
        boxes, scores, _ = self._detector.run(np.ascontiguousarray(picture), upsample, least)
        return [Found(_box(r), float(score)) for r, score in zip(boxes, scores, strict=True)]


class Mmod:
    """dlib's convolutional detector. Takes two seconds for a frame of 640x360."""

    colour = True

    def __init__(self, given: Path | None = None) -> None:
        """given: a .dat file instead of the installed one. Raises ModelError."""
        file = given or mmod_model_path()
        if not file.is_file():
            raise ModelError(f"There is no detector at {file}. Give the path of a dlib .dat file.")
        try:
            self._model = dlib.cnn_face_detection_model_v1(str(file))
        except (RuntimeError, MemoryError) as error:
            cure = (
                "Give another .dat file, or use --detector hog." if given else "Install it again."
            )
            raise ModelError(f"The detector {file} is damaged or no dlib model. {cure}") from error

    def find(self, picture: NDArray[np.uint8], upsample: int = 0) -> list[Found]:
        """See `Detector`."""
        found = self._model(np.ascontiguousarray(picture), upsample)
        return [Found(_box(one.rect), float(one.confidence), True) for one in found]


class YuNet:
    """OpenCV's FaceDetectorYN."""

    colour = True

    def __init__(self, file: Path) -> None:
        """Raises ModelError: there is no such file, or it is something else."""
        if not file.is_file():
            raise ModelError(f"There is no detector at {file}. Give the path of a YuNet ONNX file.")
        try:
            self._model = cv2.FaceDetectorYN.create(str(file), "", (320, 320), _YUNET_SURE)
            self.find(np.zeros((64, 64, 3), np.uint8))
        except (cv2.error, ValueError, IndexError) as error:
            raise ModelError(
                f"The detector {file} is damaged or no YuNet model. Give the path of another "
                "ONNX file, or use --detector hog."
            ) from error

    def find(self, picture: NDArray[np.uint8], upsample: int = 0) -> list[Found]:
        """See `Detector`."""
        scale = 1 << upsample
        bgr = np.ascontiguousarray(picture[..., ::-1])
        if upsample:
            bgr = np.asarray(cv2.resize(bgr, None, fx=scale, fy=scale), np.uint8)
        self._model.setInputSize((bgr.shape[1], bgr.shape[0]))
        _, rows = self._model.detect(bgr)
        found = []
        for row in () if rows is None else rows:
            x, y, width, height = (float(value) / scale for value in row[:4])
            half = _YUNET_BOX * max(width, height * 0.8) / 2
            # dlib's squares sit lower than the middle of the whole face.
            middle_x, middle_y = x + width / 2, y + height * 0.53
            corners = (middle_x - half, middle_y - half, middle_x + half, middle_y + half)
            left, top, right, bottom = (round(corner) for corner in corners)
            found.append(Found((left, top, right, bottom), float(row[14]), True))
        return found


def detector(name: str) -> Detector:
    """The detector of that name: one of KINDS.

    Raises CommandError for another name, ModelError when its model is missing or damaged.
    """
    kind, _, file = name.partition(":")
    if kind == "hog" and not file:
        return Hog()
    if kind == "mmod" and (file or ":" not in name):
        return Mmod(Path(file) if file else None)
    if kind == "yunet" and file:
        return YuNet(Path(file))
    raise CommandError(f"There is no detector '{name}'. Choose one of: {', '.join(KINDS)}.")


def overlap(a: Box, b: Box) -> float:
    """The area that two boxes share over the area that they cover, 0 to 1."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return shared / (both - shared)


def _box(rectangle: Any) -> Box:
    return rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom()


@cache
def _frontal_detector() -> Any:
    """Unpacking it takes half a second, copying it a thousandth; a copy serves one thread."""
    return dlib.get_frontal_face_detector()
