"""Following heads from frame to frame, so that each is identified by several looks at it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.faces.detect import Detection
from engine.faces.tracks import overlap

LONGEST_GAP: Final = 8
"""A head that is not found for at most this many frames is followed across them."""

_OVERLAP: Final = 0.3
_UNLIKE: Final = 0.08
"""Mean difference of two aligned thumbnails above which a cut put somebody else there; at most
0.06 between neighbouring frames, at least 0.13 between two people (measured for extraction)."""
_STEP: Final = 0.05
"""Mean way of the landmarks from frame to frame, in widths of the box, within which an unlike
picture may still be the same head with a hand or a shadow across it; its identity then decides."""
_LOOKS: Final = (0, 6, 16, 32)
_LOOK_EVERY: Final = 48


@dataclass(frozen=True)
class Sighting:
    """One face found in one frame; `thumbnail` is float32 [16, 16, 3] of the aligned face, 0..1."""

    frame: int
    detection: Detection
    thumbnail: npt.NDArray[np.float32]


@dataclass
class Track:
    """One head over consecutive frames, with the identity embeddings that were taken of it."""

    number: int
    sightings: list[Sighting] = field(default_factory=list)
    embeddings: list[npt.NDArray[np.float32]] = field(default_factory=list)

    @property
    def last(self) -> Sighting:
        return self.sightings[-1]

    def wants_look(self) -> bool:
        """Whether the newest sighting should be embedded: often at first, then now and then."""
        age = len(self.sightings) - 1
        return age in _LOOKS or age % _LOOK_EVERY == 0

    def distance(self, identity: npt.NDArray[np.float32]) -> float:
        """The median distance of its embeddings to an identity [128]; one bad look is outvoted."""
        return float(np.median(np.linalg.norm(np.stack(self.embeddings) - identity, axis=1)))


class Tracker:
    """Puts the sightings of each frame, given in order, to the tracks that they continue."""

    def __init__(self) -> None:
        self.tracks: list[Track] = []
        self._open: list[Track] = []

    def add(
        self,
        frame: int,
        sightings: Sequence[Sighting],
        same_person: Callable[[Track, Sighting], bool],
    ) -> list[Track]:
        """The track of each of a frame's sightings, in their order; new ones are begun.

        same_person: asked where place and movement fit and the picture does not.
        """
        self._open = [t for t in self._open if frame - t.last.frame <= LONGEST_GAP + 1]
        pairs = sorted(
            (
                (overlap(track.last.detection.box, sighting.detection.box), t, s)
                for t, track in enumerate(self._open)
                for s, sighting in enumerate(sightings)
                if _continues(track, sighting, same_person)
            ),
            reverse=True,
        )
        chosen: dict[int, Track] = {}
        used: set[int] = set()
        for _, t, s in pairs:
            if t not in used and s not in chosen:
                used.add(t)
                chosen[s] = self._open[t]
        for s, sighting in enumerate(sightings):
            if s not in chosen:
                chosen[s] = Track(len(self.tracks))
                self.tracks.append(chosen[s])
                self._open.append(chosen[s])
            chosen[s].sightings.append(sighting)
        return [chosen[s] for s in range(len(sightings))]


def _continues(track: Track, now: Sighting, same_person: Callable[[Track, Sighting], bool]) -> bool:
    last = track.last
    if overlap(last.detection.box, now.detection.box) < _OVERLAP:
        return False
    if float(np.abs(last.thumbnail - now.thumbnail).mean()) < _UNLIKE:
        return True
    moved = np.linalg.norm(now.detection.landmarks - last.detection.landmarks, axis=1).mean()
    width = now.detection.box[2] - now.detection.box[0]
    steady = now.frame == last.frame + 1 and moved < _STEP * width
    return bool(steady) and same_person(track, now)
