"""A few faces that stand for many: every pose and expression gets its share, by its best faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.datasets.measures import Measures
from projects.face_groups import (
    EYES_CLOSED,
    MOUTH_OPEN,
    MOUTH_WIDE,
    PITCH_STEP,
    YAW_STEP,
)


@dataclass(frozen=True)
class Best:
    """ids: of the chosen faces, ascending. cells: how many combinations of pose and expression
    there are. shown: of how many of them a face was chosen."""

    ids: tuple[int, ...]
    cells: int
    shown: int


def best(faces: Measures, number: int) -> Best:
    """At most `number` of `faces`, spread as evenly over poses and expressions as they allow.

    Every cell (yaw, pitch, mouth, eyes) gives the same number of faces, or all that it has. Within
    a cell its faces are cut into as many runs of time, and each gives its best one.
    """
    _, cell, sizes = np.unique(cells(faces), axis=0, return_inverse=True, return_counts=True)
    cell = cell.reshape(-1)
    shares = _shares(sizes, number)
    quality = faces.quality()
    _, source = np.unique(np.array(faces.sources, np.str_), return_inverse=True)
    in_time = np.lexsort((faces.frames, source, cell))
    chosen: list[int] = []
    starts = np.concatenate([[0], np.cumsum(sizes)])
    for place, share in enumerate(shares.tolist()):
        members = in_time[starts[place] : starts[place + 1]]
        runs = np.array_split(members, share) if share else []
        chosen += [int(run[np.argmax(quality[run])]) for run in runs]
    ids = tuple(sorted(int(faces.ids[place]) for place in chosen))
    return Best(ids, len(sizes), int((shares > 0).sum()))


def cells(faces: Measures) -> NDArray[np.intp]:
    """Where each face lies among poses and expressions: [N, 4] steps of yaw and pitch from straight
    ahead, opening of the mouth 0 to 2, eyes 0 or 1. What was not measured counts as closed lips and
    open eyes."""
    mouth, eyes = np.nan_to_num(faces["mouth"]), np.nan_to_num(faces["eyes"], nan=1.0)
    return np.stack(
        [
            pose_steps(faces["yaw"], YAW_STEP),
            pose_steps(faces["pitch"], PITCH_STEP),
            np.searchsorted((MOUTH_OPEN, MOUTH_WIDE), mouth, side="right"),
            (eyes >= EYES_CLOSED).astype(np.intp),
        ],
        axis=1,
    )


def pose_steps(angles: NDArray[np.float64], step: float) -> NDArray[np.intp]:
    """Angles in degrees as whole steps; 0 is within half a step of straight ahead."""
    return np.rint(np.nan_to_num(angles) / step).astype(np.intp)


def _shares(sizes: NDArray[np.intp], number: int) -> NDArray[np.intp]:
    """How many of each cell: equal as far as its size allows, `number` together; the rest goes to
    the largest cells."""
    if number >= sizes.sum():
        return sizes.astype(np.intp)
    low, high = 0, int(number)
    while low < high:  # the largest equal share that does not come to more than `number`
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high) if np.minimum(sizes, middle).sum() <= number else (low, middle - 1)
        )
    shares = np.minimum(sizes, low).astype(np.intp)
    larger = np.flatnonzero(sizes > low)
    order = larger[np.argsort(-sizes[larger], kind="stable")]
    shares[order[: number - int(shares.sum())]] += 1
    return shares
