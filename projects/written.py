"""Times and sizes as people write them."""

from __future__ import annotations

import re

from projects.errors import CommandError
from projects.names import printable

_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)s?")
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([smh]?)", re.IGNORECASE)
_LASTS = {"h": 3600, "m": 60, "s": 1, "": 1}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def moment(text: object) -> float:
    """A moment or a length of time, in seconds: 1:20, 1:02:05.5, 90.

    Raises:
        CommandError: it is none.
    """
    found = _TIME.fullmatch(str(text).strip())
    if found is None:
        raise CommandError(f"'{_shown(text)}' is no time. Write it as 1:20 or 90.")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def duration(text: object) -> float:
    """A length of time, in seconds: 90, 90s, 5m, 1.5h.

    Raises:
        CommandError: it is none.
    """
    found = _DURATION.fullmatch(str(text).strip())
    if found is None:
        raise CommandError(f"'{_shown(text)}' is no length of time. Write it as 90s, 5m or 1h.")
    return float(found[1]) * _LASTS[found[2].lower()]


def lasting(seconds: float) -> str:
    """A length of time as `duration` reads it back exactly, in the largest unit that is whole."""
    unit = next((u for u in "hm" if seconds and seconds % _LASTS[u] == 0), "s")
    return f"{seconds / _LASTS[unit]!r}".removesuffix(".0") + unit


def span(text: object) -> tuple[float | None, float | None]:
    """A part of a video in seconds, open at an end that is not given: 1:20..2:05, 1:20.., ..90.

    Raises:
        CommandError: it is none, or ends before it begins.
    """
    begin, dots, end = str(text).partition("..")
    if not dots or not (begin.strip() or end.strip()):
        raise CommandError(
            f"'{_shown(text)}' is no range. Write it as 1:20..2:05, 1:20.. or ..2:05."
        )
    first = moment(begin) if begin.strip() else None
    last = moment(end) if end.strip() else None
    if first is not None and last is not None and last <= first:
        raise CommandError(f"'{_shown(text)}' ends before it begins.")
    return first, last


def size(text: object) -> int:
    """A number of bytes: 500M, 2G, 120k.

    Raises:
        CommandError: it is none.
    """
    found = _SIZE.fullmatch(str(text).strip())
    number = 0 if found is None else int(float(found[1]) * _UNITS[found[2].lower()])
    if number < 1:
        raise CommandError(f"'{_shown(text)}' is no size. Write it as 500M or 2G.")
    return number


def _shown(text: object) -> str:
    return printable(str(text))[:80]
