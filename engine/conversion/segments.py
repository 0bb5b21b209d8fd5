"""Encoding a conversion segment by segment, so that one that was killed goes on where it was.

A segment is stored complete or not at all. What was stored for the very same conversion is taken as
it is; the first frame that is missing is where rendering goes on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from engine.conversion.cache import Arrays, Store, text_array, text_of
from engine.media.assemble import Load
from engine.media.encode import EncodedPart
from engine.media.outputs import Encoder
from projects.errors import DamagedError, SwapdeckError

LENGTH: Final = 240
"""Frames of a segment: ten seconds of film, and as far apart as key frames usually are."""
_MOST_BYTES: Final = 64 << 20
KIND: Final = "segments"
_Added = TypeVar("_Added")


class Memory:
    """Keeps segments in memory, for conversions that need not survive anything."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Arrays] = {}

    def load(self, kind: str, key: str) -> Arrays | None:
        return self._kept.get((kind, key))

    def store(self, kind: str, key: str, arrays: Arrays) -> None:
        self._kept[kind, key] = arrays

    def discard(self, kind: str, key: str) -> None:
        self._kept.pop((kind, key), None)


@dataclass(frozen=True)
class Segments:
    """The segments of one conversion, in order. begins: the index of each one's first frame."""

    store: Store
    key: str
    begins: tuple[int, ...] = ()

    def loads(self) -> list[Load]:
        """What reads each of them. Calling it raises DamagedError where one is gone again."""
        return [partial(_read, self.store, self._name(begin)) for begin in self.begins]

    def add(self, begin: int, part: EncodedPart) -> "Segments":
        """With one more. Raises SwapdeckError on a full disk."""
        self.store.store(KIND, self._name(begin), part.arrays())
        return Segments(self.store, self.key, (*self.begins, begin))

    def discard(self) -> None:
        """Forget all of them: the result is there."""
        for begin in self.begins:
            self.store.discard(KIND, self._name(begin))
        self.store.discard(KIND, self._identifier)

    def identifier(self, new: str) -> str:
        """What the watermark of this conversion carries: that of the run which began it."""
        known = self.store.load(KIND, self._identifier)
        if known is not None and "text" in known:
            return text_of(known["text"])
        self.store.store(KIND, self._identifier, {"text": text_array(new)})
        return new

    def _name(self, begin: int) -> str:
        return f"{self.key}-{begin:08x}"

    @property
    def _identifier(self) -> str:
        return f"{self.key}-id"


def stored(store: Store, key: str, first: int) -> tuple[Segments, npt.NDArray[np.int64]]:
    """The segments that are there from the frame `first` on, without a gap, and the timestamps of
    their frames in order."""
    found = Segments(store, key)
    stamps: list[npt.NDArray[np.int64]] = []
    begin = first
    while True:
        try:
            part = _read(store, f"{key}-{begin:08x}")
        except DamagedError:
            break
        found = Segments(store, key, (*found.begins, begin))
        stamps.append(np.sort(part.stamps))
        begin += len(part.stamps)
    return found, np.concatenate(stamps) if stamps else np.zeros(0, np.int64)


def render_segments(
    new_encoder: Callable[[], Encoder[_Added]],
    output: Path,
    segments: Segments,
    begin: int,
    frames: Iterator[_Added],
) -> Segments:
    """Encode and store the frames of `output`, of which the first is number `begin`.

    Raises SwapdeckError where there is no room for a segment; the ones before it stay.
    """
    encoder = new_encoder()
    for frame in frames:
        if encoder.frames >= LENGTH or encoder.bytes >= _MOST_BYTES:
            count = encoder.frames
            segments = _added(output, segments, begin, encoder.finish())
            begin += count
            encoder = new_encoder()
        encoder.add(frame)
    if encoder.frames:
        segments = _added(output, segments, begin, encoder.finish())
    return segments


def _added(output: Path, segments: Segments, begin: int, part: EncodedPart) -> Segments:
    try:
        return segments.add(begin, part)
    except SwapdeckError as error:
        raise SwapdeckError(
            f"{output} is not finished: {error} What was done so far is kept; run the same "
            "command again."
        ) from error


def _read(store: Store, name: str) -> EncodedPart:
    arrays = store.load(KIND, name)
    if arrays is not None:
        try:
            return EncodedPart.from_arrays(arrays)
        except (KeyError, ValueError):
            store.discard(KIND, name)
    raise DamagedError(
        "A part of this conversion is gone from the workspace's cache. Run the same command again: "
        "it makes what is missing."
    )
