"""What is measured of single frames of a conversion, each beside the same frame of its footage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.detect import Detection
from engine.faces.detectors import overlap
from engine.faces.embed import Embedder
from engine.faces.masks import face_hull_mask
from engine.faces.measure import eye_opening, mouth_opening
from engine.faces.pose import head_pose
from engine.media import Frame
from engine.quality.exact import Finds
from engine.quality.flicker import change, motion, smooth_luma
from engine.quality.likeness import distance, landmark_error
from engine.quality.seam import across, seam_band

_SAME_PLACE = 0.3
"""Overlap of two boxes from which they are the same face."""
_ENOUGH = 8
"""Frames from which a median tells what is usual."""
_AS_MUCH = 0.4
"""Share of the largest change of a face from which another was swapped, too."""

Embedding = NDArray[np.float32]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class FrameFigures:
    """One frame; `nan` where there was nothing to measure.

    box: left, top, right, bottom of the footage's face in pixels. face: whether the footage shows
    it there. found: whether the result still does. to_source, to_target: embedding distances of
    the result; own_to_source, own_to_target: of the footage. landmark_error in eye distances.
    turned: yaw, pitch and roll less the footage's, in degrees; pose_error: the largest of them
    without what is the same in all the clip. mouth and eyes as openings, flicker in levels of 255,
    seam in levels a pixel; `own_` is the footage's.
    """

    frame: int
    time: float
    box: tuple[int, int, int, int] | None = None
    face: bool = False
    found: bool = False
    to_source: float = math.nan
    to_target: float = math.nan
    own_to_source: float = math.nan
    own_to_target: float = math.nan
    landmark_error: float = math.nan
    turned: tuple[float, float, float] | None = None
    pose_error: float = math.nan
    mouth: float = math.nan
    own_mouth: float = math.nan
    eyes: float = math.nan
    own_eyes: float = math.nan
    flicker: float = math.nan
    own_flicker: float = math.nan
    seam: float = math.nan
    own_seam: float = math.nan

    @property
    def missed(self) -> bool:
        """Whether the detector finds the footage's face and not the result's."""
        return self.face and not self.found


@dataclass(frozen=True)
class Pair:
    """The same frame of the footage and of the result."""

    before: Frame
    after: Frame


class Looker:
    """Looks at pairs of frames with one finder and one embedder."""

    def __init__(
        self, finder: Finds, embedder: Embedder, source: Embedding, target: Embedding
    ) -> None:
        """source, target: float32 [128], the two people's mean embeddings."""
        self._finder, self._embedder = finder, embedder
        self._source, self._target = source, target

    def look(self, now: Pair, previous: Pair | None, *, embed: bool) -> FrameFigures:
        """Everything about one frame. previous: the one just before it, for the flicker."""
        wanted = self._swapped_face(now)
        if wanted is None:
            return FrameFigures(now.before.index, now.before.time)
        found = _same(self._finder.find(now.after.image), wanted)
        flicker = (math.nan, math.nan)
        if previous is not None:
            flicker = _flicker(now, previous, wanted)
        seam = _seam(now, wanted)
        # What is not found is still measured where the footage has it, but for the landmarks.
        points = wanted.landmarks if found is None else found.landmarks
        after = self._distances(now.after.image, points) if embed else (math.nan, math.nan)
        before = (
            self._distances(now.before.image, wanted.landmarks) if embed else (math.nan, math.nan)
        )
        figures = FrameFigures(
            now.before.index,
            now.before.time,
            box=wanted.box,
            face=True,
            found=found is not None,
            to_source=after[0],
            to_target=after[1],
            own_to_source=before[0],
            own_to_target=before[1],
            own_mouth=mouth_opening(wanted.landmarks),
            own_eyes=eye_opening(wanted.landmarks),
            flicker=flicker[0],
            own_flicker=flicker[1],
            seam=seam[0],
            own_seam=seam[1],
        )
        return figures if found is None else _with_landmarks(figures, found, wanted)

    def _swapped_face(self, pair: Pair) -> Detection | None:
        """Of the footage's faces the one that changed most: it is the one that was swapped.

        Where several were, for as many people, it is the one that is most like the target.
        """
        found = self._finder.find(pair.before.image)
        if len(found) < 2:
            return found[0] if found else None
        differs = cv2.absdiff(pair.before.image, pair.after.image).mean(-1)
        changed = [_inside(differs, face) for face in found]
        swapped = [
            face for face, by in zip(found, changed, strict=True) if by >= _AS_MUCH * max(changed)
        ]
        if len(swapped) == 1:
            return swapped[0]
        return min(swapped, key=lambda face: self._distances(pair.before.image, face.landmarks)[1])

    def _distances(self, image: Image, landmarks: NDArray[np.float32]) -> tuple[float, float]:
        embedding = self._embedder.embed(image, landmarks)
        return distance(embedding, self._source), distance(embedding, self._target)


def with_pose_errors(frames: Sequence[FrameFigures]) -> list[FrameFigures]:
    """The frames with their `pose_error`.

    Two people's proportions look like a turn of the head that stays the same; so from each angle's
    difference its median over the clip is taken off, where there are frames enough to know it.
    """
    turned = [frame.turned for frame in frames if frame.turned is not None]
    usual = np.median(turned, axis=0) if len(turned) >= _ENOUGH else np.zeros(3)
    return [
        frame
        if frame.turned is None
        else replace(frame, pose_error=float(np.abs(np.array(frame.turned) - usual).max()))
        for frame in frames
    ]


def _turned(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> tuple[float, float, float]:
    one, other = head_pose(found), head_pose(wanted)
    return one.yaw - other.yaw, one.pitch - other.pitch, one.roll - other.roll


def _inside(values: NDArray[np.floating], face: Detection) -> float:
    """The mean of values [H, W] inside a face's outline; 0 where it is out of the frame."""
    inside = face_hull_mask(face.landmarks, values.shape[:2]) > 0
    return float(values[inside].mean()) if inside.any() else 0.0


def _same(found: Sequence[Detection], wanted: Detection) -> Detection | None:
    best = max(found, key=lambda face: overlap(face.box, wanted.box), default=None)
    if best is None or overlap(best.box, wanted.box) < _SAME_PLACE:
        return None
    return best


def _with_landmarks(figures: FrameFigures, found: Detection, wanted: Detection) -> FrameFigures:
    return replace(
        figures,
        landmark_error=landmark_error(found.landmarks, wanted.landmarks),
        turned=_turned(found.landmarks, wanted.landmarks),
        mouth=mouth_opening(found.landmarks),
        eyes=eye_opening(found.landmarks),
    )


def _flicker(now: Pair, previous: Pair, face: Detection) -> tuple[float, float]:
    """Of the result and of the footage, along the footage's own movement."""
    moved = motion(previous.before.image, now.before.image)
    inside = face_hull_mask(face.landmarks, now.before.image.shape[:2]) > 127
    result, own = (
        change(smooth_luma(before), smooth_luma(after), moved, inside).mean
        for before, after in (
            (previous.after.image, now.after.image),
            (previous.before.image, now.before.image),
        )
    )
    return result, own


def _seam(pair: Pair, face: Detection) -> tuple[float, float]:
    band, normal = seam_band(face.landmarks, pair.before.image.shape[:2])
    result, own = (
        across(smooth_luma(frame.image), band, normal) for frame in (pair.after, pair.before)
    )
    return result, own
