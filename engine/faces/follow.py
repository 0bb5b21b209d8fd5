"""Faces through consecutive frames: searched for on key frames, followed between them.

A search costs many times what following costs, so only every KEY_EVERY-th frame is searched, and
the frames at a cut or where a face got lost. Between them sparse optical flow (J.-Y. Bouguet,
"Pyramidal implementation of the Lucas Kanade feature tracker", 1999) says where a face went and
whether it can be followed back; the landmarks are then placed anew in every frame. What comes in
between two key frames is followed backwards from the second.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.align import apply, umeyama
from engine.faces.detectors import Box, overlap
from engine.faces.picture import Picture, from_level, to_level
from engine.faces.sight import Sight

KEY_EVERY: Final = 16
"""Frames from one search to the next."""
_CAREFUL_EVERY: Final = 4
"""Frames from one careful look at a followed face to the next."""
_LOST_SPREAD: Final = 0.2
_LOST_SCORE: Final = -0.6
"""Below this score on an upright face there is none: hands over a face leave 0 and more."""
_CUT: Final = 0.11
"""Mean change of the frame's luma, made tiny and freed of its mean, that is a cut. Measured: at
most 0.05 between neighbouring frames of hand-held footage, 0.15 and more in cuts."""
_UNLIKE: Final = 0.08
"""Mean change of a face's thumbnail, freed of its mean, from frame to frame that is another face;
at most 0.05 between neighbouring frames, at least 0.1 between two people."""
_SAME: Final = 0.4
"""Overlap of boxes in one frame that makes them one face."""
_FLOW_WIDTH: Final = 64.0
"""Flow is worked out on faces of at least this width in pixels, and less than twice that."""
_FLOWING: Final = np.r_[17:27:3, 27:36:2, 36:48:3, 48:60:3]
_RETURN: Final = 1.5
"""Pixels by which a point followed there and back may miss its place."""
_LEAST_FLOWING: Final = 6
_FURTHEST: Final = 1.0
"""Widths that a face may move from one frame to the next."""


class Finds(Protocol):
    """Finds faces and places them anew. `engine.faces.sight.Sighter` does."""

    def find(
        self, picture: Picture, *, thorough: bool, known: Sequence[Box] = ()
    ) -> list[Sight]: ...

    def follow(
        self, picture: Picture, points: NDArray[np.floating], *, careful: bool
    ) -> Sight | None: ...


@dataclass(eq=False)
class Trail:
    """One face through consecutive frames: its sights by the frame's place in the sequence."""

    sights: dict[int, Sight] = field(default_factory=dict)
    learnt: bool = False
    """Whether it was found by a detector that knows faces which HOG does not."""

    @property
    def first(self) -> int:
        return min(self.sights)

    @property
    def last(self) -> int:
        return max(self.sights)


def follow(
    pictures: Sequence[Picture],
    finder: Finds,
    key_every: int = KEY_EVERY,
    keys: range | None = None,
) -> list[Trail]:
    """The faces of consecutive frames, in the order in which they appear.

    keys: the places among `pictures` that may be searched, for a sequence with frames of its
    neighbours at both ends; all of them by default. key_every 1 searches every frame.
    """
    return _Following(
        pictures, finder, key_every, range(len(pictures)) if keys is None else keys
    ).trails()


def cuts(pictures: Sequence[Picture]) -> set[int]:
    """The places of the frames that begin a new shot."""
    looks = [_look(picture) for picture in pictures]
    return {
        place
        for place in range(1, len(pictures))
        if _changed(looks[place - 1], looks[place]) > _CUT
    }


