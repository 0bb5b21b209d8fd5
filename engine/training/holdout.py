"""Which faces are kept back from training, to tell how good a model is on what it never saw.

Neighbouring frames of a video show the same picture, so faces are held out by segments of time,
and those right beside a segment are used for neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from projects.faces import Face

LEAST: Final = 60
"""A dataset with fewer faces needs all of them for training."""
SHARE: Final = 0.06
"""The part of a video's faces that is held out."""
SEGMENT: Final = 300
"""A video has one held-out segment for about so many faces."""
GUARD: Final = 0.3
"""Seconds around a segment whose faces are used for neither."""
PHOTOS: Final = 16
"""One photo of so many is held out."""
_PLACE: Final = 0.62
"""Where in its part of a video a segment lies: neither at the end nor in the middle."""


@dataclass(frozen=True)
class Split:
    """A person's faces, in order."""

    train: tuple[Face, ...]
    held: tuple[Face, ...]


def split(faces: Sequence[Face]) -> Split:
    """Hold some faces out. `faces` are sorted by source and frame; the same ones come out again."""
    if len(faces) < LEAST:
        return Split(tuple(faces), ())
    train: list[Face] = []
    held: list[Face] = []
    photos: list[Face] = []
    for _, group in groupby(faces, lambda face: face.source):
        members = list(group)
        if len(members) == 1:
            photos += members
        else:
            _split_video(members, train, held)
    for number, photo in enumerate(photos):
        (held if number % PHOTOS == PHOTOS - 1 else train).append(photo)
    return Split(tuple(train), tuple(held))


def _split_video(faces: list[Face], train: list[Face], held: list[Face]) -> None:
    count = max(1, round(len(faces) / SEGMENT))
    length = round(SHARE * len(faces) / count)
    spans = []
    for number in range(count):
        start = int((number + _PLACE) / count * len(faces))
        segment = faces[start : start + length]
        held += segment
        spans += [(segment[0].time - GUARD, segment[-1].time + GUARD)] if segment else []
    train += [f for f in faces if not any(start <= f.time <= end for start, end in spans)]
