"""Where the people who were cast are in every frame, steadied along their tracks.

All of it is known before the first frame is changed, which is what lets tracks be judged as a whole
and smoothed without lag.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.conversion.casting import ASKED, CARRIED, CAST, Fate, Role, doubtful_frames
from engine.conversion.settings import ConvertSettings
from engine.conversion.smooth import smooth_transforms
from engine.conversion.tracks import Seen, Track
from engine.faces.align import apply, fit_transform, invert
from engine.faces.sight import box_around
from engine.faces.smooth import smooth_series

_FIRST: Final = (ASKED, CAST, CARRIED)


@dataclass(frozen=True)
class LocatedFace:
    """The face of somebody who was cast in one frame, steadied along its track.

    landmarks: float32 [68, 2] frame pixels. transform: float64 [2, 3], frame pixels to the unit
    chip. filled: not found in this frame, but placed between the frames around it. role: the number
    of who it is.
    """

    frame: int
    track: int
    box: tuple[int, int, int, int]
    landmarks: npt.NDArray[np.float32]
    transform: npt.NDArray[np.float64]
    filled: bool
    role: int = 0


Faces = dict[int, tuple[LocatedFace, ...]]
"""The faces that are replaced, by the frame's index; at most one of each role in a frame."""


@dataclass(frozen=True)
class Located:
    """Where the people who were cast are in a whole source, or a part of it.

    frames: how many were read. left_alone: sightings of others. fates: what was decided, track by
    track.
    """

    frames: int
    faces: Faces
    left_alone: int
    fates: tuple[Fate, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    def within(self, span: range) -> "Located":
        """What of it lies in some of the frames."""
        faces = {frame: there for frame, there in self.faces.items() if frame in span}
        return replace(self, frames=len(span), faces=faces)

    @property
    def swapped(self) -> int:
        """How many faces are replaced."""
        return sum(map(len, self.faces.values()))

    @property
    def nearest(self) -> float:
        """The smallest distance of a track to anybody who was cast; infinite without any."""
        known = [fate.distance for fate in self.fates if fate.distance is not None]
        return min(known, default=float("inf"))


def locate(
    seen: Seen, fates: Sequence[Fate], roles: Sequence[Role], settings: ConvertSettings
) -> Located:
    """The faces of the tracks that were cast. fates: what was decided about `seen`.

    A person is only once in a picture, so the track that looks most like them wins. Frames that the
    decoder gave with errors in them are left alone.
    """
    found: dict[int, dict[int, LocatedFace]] = {}
    chosen = [fate for fate in fates if fate.role is not None]
    for fate in sorted(chosen, key=lambda fate: (_FIRST.index(fate.why), fate.distance or 0.0)):
        if fate.role is None:
            continue
        track = seen.tracks[fate.track]
        doubtful = set(track.frames[doubtful_frames(track, roles[fate.role])].tolist())
        for face in _steadied(track, settings, fate.role):
            if face.frame not in doubtful and face.frame not in seen.damaged:
                found.setdefault(face.frame, {}).setdefault(face.role, face)
    faces = {frame: tuple(found[frame].values()) for frame in sorted(found)}
    replaced = sum(not face.filled for there in faces.values() for face in there)
    sightings = sum(len(track.frames) for track in seen.tracks)
    return Located(
        frames=seen.frames,
        faces=faces,
        left_alone=sightings - replaced,
        fates=tuple(fates),
        warnings=(seen.shortfall,) if seen.shortfall else (),
    )


def _steadied(track: Track, settings: ConvertSettings, role: int) -> list[LocatedFace]:
    frames, landmarks, motion, filled = _without_gaps(track)
    transforms = np.stack([fit_transform(points, settings.alignment) for points in landmarks])
    steady = smooth_transforms(transforms, settings.smooth, motion)
    # Steadied as shapes, so that an outline is as steady as the chip that it is drawn on.
    shapes = [apply(there, points) for there, points in zip(transforms, landmarks, strict=True)]
    points = smooth_series(np.stack(shapes), settings.smooth)
    return [
        LocatedFace(
            frame,
            track.number,
            box_around(landmarks[i]),
            apply(invert(steady[i]), points[i]).astype(np.float32),
            steady[i],
            filled[i],
            role,
        )
        for i, frame in enumerate(frames)
    ]


def _without_gaps(
    track: Track,
) -> tuple[list[int], npt.NDArray[np.float64], npt.NDArray[np.float64], list[bool]]:
    """Frames, landmarks [T, 68, 2], movement [T, 2, 3] and which of them lie on a line between
    others."""
    found = track.frames.tolist()
    frames = list(range(found[0], found[-1] + 1))
    rows = track.landmarks.reshape(len(found), -1).astype(np.float64)
    full = np.stack([np.interp(frames, found, column) for column in rows.T], axis=1)
    motion = np.full((len(frames), 2, 3), np.nan)
    motion[track.frames - found[0]] = track.movement
    known = set(found)
    return frames, full.reshape(-1, 68, 2), motion, [f not in known for f in frames]
