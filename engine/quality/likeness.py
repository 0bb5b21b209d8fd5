"""Figures of faces and of series of them: distances, errors, correlation, means."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEFT_EYE = slice(36, 42)
RIGHT_EYE = slice(42, 48)


def eye_distance(landmarks: NDArray[np.float32]) -> float:
    """Pixels between the eyes' centres. `landmarks`: float32 [68, 2], pixels."""
    left, right = landmarks[LEFT_EYE].mean(axis=0), landmarks[RIGHT_EYE].mean(axis=0)
    return float(np.linalg.norm(left - right))


def landmark_error(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Mean distance in eye distances of `wanted`. Both: float32 [68, 2], pixels of one frame."""
    return mean_length(displacement(found, wanted))


def displacement(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far each landmark is from where it is wanted, float32 [68, 2] in eye distances."""
    return (found - wanted) / np.float32(eye_distance(wanted))


def mean_length(displacements: NDArray[np.floating]) -> float:
    """Mean length of displacements, [..., 2]."""
    return float(np.linalg.norm(displacements, axis=-1).mean())


def moving_error(displacements: Sequence[NDArray[np.float32]]) -> float:
    """Mean length of displacements [68, 2] of several frames, less each landmark's median: an error
    in what a face does. Another person's proportions stay the same from frame to frame.

    `nan` for fewer than three frames.
    """
    if len(displacements) < 3:
        return math.nan
    moves = np.stack(displacements)
    return mean_length(moves - np.median(moves, axis=0))


def correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Pearson's r of the pairs in which both are numbers.

    `nan` for fewer than three of them, or when one side never changes.
    """
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if len(x) < 3 or x.std() < 1e-9 or y.std() < 1e-9:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])


def distance(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Euclidean distance between two embeddings, float32 [128] each."""
    return float(np.linalg.norm(a - b))


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean of what is a number; `nan` for none."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def ratio(values: Sequence[float], others: Sequence[float]) -> float:
    """The sum of one over that of the other, where both are numbers; `nan` without any."""
    pairs = [(a, b) for a, b in zip(values, others, strict=True) if not math.isnan(a + b)]
    below = sum(b for _, b in pairs)
    return sum(a for a, _ in pairs) / below if below > 0 else math.nan
