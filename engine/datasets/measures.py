"""What was measured of many faces at once, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from projects.face_query import EVERY, Selection
from projects.faces import FaceIndex

NUMBERS: Final = (
    *("yaw", "pitch", "sharpness", "size", "brightness", "mouth", "eyes", "confidence"),
    *("covered", "likeness", "time"),
)
_WHOLE: Final = ("id", "frame", "track", "hash", "kept")


@dataclass(frozen=True)
class Measures:
    """N faces, in the order of their ids. Units are those of `projects.faces.FaceRow`."""

    ids: NDArray[np.int64]
    frames: NDArray[np.int64]
    tracks: NDArray[np.int64]
    hashes: NDArray[np.int64]
    """-1 where none was computed."""
    kept: NDArray[np.bool_]
    sources: tuple[str, ...]
    """The digests of the N faces' sources."""
    numbers: dict[str, NDArray[np.float64]]
    """By the names in NUMBERS, each [N]; NaN where it was not measured."""

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        return self.numbers[name]

    def __len__(self) -> int:
        return len(self.ids)

    def quality(self) -> NDArray[np.float64]:
        """How much a face is worth among others like it: sharp, sure and not covered. [N]"""
        sure = np.nan_to_num(self["confidence"], nan=1.0)
        free = 1.0 - np.nan_to_num(self["covered"], nan=0.0)
        return np.asarray(np.nan_to_num(self["sharpness"]) * sure * free, np.float64)


def measures(index: FaceIndex, where: Selection = EVERY) -> Measures:
    """The faces that match."""
    rows = index.columns((*_WHOLE, "source", *NUMBERS), where)
    found = list(zip(*rows, strict=True)) if rows else [()] * (len(_WHOLE) + 1 + len(NUMBERS))
    whole = [
        np.array([-1 if value is None else value for value in column], np.int64)
        for column in found[: len(_WHOLE)]
    ]
    columns = found[len(_WHOLE) + 1 :]
    ids, frames, tracks, hashes, kept = whole
    return Measures(
        ids,
        frames,
        tracks,
        hashes,
        kept=kept > 0,
        sources=tuple(str(digest) for digest in found[len(_WHOLE)]),
        numbers={
            name: np.array(column, np.float64)
            for name, column in zip(NUMBERS, columns, strict=True)
        },
    )
