"""How far a mouth or the eyes are open in a chip, read by a ruler that was fitted to one person.

dlib's landmarks follow a rendered mouth badly: on the shipped truth itself they correlate with the
true opening at r = 0.68, so nothing could be judged by them. The ruler is a ridge regression (Hoerl
and Kennard, 1970) from the luma of the mouth's or the eyes' part of the chip to the opening that
was rendered, fitted on other footage of the person whose face is to be seen. How well it reads the
truth is told with every figure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.avatars.parameters import Pose
from engine.faces.align import Alignment, crop, fit_transform
from engine.media import open_frames
from engine.quality.exact import Finds, largest
from engine.quality.fidelity import LUMA
from engine.quality.likeness import correlation

_PARTS: Final = {"mouth": (0.56, 0.94, 0.26, 0.74), "eyes": (0.20, 0.48, 0.14, 0.86)}
"""Top, bottom, left and right of the part of a chip that is looked at."""
_SIDE: Final = 16
"""Pixels to which a part is shrunk, so that sharpness does not count."""
_RIDGE: Final = 10.0

Chips = NDArray[np.uint8]


@dataclass(frozen=True)
class Ruler:
    """Reads one opening off chips; the number means nothing but more or less open."""

    part: str
    mean: NDArray[np.float64]
    weights: NDArray[np.float64]

    def read(self, chips: Chips) -> NDArray[np.float64]:
        """The openings in chips uint8 [N, S, S, 3] RGB: float64 [N]."""
        return (_features(chips, self.part) - self.mean) @ self.weights

    def follows(self, chips: Chips, openings: NDArray[np.floating]) -> float:
        """Pearson's r of what is read off the chips with the openings [N] that should be there."""
        return correlation(list(self.read(chips)), list(np.asarray(openings, float)))


def fit_ruler(part: str, chips: Chips, openings: NDArray[np.floating]) -> Ruler:
    """The ruler for "mouth" or "eyes" from chips uint8 [N, S, S, 3] and their openings [N]."""
    features = _features(chips, part)
    mean = features.mean(0)
    centred = features - mean
    wanted = np.asarray(openings, float) - float(np.mean(openings))
    penalty = _RIDGE * np.eye(centred.shape[1])
    return Ruler(part, mean, np.linalg.solve(centred.T @ centred + penalty, centred.T @ wanted))


@dataclass(frozen=True)
class Openings:
    """What is known of the openings of a pair: a clip of the person whose face is to be seen, and
    the pose by the frame's number in that clip and in the scene."""

    clip: Path
    in_clip: Callable[[int], Pose]
    in_scene: Callable[[int], Pose]

    def rulers(self, size: int, finder: Finds, alignment: Alignment) -> dict[str, Ruler]:
        """A ruler for each part, for chips of `size` pixels that were cut by `alignment`."""
        chips: list[NDArray[np.uint8]] = []
        poses: list[Pose] = []
        with open_frames(self.clip) as reader:
            for frame in reader:
                face = largest(finder, frame.image)
                if face is not None:
                    chips.append(crop(frame.image, fit_transform(face.landmarks, alignment), size))
                    poses.append(self.in_clip(frame.index))
        return {
            part: fit_ruler(part, np.stack(chips), np.array([opening(part, p) for p in poses]))
            for part in _PARTS
        }


def opening(part: str, pose: Pose) -> float:
    """How far the mouth or the eyes of a rendered person are open, 0 to 1."""
    return pose.mouth_open if part == "mouth" else 1.0 - pose.blink_left


def _features(chips: Chips, part: str) -> NDArray[np.float64]:
    """Luma of the part with mean 0 and spread 1: the light of a frame is no opening."""
    size = chips.shape[1]
    top, bottom, left, right = (round(edge * size) for edge in _PARTS[part])
    rows = []
    for chip in chips:
        luma = (chip[top:bottom, left:right].astype(np.float64) @ LUMA).astype(np.float32)
        small = cv2.resize(luma, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).ravel()
        rows.append((small - small.mean()) / (small.std() + 1.0))
    return np.stack(rows).astype(np.float64)
