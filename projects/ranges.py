"""A part of footage, as a user writes it: 120..240 by frames, 0:05..1:20 or 5s..80s by time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from projects.errors import CommandError
from projects.names import printable

Edge: TypeAlias = int | float | None
"""A frame's number, a time in seconds, or where the footage itself begins or ends."""
_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)s?")


@dataclass(frozen=True)
class Range:
    """From `begin` up to and without `end`."""

    begin: Edge
    end: Edge

    def frames(self, times: Sequence[float]) -> range:
        """The frames of footage whose frames are shown at these seconds, from its beginning.

        Raises:
            CommandError: there is nothing in it.
        """
        begin, end = (_frame(edge, times) for edge in (self.begin, self.end))
        found = range(begin or 0, len(times) if end is None else min(end, len(times)))
        if not found:
            raise CommandError(
                f"There is no frame in that range: the footage has {len(times)}, numbered from 0."
            )
        return found


def parse_range(text: str) -> Range:
    """`BEGIN..END`, each a frame's number or a time, open at an end that is left away.

    Raises:
        CommandError: it is not written so, or ends before it begins.
    """
    begin, dots, end = text.partition("..")
    if not dots or not (begin.strip() or end.strip()):
        raise _wrong(text)
    found = Range(_edge(begin, text), _edge(end, text))
    same = type(found.begin) is type(found.end)
    if same and found.begin is not None and found.end is not None and found.end <= found.begin:
        raise CommandError(f"The range '{printable(text)}' ends before it begins.")
    return found


def _edge(text: str, whole: str) -> Edge:
    text = text.strip()
    if not text:
        return None
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    found = _TIME.fullmatch(text)
    if found is None or not text.isascii():
        raise _wrong(whole)
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def _frame(edge: Edge, times: Sequence[float]) -> int | None:
    if edge is None or isinstance(edge, int):
        return edge
    return next((n for n, time in enumerate(times) if time >= edge - 1e-6), len(times))


def _wrong(text: str) -> CommandError:
    return CommandError(
        f"'{printable(text)}' is no range. Write frames as 120..240, or times as 0:05..1:20 or "
        "5s..80s; either end may be left away."
    )
