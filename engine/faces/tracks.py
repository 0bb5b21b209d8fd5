"""Which faces of neighbouring frames are one head that moves, so that it is identified once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_OVERLAP: Final = 0.5
_CUT: Final = 0.08
"""Mean difference of two thumbnails, as a part of full scale, above which the picture was cut.
Measured: at most 0.06 between neighbouring frames, at least 0.13 between two people."""
_THUMBNAIL: Final = 16


@dataclass(frozen=True)
class Sighting:
    """One face in one frame, as far as following it needs."""

    frame: int
    box: tuple[int, int, int, int]
    thumbnail: NDArray[np.float32]


def thumbnail(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """An aligned crop, uint8 [S, S, 3], as float32 [16, 16, 3] of 0 to 1."""
    small = cv2.resize(picture, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    return (np.asarray(small, np.float32) / 255).astype(np.float32)


def group_tracks(sightings: Sequence[Sighting], every: int, longest: int) -> list[list[int]]:
    """The places in `sightings` of faces that surely show one head, in groups of `longest` at most.

    sightings: in the order of their frames. every: the distance of neighbouring frames.
    A head is followed where boxes overlap by half in neighbouring frames and the aligned pictures
    look alike; the second keeps two people apart who fill the same place before and after a cut.
    """
    groups: list[list[int]] = []
    current: dict[int, list[int]] = {}  # the last place of each open group -> the group
    for place, sighting in enumerate(sightings):
        before = [last for last in current if sightings[last].frame == sighting.frame - every]
        best = max(
            (last for last in before if _alike(sightings[last], sighting)),
            key=lambda last: overlap(sightings[last].box, sighting.box),
            default=None,
        )
        group = current.pop(best) if best is not None else None
        if group is None or len(group) >= longest:
            group = []
            groups.append(group)
        group.append(place)
        current[place] = group
    return groups


def overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    """The area that two boxes share over the area that they cover, 0 to 1."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return shared / (both - shared)


def _alike(a: Sighting, b: Sighting) -> bool:
    if overlap(a.box, b.box) < _OVERLAP:
        return False
    return float(np.abs(a.thumbnail - b.thumbnail).mean()) < _CUT