class _Following:
    def __init__(
        self, pictures: Sequence[Picture], finder: Finds, key_every: int, keys: range
    ) -> None:
        self._pictures = pictures
        self._finder = finder
        self._cuts = cuts(pictures)
        wanted = {*keys[::key_every], *keys[-1:]}
        for cut in self._cuts:
            wanted |= {place for place in (cut - 1, cut) if place in keys}
        self._keys = wanted
        self._may_search = keys
        self._thorough = {*keys[:1], *self._cuts}
        self._trails: list[Trail] = []
        self._thumbnails: dict[int, tuple[Sight, NDArray[np.float32]]] = {}
        self._searched: dict[int, list[Sight]] = {}

    def trails(self) -> list[Trail]:
        going: list[Trail] = []
        for place in range(len(self._pictures)):
            lost = False
            still: list[Trail] = []
            for trail in going:
                if self._step(trail, place - 1, place):
                    still.append(trail)
                else:
                    lost = place not in self._cuts
            going = self._without_twins(still, place)
            if place in self._keys or (lost and place in self._may_search):
                going += self._search(going, place)
        return sorted(self._trails, key=lambda trail: trail.first)

    def _search(self, going: Sequence[Trail], place: int) -> list[Trail]:
        """New trails of the faces at a place that nobody follows, followed back to their start."""
        begun = []
        known = [trail.sights[place].box for trail in going]
        thorough = place in self._thorough
        for sight in self._finder.find(self._pictures[place], thorough=thorough, known=known):
            if any(overlap(sight.box, box) > _SAME for box in known):
                continue
            trail = Trail({place: sight}, sight.learnt)
            self._trails.append(trail)
            begun.append(trail)
            before = place - 1
            while before >= 0 and self._step(trail, before + 1, before):
                if self._taken(trail, before):
                    del trail.sights[before]
                    break
                before -= 1
        return begun

    def _taken(self, trail: Trail, place: int) -> bool:
        box = trail.sights[place].box
        return any(
            other is not trail
            and place in other.sights
            and overlap(box, other.sights[place].box) > _SAME
            for other in self._trails
        )

    def _without_twins(self, going: list[Trail], place: int) -> list[Trail]:
        """Of two that came to the same face, as when one person walks before another, the one
        whose look changed less goes on."""
        left = sorted(going, key=lambda trail: self._change(trail, place - 1, place))
        kept: list[Trail] = []
        for trail in left:
            box = trail.sights[place].box
            if any(overlap(box, other.sights[place].box) > _SAME for other in kept):
                del trail.sights[place]
            else:
                kept.append(trail)
        return [trail for trail in going if trail in kept]

    def _step(self, trail: Trail, here: int, there: int) -> bool:
        """Follow a face to the neighbouring frame; False where it cannot be seen there."""
        if max(here, there) in self._cuts:
            return False
        expected = _flowed(self._pictures[here], self._pictures[there], trail.sights[here].points)
        sight = None
        if expected is not None:
            careful = there % _CAREFUL_EVERY == 0
            sight = self._seen_at(expected, trail, here, there, careful=careful)
        sight = sight or self._jumped(trail, here, there)
        if sight is None and expected is None:
            sight = self._seen_at(trail.sights[here].points, trail, here, there, careful=True)
        if sight is not None:
            trail.sights[there] = sight
        return sight is not None

    def _seen_at(
        self,
        expected: NDArray[np.float64],
        trail: Trail,
        here: int,
        there: int,
        *,
        careful: bool,
    ) -> Sight | None:
        """The trail's face where it is expected; None where it cannot be seen there."""
        picture = self._pictures[there]
        sight = self._finder.follow(picture, expected, careful=careful)
        if sight is None or not _inside(sight, picture):
            return None
        if trail.learnt and sight.score < _LOST_SCORE:
            sight = replace(sight, score=math.nan)  # HOG does not know such faces
        if sight.spread > _LOST_SPREAD or sight.score < _LOST_SCORE:
            return None
        return sight if self._unlike(trail, here, there, sight) <= _UNLIKE else None

    def _jumped(self, trail: Trail, here: int, there: int) -> Sight | None:
        """Where a search finds a face that moved too far for flow; None where it finds none."""
        if there not in self._searched:
            self._searched[there] = self._finder.find(self._pictures[there], thorough=False)
        near = [
            sight
            for sight in self._searched[there]
            if _reached(trail.sights[here].box, sight.box)
            and self._unlike(trail, here, there, sight) <= _UNLIKE
        ]
        return min(near, key=lambda s: _apart(trail.sights[here].box, s.box), default=None)

    def _change(self, trail: Trail, here: int, there: int) -> float:
        if here not in trail.sights:
            return 1.0
        return self._unlike(trail, here, there, trail.sights[there])

    def _unlike(self, trail: Trail, here: int, there: int, sight: Sight) -> float:
        """How much a sight's look differs from the trail's in the frame that it comes from."""
        return _changed(self._thumbnail(trail.sights[here], here), self._thumbnail(sight, there))

    def _thumbnail(self, sight: Sight, place: int) -> NDArray[np.float32]:
        if id(sight) not in self._thumbnails:
            # With the sight itself, so that no other is given its id.
            self._thumbnails[id(sight)] = sight, self._pictures[place].thumbnail(sight.points)
        return self._thumbnails[id(sight)][1]


