"""Faces put together by what they share: a shot, an angle of the head, an expression."""

from __future__ import annotations

from dataclasses import dataclass

from projects.errors import CommandError
from projects.face_query import Selection
from projects.names import printable

MOUTH_OPEN = 0.1
MOUTH_WIDE = 0.3
"""Openings between the lips, in eye distances, from which a mouth is open and wide open."""
EYES_CLOSED = 0.18
"""Opening of the eyes, in their own width, below which they are closed or nearly so."""

YAW_STEP = 15.0
PITCH_STEP = 10.0
"""Degrees that one pose covers; one of them lies straight ahead."""

_STEPS = {
    **{"yaw": 15.0, "pitch": 10.0, "roll": 10.0, "size": 32.0, "brightness": 0.1, "mouth": 0.1},
    **{"eyes": 0.05, "confidence": 0.1, "covered": 0.1, "likeness": 0.05},
}
_SHARPNESS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_TIME = 10  # seconds
_WORDS = {
    "source": "substr(source, 1, 12)",
    "track": "substr(source, 1, 12) || CASE WHEN track < 0 THEN '' ELSE ' ' || track END",
    "time": f"substr(source, 1, 12) || printf(' %6d s', CAST(time AS INTEGER) / {_TIME} * {_TIME})",
    "pose": (
        f"printf('yaw %+d°, pitch %+d°', ROUND(yaw / {YAW_STEP}) * {YAW_STEP}, "
        f"ROUND(pitch / {PITCH_STEP}) * {PITCH_STEP})"
    ),
    "state": "CASE WHEN kept THEN 'kept' ELSE 'rejected' END",
    "reason": "CASE WHEN kept AND reason = '' THEN 'kept' ELSE reason END",
    "expression": (
        f"CASE WHEN mouth IS NULL OR eyes IS NULL THEN NULL ELSE 'mouth ' || CASE WHEN mouth < "
        f"{MOUTH_OPEN} THEN 'closed' WHEN mouth < {MOUTH_WIDE} THEN 'open' ELSE 'wide open' END || "
        f"', eyes ' || CASE WHEN eyes < {EYES_CLOSED} THEN 'closed' ELSE 'open' END END"
    ),
}
GROUPS = (*_WORDS, "sharpness", *_STEPS)
"""What faces can be put together by."""


@dataclass(frozen=True)
class Group:
    """Faces that share something."""

    name: str
    faces: int
    kept: int
    best: int  # the id of the sharpest one
    where: Selection  # the faces in it


def group_sql(key: str) -> str:
    """An expression that is the same for the faces of one group.

    Raises:
        CommandError: faces cannot be put together by `key`.
    """
    if key in _WORDS:
        return _WORDS[key]
    if key == "sharpness":
        return " + ".join(f"(sharpness >= {bound})" for bound in _SHARPNESS)
    if key not in _STEPS:
        raise CommandError(
            f"Faces cannot be put together by {printable(key)!r}. Use: {', '.join(GROUPS)}."
        )
    # An INTEGER is cut off towards zero: below it one less is wanted, but for whole numbers.
    part = f"{key} / {_STEPS[key]!r}"
    return f"CAST({part} AS INTEGER) - ({part} < CAST({part} AS INTEGER))"


def group_name(key: str, value: object) -> str:
    """The group in words, from what `group_sql` came to."""
    if value is None:
        return "not measured"
    if key in _WORDS:
        return printable(str(value))
    number = int(str(value))
    if key == "sharpness":
        low, *high = (0.0, *_SHARPNESS)[number : number + 2]
        return f"{low:g} to {high[0]:g}" if high else f"{low:g} and more"
    step = _STEPS[key]
    return f"{number * step:g} to {(number + 1) * step:g}"
