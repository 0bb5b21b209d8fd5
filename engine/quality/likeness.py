"""What can be measured on any footage: whose face it is, and whether it moves as the target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEFT_EYE = slice(36, 42)
RIGHT_EYE = slice(42, 48)
INNER_UPPER_LIP = slice(61, 64)
INNER_LOWER_LIP = slice(65, 68)


@dataclass(frozen=True)
class Likeness:
    """Means over the frames that were looked at; `nan` where nothing could be measured.

    Distances are Euclidean between dlib embeddings (the same person is usually below 0.5).
    `landmark_error` is the mean distance of the 68 landmarks from the target's own, in that frame's
    eye distances. `mouth_correlation` is Pearson's r of the mouth's opening along the clip.
    """

    to_source: float
    to_target: float
    landmark_error: float
    mouth_correlation: float
    frames: int


def eye_distance(landmarks: NDArray[np.float32]) -> float:
    """Pixels between the eyes' centres. `landmarks`: float32 [68, 2], pixels."""
    left, right = landmarks[LEFT_EYE].mean(axis=0), landmarks[RIGHT_EYE].mean(axis=0)
    return float(np.linalg.norm(left - right))


def landmark_error(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Mean distance in eye distances of `wanted`. Both: float32 [68, 2], pixels of one frame."""
    distance = float(np.linalg.norm(found - wanted, axis=1).mean())
    return distance / eye_distance(wanted)


def mouth_opening(landmarks: NDArray[np.float32]) -> float:
    """Gap between the inner lips in eye distances. `landmarks`: float32 [68, 2], pixels."""
    upper = landmarks[INNER_UPPER_LIP].mean(axis=0)
    lower = landmarks[INNER_LOWER_LIP][::-1].mean(axis=0)
    return float(np.linalg.norm(upper - lower)) / eye_distance(landmarks)


def correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Pearson's r; `nan` for fewer than three pairs or when one of them never changes."""
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if len(x) < 3 or x.std() < 1e-9 or y.std() < 1e-9:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])


def distance(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Euclidean distance between two embeddings, float32 [128] each."""
    return float(np.linalg.norm(a - b))


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean; `nan` for none."""
    return float(np.mean(values)) if len(values) else math.nan
