"""Casting: whose head in the footage gets which model's face, and who is left alone.

A head is judged as a whole, over all frames of its track. Never a wrong face: where it is not sure
enough that a track shows somebody who was cast, it stays as it was, and is listed.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.conversion.tracks import Seen, Track
from engine.faces.identity import FOLLOWED_THRESHOLD
from engine.faces.tracks import overlap
from projects.errors import CommandError

SURE: Final = 0.4
"""The least confidence that a track shows somebody: that of IDENTITY_THRESHOLD."""
_CERTAIN: Final = 0.3
"""Distance at which nothing speaks against it being the person; see engine.faces.identity."""
_APART: Final = 0.05
"""A track that is nearer than this to two people who are cast could be either."""
_BESIDE: Final = 48
"""Frames within which a doubtful track may belong to a sure one that it carries on."""

CAST, CARRIED, ASKED = "cast", "carried on", "asked for"
OTHER, UNSURE, EITHER, NOT_CAST = "somebody else", "not sure", "could be either", "not asked for"
LEFT_UNSURE: Final = (UNSURE, EITHER)
"""Why a track was left alone that may well have been meant."""


@dataclass(frozen=True, eq=False)
class Role:
    """Somebody who is to be replaced.

    who: as the user named them: a person, "track:N" or "picture:PATH". name: for messages.
    identity: float32 [128]; None where a track is named. track: its number.
    """

    who: str
    name: str
    identity: npt.NDArray[np.float32] | None = None
    track: int | None = None


@dataclass(frozen=True)
class Fate:
    """What was decided about one track.

    first, last: its frames. seen: in how many of them it was found. role: the number of who it is,
    None where it is left alone. why: one of the words of this module. nearest: the number of the
    role that it looks most like, and how far from it. confidence: that it shows them, 0 to 1.
    doubtful: frames of it that were left alone, because they look like somebody else.
    """

    track: int
    first: int
    last: int
    seen: int
    role: int | None
    why: str
    nearest: int | None = None
    distance: float | None = None
    confidence: float | None = None
    doubtful: int = 0

    def as_dict(self, roles: Sequence[Role]) -> dict[str, Any]:
        """As JSON values, with people instead of numbers."""
        said = asdict(self)
        said["role"] = None if self.role is None else roles[self.role].who
        said["nearest"] = None if self.nearest is None else roles[self.nearest].who
        return said


def cast(seen: Seen, roles: Sequence[Role], sure: float = SURE) -> tuple[Fate, ...]:
    """What becomes of every track, in their order.

    sure: the least confidence at which a track gets the face that is meant for a person.
    Raises CommandError for a track that there is not.
    """
    asked = _asked(seen, roles)
    fates = [
        Fate(track.number, track.first, track.last, len(track.frames), asked[track.number], ASKED)
        if track.number in asked
        else _judged(track, roles, sure)
        for track in seen.tracks
    ]
    carried = [_carried(fate, fates, seen) for fate in fates]
    return tuple(carried)


def confidence(distance: float) -> float:
    """How sure it is that a track at this distance shows the person: 1 at 0.3 and nearer, 0 at the
    0.6 that dlib gives as the bound of one person, and IDENTITY_THRESHOLD at SURE."""
    span = FOLLOWED_THRESHOLD - _CERTAIN
    return float(np.clip((FOLLOWED_THRESHOLD - distance) / span, 0, 1))


def doubtful_frames(track: Track, role: Role) -> npt.NDArray[np.bool_]:
    """Which frames [T] of a track are nearest to a look that is surely not the person's."""
    if role.identity is None:
        return np.zeros(len(track.frames), bool)
    strange = track.distances(role.identity) > FOLLOWED_THRESHOLD
    if strange.all():
        return np.zeros(len(track.frames), bool)  # then the track was taken for what is around it
    nearest = np.abs(track.frames[:, None] - track.looks[None]).argmin(1)
    return np.asarray(strange[nearest], bool)


def _asked(seen: Seen, roles: Sequence[Role]) -> dict[int, int]:
    asked = {}
    for number, role in enumerate(roles):
        if role.track is None:
            continue
        if not 0 <= role.track < len(seen.tracks):
            there = f"0 to {len(seen.tracks) - 1}" if seen.tracks else "none"
            raise CommandError(
                f"There is no {role.who} in this footage; its tracks are {there}. Look at them "
                "with: swapdeck convert SWAP INPUT --tracks"
            )
        asked[role.track] = number
    return asked


def _judged(track: Track, roles: Sequence[Role], sure: float) -> Fate:
    apart = sorted(
        (track.distance(role.identity), number)
        for number, role in enumerate(roles)
        if role.identity is not None
    )
    fate = Fate(track.number, track.first, track.last, len(track.frames), None, NOT_CAST)
    if not apart:
        return fate
    distance, nearest = apart[0]
    certain = confidence(distance)
    role: int | None = None
    doubtful = 0
    if certain <= 0:
        why = OTHER
    elif certain < sure:
        why = UNSURE
    elif len(apart) > 1 and apart[1][0] - distance < _APART:
        why = EITHER
    else:
        role, why = nearest, CAST
        doubtful = int(doubtful_frames(track, roles[nearest]).sum())
    return Fate(
        fate.track,
        fate.first,
        fate.last,
        fate.seen,
        role,
        why,
        nearest,
        round(distance, 4),
        round(certain, 4),
        doubtful,
    )


def _carried(fate: Fate, fates: Sequence[Fate], seen: Seen) -> Fate:
    """A doubtful track (a profile, a hand over the face) is taken where it carries on one that is
    sure: it begins soon after that ends, or ends soon before that begins, in its place and in the
    same shot."""
    if fate.why != UNSURE:
        return fate
    for other in fates:
        if other.why == CAST and other.role == fate.nearest and _beside(fate, other, seen):
            return Fate(**{**asdict(fate), "role": other.role, "why": CARRIED})
    return fate


def _beside(fate: Fate, sure: Fate, seen: Seen) -> bool:
    for early, late in ((fate, sure), (sure, fate)):
        if 0 < late.first - early.last <= _BESIDE:
            if any(early.last < cut <= late.first for cut in seen.cuts):
                return False
            before, after = seen.tracks[early.track], seen.tracks[late.track]
            return overlap(before.box(before.last), after.box(after.first)) > 0
    return False
