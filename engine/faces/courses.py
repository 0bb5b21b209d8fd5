"""Faces through a stretch of frames: found, followed, and their landmarks freed of trembling."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.faces.detectors import Box
from engine.faces.follow import KEY_EVERY, Finds, Trail, follow
from engine.faces.picture import Picture
from engine.faces.segments import CONTEXT, Segment
from engine.faces.sight import Sight, box_around, confidence
from engine.faces.smooth import smooth_series
from engine.faces.turning import turned_back

_SMOOTHED: Final = 2 * CONTEXT + 1
_SMOOTHED_EVERY: Final = 2
"""Frames further apart than this are not smoothed: too much happens between them."""
_MOST_SHIFTED: Final = 0.04
"""How far smoothing may move a face, in eye distances: more is no trembling but a head that starts,
stops or is cut away."""


class Sees(Finds, Protocol):
    """Finds and follows faces, and looks at pictures that stand alone. `Sighter` does."""

    def find_all(self, picture: Picture) -> list[Sight]: ...


@dataclass(frozen=True)
class Placed:
    """A face in one frame. upright: float64 [68, 2] in the turned frame. landmarks: float32 [68, 2]
    in the frame as it is stored. confidence: see `engine.faces.sight.confidence`."""

    upright: NDArray[np.float64]
    landmarks: NDArray[np.float32]
    confidence: float

    @cached_property
    def box(self) -> Box:
        return box_around(self.landmarks)


Course: TypeAlias = dict[int, Placed]
"""One face by the frame's place in its stretch."""


def courses(
    segment: Segment, finder: Sees, *, alone: bool = False, every: int = 1, rotate: int = 0
) -> list[Course]:
    """The faces of a stretch, those in the frames of its neighbours too.

    alone: each frame is a picture of its own. every: how far its frames lie apart. rotate: degrees
    by which they are turned clockwise to be upright.
    """
    pictures = [Picture(frame.image, rotate) for frame in segment.frames]
    if alone:
        trails = [
            Trail({place: sight})
            for place in segment.core
            for sight in finder.find_all(pictures[place])
        ]
    else:
        trails = follow(pictures, finder, max(1, KEY_EVERY // every), segment.core)
    steady = every <= _SMOOTHED_EVERY
    return [_course(segment, trail, steady, rotate) for trail in trails]


def _course(segment: Segment, trail: Trail, steady: bool, rotate: int) -> Course:
    """A trail's steadied places in the frames as they are stored."""
    places = sorted(trail.sights)
    sights = [trail.sights[place] for place in places]
    points = np.stack([sight.points for sight in sights])
    if steady:
        points = _steadied(points)
    scores = _filled([sight.score for sight in sights])
    spreads = _filled([sight.spread for sight in sights])
    course = {}
    for number, place in enumerate(places):
        height, width = segment.frames[place].image.shape[:2]
        back = turned_back(points[number], rotate, width, height)
        sure = confidence(spreads[number], scores[number])
        course[place] = Placed(points[number], back.astype(np.float32), sure)
    return course


def _steadied(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Landmarks [T, 68, 2] of consecutive frames without their trembling."""
    smooth = smooth_series(points, _SMOOTHED)
    shift = (smooth - points).mean(1)
    eyes = points[:, 42:48].mean(1) - points[:, 36:42].mean(1)
    most = _MOST_SHIFTED * np.linalg.norm(eyes, axis=1)
    away = np.linalg.norm(shift, axis=1)
    excess = shift * (1 - np.minimum(1, most / np.maximum(away, 1e-9)))[:, None]
    return np.asarray(smooth - excess[:, None], np.float64)


def _filled(values: Sequence[float]) -> list[float]:
    """A series with what was not measured (NaN) put on a line between what was."""
    series = np.array(values, np.float64)
    known = np.flatnonzero(~np.isnan(series))
    filled: list[float] = np.interp(np.arange(len(series)), known, series[known]).tolist()
    return filled
