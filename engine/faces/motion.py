"""How a face moves from one frame to the next, told by its pixels and not by its landmarks.

Landmarks say where a face is and tremble by a pixel; pixels followed from frame to frame do not
tremble and say nothing about where it is. The eyes and the bridge of the nose are cut out upright
in both frames, a grid of points between them is followed there and back (J.-Y. Bouguet, "Pyramidal
implementation of the Lucas Kanade feature tracker", 1999), and one similarity is fitted to all of
them that gives little weight to what moves otherwise, such as lids (P. Holland and R. Welsch,
"Robust regression using iteratively reweighted least-squares", 1977).
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.align import apply, chip_matrix, fit_transform, invert
from engine.faces.picture import Picture

_SIDE: Final = 128
_POINTS: Final = 8
"""Points of the grid in a row and in a column."""
_ACROSS, _DOWN = (0.25, 0.75), (0.2, 0.65)
"""What of the unit chip the grid covers: what is not moved by a mouth."""
_WINDOW: Final = (15, 15)
_LEVELS: Final = 1
_RETURN: Final = 0.5
"""Pixels by which a point followed there and back may miss its place."""
_TEXTURE: Final = 1e-3
"""The least eigenvalue of a point's surroundings: flat ones say nothing of where they went."""
_FEWEST: Final = 12
_ROUNDS: Final = 4
_EXACT: Final = 0.02
"""Pixels below which nothing is an outlier."""
_ENDING: Final = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 15, 0.01)


def _grid() -> NDArray[np.float32]:
    x, y = np.meshgrid(np.linspace(*_ACROSS, _POINTS), np.linspace(*_DOWN, _POINTS))
    return (np.stack([x, y], -1).reshape(-1, 1, 2) * _SIDE - 0.5).astype(np.float32)


_GRID: Final = _grid()


@dataclass(frozen=True, eq=False)
class Upright:
    """A face cut out upright. chip: uint8 [S, S], luma. back: float64 [2, 3], chip pixels to those
    of the frame."""

    chip: NDArray[np.uint8]
    back: NDArray[np.float64]


def upright(picture: Picture, landmarks: NDArray[np.floating]) -> Upright:
    """The face with these landmarks, [68, 2] frame pixels."""
    matrix = chip_matrix(fit_transform(landmarks), _SIDE)
    return Upright(picture.aligned(landmarks, _SIDE, 1.0), invert(matrix))


def moved(before: Upright, now: Upright) -> NDArray[np.float64] | None:
    """The similarity from the pixels of one frame to those of the next, float64 [2, 3], by which
    the face moved; None where too little of it can be followed."""
    ends, good = _followed(before.chip, now.chip, _GRID)
    back, good_back = _followed(now.chip, before.chip, ends)
    missed = np.linalg.norm((back - _GRID).reshape(-1, 2), axis=1)
    sure = good & good_back & (missed < _RETURN)
    if int(sure.sum()) < _FEWEST:
        return None
    return robust_similarity(
        apply(before.back, _GRID.reshape(-1, 2)[sure]), apply(now.back, ends.reshape(-1, 2)[sure])
    )


def _followed(
    here: NDArray[np.uint8], there: NDArray[np.uint8], points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    ends, good, _ = cv2.calcOpticalFlowPyrLK(
        here,
        there,
        points,
        points.copy(),
        winSize=_WINDOW,
        maxLevel=_LEVELS,
        criteria=_ENDING,
        minEigThreshold=_TEXTURE,
    )
    return np.asarray(ends, np.float32), np.asarray(good.ravel() > 0, np.bool_)


def robust_similarity(
    points: NDArray[np.float64], goals: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The similarity [2, 3] from `points` [N, 2] to `goals` that outliers hardly change."""
    # In the plane, turning and scaling is multiplying by one complex number.
    p, g = points @ np.array([1, 1j]), goals @ np.array([1, 1j])
    weights = np.ones(len(p))
    turn, shift = 1 + 0j, 0j
    for _ in range(_ROUNDS):
        total = weights.sum()
        middle, goal = (weights * p).sum() / total, (weights * g).sum() / total
        spread = float((weights * np.abs(p - middle) ** 2).sum())
        turn = (weights * np.conj(p - middle) * (g - goal)).sum() / max(spread, 1e-9)
        shift = goal - turn * middle
        off = np.abs(g - turn * p - shift)
        weights = 1 / (1 + (off / max(3 * float(np.sort(off)[len(off) // 2]), _EXACT)) ** 2)
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
