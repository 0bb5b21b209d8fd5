"""Which poses a dataset shows, and which of another's it lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.datasets.best import pose_steps
from engine.datasets.measures import Measures
from projects.face_groups import PITCH_STEP, YAW_STEP

NEAR_YAW: Final = 10.0
NEAR_PITCH: Final = 7.5
"""A pose is known where there are faces within so many degrees of it."""
ENOUGH: Final = 5
"""How many faces make a pose known."""
_FINE: Final = 2.5
_REACH: Final = 90.0


@dataclass(frozen=True)
class PoseCell:
    """Faces that look the same way: centre in degrees, how many, and the id of the best one."""

    yaw: float
    pitch: float
    faces: int
    best: int


def pose_cells(faces: Measures) -> list[PoseCell]:
    """The poses that occur, in steps of YAW_STEP and PITCH_STEP degrees."""
    if not len(faces):
        return []
    steps = np.stack(
        [pose_steps(faces["yaw"], YAW_STEP), pose_steps(faces["pitch"], PITCH_STEP)], axis=1
    )
    kinds, place, sizes = np.unique(steps, axis=0, return_inverse=True, return_counts=True)
    place = place.reshape(-1)
    order = np.lexsort((-faces.quality(), place))
    first = np.searchsorted(place[order], np.arange(len(kinds)))
    return [
        PoseCell(float(yaw * YAW_STEP), float(pitch * PITCH_STEP), int(size), int(best))
        for (yaw, pitch), size, best in zip(kinds, sizes, faces.ids[order[first]], strict=True)
    ]


def own_pitch(faces: Measures) -> NDArray[np.float64]:
    """Pitch against the person's usual one, degrees [N].

    A long nose seems to look down: only within one person are pitches comparable as they are.
    """
    pitch = faces["pitch"]
    return np.asarray(pitch - np.nanmedian(pitch) if len(pitch) else pitch, np.float64)


def lacking(source: Measures, target: Measures) -> NDArray[np.bool_]:
    """Which of the target's faces look where the source has fewer than ENOUGH faces near. [N]"""
    bins = round(2 * _REACH / _FINE)
    counted = np.zeros((bins, bins), np.float32)
    np.add.at(counted, _places(source, bins), 1)
    window = (2 * round(NEAR_PITCH / _FINE) + 1, 2 * round(NEAR_YAW / _FINE) + 1)
    near = cv2.boxFilter(counted, -1, window, normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(near[_places(target, bins)] < ENOUGH - 0.5, np.bool_)


def lacking_steps(source: Measures, target: Measures) -> list[tuple[int, int]]:
    """The steps of yaw and pitch, as the source's poses are counted, in which target's faces look
    where the source has next to none; only those of more than one in a hundred of its faces."""
    missing = lacking(source, target)
    usual = float(np.nanmedian(source["pitch"])) if len(source) else 0.0
    steps = np.stack(
        [
            pose_steps(target["yaw"][missing], YAW_STEP),
            pose_steps(own_pitch(target)[missing] + usual, PITCH_STEP),
        ],
        axis=1,
    )
    kinds, sizes = np.unique(steps, axis=0, return_counts=True)
    return [(int(yaw), int(pitch)) for yaw, pitch in kinds[sizes > 0.01 * len(target)]]


def _places(faces: Measures, bins: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    yaw, pitch = (
        np.clip(np.floor((np.nan_to_num(angle) + _REACH) / _FINE), 0, bins - 1).astype(np.intp)
        for angle in (faces["yaw"], own_pitch(faces))
    )
    return yaw, pitch
