"""Everybody's heads through a whole source: what a search finds, before anybody is chosen.

It depends on the footage and on how faces are searched for, and on nothing else, so that it can be
kept from one conversion to the next, and shown to a user who is to say which head is whose.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.faces.detectors import Box
from engine.faces.sight import box_around

_ARRAYS: Final = ("frames", "landmarks", "confidence", "looks", "embeddings", "movement")


@dataclass(frozen=True, eq=False)
class Track:
    """One head over frames that ascend, with short gaps at most.

    number: from 0 in the order of appearance. frames: int64 [T]. landmarks: float32 [T, 68, 2],
    frame pixels. confidence: float32 [T], of the landmarks, 0 to 1. looks: int64 [E], the frames in
    which it was identified. embeddings: float32 [E, 128]. motion: float32 [T, 2, 3], the similarity
    from the pixels of the frame before to those of each, NaN where it is not known; None where
    nobody looked. See `engine.faces.motion`.
    """

    number: int
    frames: npt.NDArray[np.int64]
    landmarks: npt.NDArray[np.float32]
    confidence: npt.NDArray[np.float32]
    looks: npt.NDArray[np.int64]
    embeddings: npt.NDArray[np.float32]
    motion: npt.NDArray[np.float32] | None = None

    @property
    def movement(self) -> npt.NDArray[np.float32]:
        """`motion`, NaN all over where nobody looked."""
        return unmoved(len(self.frames)) if self.motion is None else self.motion

    @property
    def first(self) -> int:
        return int(self.frames[0])

    @property
    def last(self) -> int:
        return int(self.frames[-1])

    @property
    def clearest(self) -> int:
        """The frame that shows the face best: sure landmarks, and large."""
        widths = np.ptp(self.landmarks[:, :, 0], axis=1)
        return int(self.frames[int(np.argmax(widths * (0.1 + self.confidence)))])

    def box(self, frame: int) -> Box:
        """Where the face is in one of `frames`."""
        return box_around(self.landmarks[int(np.searchsorted(self.frames, frame))])

    def distances(self, identity: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """How far each look [E] is from an identity, float32 [128]."""
        return np.asarray(np.linalg.norm(self.embeddings - identity, axis=1), np.float64)

    def distance(self, identity: npt.NDArray[np.float32]) -> float:
        """The median of `distances`; one bad look is outvoted."""
        return float(np.median(self.distances(identity)))


@dataclass(frozen=True, eq=False)
class Seen:
    """Everybody in a source, or in a part of it.

    frames: how many were read. cuts: the frames that begin a new shot, as far as is known.
    shortfall: a sentence when the source broke off, else "".
    """

    frames: int
    tracks: tuple[Track, ...]
    cuts: tuple[int, ...] = ()
    shortfall: str = ""
    damaged: tuple[int, ...] = field(default=())
    """Frames that the decoder gave with errors in them."""

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Everything but the sentence, to be stored; see `from_arrays`."""
        empty = Track(
            0,
            np.zeros(0, np.int64),
            np.zeros((0, 68, 2), np.float32),
            np.zeros(0, np.float32),
            np.zeros(0, np.int64),
            np.zeros((0, 128), np.float32),
            unmoved(0),
        )
        joined = {
            name: np.concatenate([getattr(track, name) for track in (empty, *self.tracks)])
            for name in _ARRAYS
        }
        sizes = [(len(track.frames), len(track.looks)) for track in self.tracks]
        return {
            **joined,
            "count": np.array([self.frames], np.int64),
            "sizes": np.array(sizes, np.int64).reshape(-1, 2),
            "cuts": np.array(self.cuts, np.int64),
            "damaged": np.array(self.damaged, np.int64),
        }

    @classmethod
    def from_arrays(cls, stored: dict[str, npt.NDArray[np.generic]], shortfall: str) -> "Seen":
        """From `arrays()`. Raises KeyError, ValueError or IndexError for anything else."""
        ends = np.cumsum(stored["sizes"].reshape(-1, 2), axis=0).astype(int)
        starts = np.vstack([np.zeros((1, 2), int), ends])[: len(ends)]
        tracks = [
            _track(number, stored, start.tolist(), end.tolist())
            for number, (start, end) in enumerate(zip(starts, ends, strict=True))
        ]
        return cls(
            int(stored["count"].astype(int)[0]),
            tuple(tracks),
            tuple(stored["cuts"].astype(int).tolist()),
            shortfall,
            tuple(stored["damaged"].astype(int).tolist()),
        )


def _track(
    number: int,
    stored: dict[str, npt.NDArray[np.generic]],
    start: Sequence[int],
    end: Sequence[int],
) -> Track:
    seen, looks = slice(start[0], end[0]), slice(start[1], end[1])
    return Track(
        number,
        stored["frames"][seen].astype(np.int64),
        stored["landmarks"][seen].astype(np.float32),
        stored["confidence"][seen].astype(np.float32),
        stored["looks"][looks].astype(np.int64),
        stored["embeddings"][looks].astype(np.float32),
        stored["movement"][seen].astype(np.float32).reshape(-1, 2, 3),
    )


def unmoved(frames: int) -> npt.NDArray[np.float32]:
    """The movement of a face of which nothing is known: float32 [T, 2, 3], NaN."""
    return np.full((frames, 2, 3), np.nan, np.float32)
