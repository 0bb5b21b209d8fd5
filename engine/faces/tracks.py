"""Which faces of neighbouring frames are one head that moves, so that it is identified once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.dataset import landmarks_of
from projects.faces import Face

STANDS_ALONE: Final = "import-"
"""How the names of crops begin whose pictures are no footage: none goes on from another."""
_OVERLAP: Final = 0.5
_CUT: Final = 0.08
"""Mean difference of two thumbnails, as a part of full scale, above which the picture was cut.
Measured: at most 0.06 between neighbouring frames, at least 0.13 between two people."""
_THUMBNAIL: Final = 16
_MOST_MOVED: Final = 0.05
"""Mean way of the landmarks from frame to frame, in widths of the box. Measured: at most 0.042 at
24 frames a second, at least 0.5 where two people change places in a cut."""


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
        current = {k: v for k, v in current.items() if sightings[k].frame >= sighting.frame - every}
        current[place] = group
    return groups


def chains(faces: Sequence[Face], every: int) -> list[list[int]]:
    """The places in `faces` of stored faces that are one head over any number of frames.

    faces: in the order of source and frame. every: the distance of neighbouring frames.
    A face goes on from the one in the neighbouring frame whose landmarks moved least, if those
    moved little: stricter than `group_tracks`, because no pictures are compared. Pictures that were
    imported all show their faces in one place, whoever it is.
    """
    found: list[list[int]] = []
    current: dict[int, list[int]] = {}
    points = [landmarks_of(face) for face in faces]
    for place, face in enumerate(faces):
        moved = {
            last: float(np.linalg.norm(points[place] - points[last], axis=1).mean())
            for last in current
            if (faces[last].source, faces[last].frame) == (face.source, face.frame - every)
        }
        best = min(moved, key=moved.__getitem__, default=None)
        width = face.box[2] - face.box[0]
        alone = face.crop.startswith(STANDS_ALONE)
        if best is not None and not alone and moved[best] < _MOST_MOVED * width:
            chain = current.pop(best)
        else:
            chain = []
            found.append(chain)
        chain.append(place)
        current = {k: v for k, v in current.items() if _near(faces[k], face, every)}
        current[place] = chain
    return found


def overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    """The area that two boxes share over the area that they cover, 0 to 1."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return shared / (both - shared)


def _near(last: Face, face: Face, every: int) -> bool:
    return last.source == face.source and last.frame >= face.frame - every


def _alike(a: Sighting, b: Sighting) -> bool:
    if overlap(a.box, b.box) < _OVERLAP:
        return False
    return float(np.abs(a.thumbnail - b.thumbnail).mean()) < _CUT