def _flowed(
    here: Picture, there: Picture, points: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Where the landmarks went from one frame to the next, as a similarity of all of them; None
    where too few points come back to where they started."""
    width = float(np.ptp(points[:, 0]))
    first, scale = here.fitting(width, _FLOW_WIDTH)
    second, _ = there.fitting(width, _FLOW_WIDTH)
    inside = to_level(points, scale)
    low, high = inside.min(0), inside.max(0)
    room = 0.35 * (high - low)
    left, top = np.maximum(np.floor(low - room), 0).astype(int)
    right, bottom = np.ceil(high + room).astype(int)
    cut = np.s_[top : bottom + 1, left : right + 1]
    parts = [np.ascontiguousarray(luma[cut]) for luma in (first, second)]
    if min(parts[0].shape) < 24 or parts[0].shape != parts[1].shape:
        return None
    starts = (inside[_FLOWING] - [left, top]).astype(np.float32).reshape(-1, 1, 2)
    ends, good, _ = cv2.calcOpticalFlowPyrLK(
        parts[0], parts[1], starts, np.empty_like(starts), winSize=(13, 13), maxLevel=2
    )
    back, good_back, _ = cv2.calcOpticalFlowPyrLK(
        parts[1], parts[0], ends, np.empty_like(starts), winSize=(13, 13), maxLevel=2
    )
    missed = np.linalg.norm((back - starts).reshape(-1, 2), axis=1)
    sure = (good.ravel() > 0) & (good_back.ravel() > 0) & (missed < _RETURN)
    if sure.sum() < _LEAST_FLOWING:
        return None
    from_, to = starts.reshape(-1, 2)[sure], ends.reshape(-1, 2)[sure]
    moves = to - from_
    off = np.linalg.norm(moves - np.median(moves, 0), axis=1)
    near = off <= max(2.0, 2.5 * float(np.median(off)))
    if near.sum() < _LEAST_FLOWING:
        return None
    matrix = umeyama(from_[near].astype(np.float64), to[near].astype(np.float64))
    grown = float(np.hypot(*matrix[:, 0]))
    if not 0.8 < grown < 1.25:
        return None
    corner = np.array([left, top])
    return from_level(apply(matrix, inside - corner) + corner, scale)


def _apart(a: Box, b: Box) -> float:
    """How far the middles of two boxes are from each other, in widths of the first."""
    x, y = (b[0] + b[2] - a[0] - a[2]) / 2, (b[1] + b[3] - a[1] - a[3]) / 2
    return math.hypot(x, y) / max(1, a[2] - a[0])


def _reached(before: Box, now: Box) -> bool:
    """Whether a face may have come from one place to the other within a frame."""
    grown = (now[2] - now[0]) / max(1, before[2] - before[0])
    return _apart(before, now) < _FURTHEST and 0.7 < grown < 1.4


def _look(picture: Picture) -> NDArray[np.float32]:
    """A whole frame, tiny: float32 [18, 32], 0 to 1."""
    tiny = cv2.resize(picture.searched[0], (32, 18), interpolation=cv2.INTER_AREA)
    return (np.asarray(tiny, np.float32) / 255).astype(np.float32)


def _changed(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Mean difference of two small pictures, whatever a flash or a fade did to both."""
    difference = a - b
    return float(np.abs(difference - difference.mean()).mean())


def _inside(sight: Sight, picture: Picture) -> bool:
    """Whether the middle of the face is in the frame, and it is of a size that a face can have."""
    left, top, right, bottom = sight.box
    width, height = picture.size
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    return 0 <= middle_x < width and 0 <= middle_y < height and 16 <= right - left <= 2 * width
