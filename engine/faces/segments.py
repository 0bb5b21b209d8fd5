"""A source's frames in stretches that can be searched apart from each other.

Each stretch brings along a few frames of its neighbours, so that what is followed and smoothed at
its ends is what a search of the whole would give, and a face keeps its track from one stretch to
the next. Where stretches begin follows from the frames alone: a search that goes on after a kill
finds what it would have found.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from engine.media import RawFrame

CONTEXT: Final = 2
"""Frames of each neighbour: half the window of the smoothing."""
_MOST_FRAMES: Final = 64
_LEAST_FRAMES: Final = 8
_MOST_BYTES: Final = 96 << 20


@dataclass(frozen=True)
class Segment:
    """Consecutive frames of one source. Those at `core` are searched here, the others are its
    neighbours'."""

    frames: tuple[RawFrame, ...]
    core: range
    last: bool

    @property
    def next_frame(self) -> int:
        """The index at which a search goes on after this stretch."""
        return self.frames[self.core[-1]].index + 1 if self.core else 0

    @property
    def core_frames(self) -> tuple[RawFrame, ...]:
        return self.frames[self.core.start : self.core.stop]


@dataclass(frozen=True)
class Choice:
    """Which frames of a source are looked at: every n-th, and within a time, in seconds."""

    every: int = 1
    begin: float | None = None
    end: float | None = None

    def __contains__(self, frame: RawFrame) -> bool:
        if frame.index % self.every:
            return False
        if frame.pts is None:
            return True  # a picture has no time
        after = self.begin is None or frame.time >= self.begin
        return after and not self.is_over(frame)

    def is_over(self, frame: RawFrame) -> bool:
        """Whether neither this frame of a video nor any after it is looked at."""
        return self.end is not None and frame.pts is not None and frame.time > self.end


def first_needed(start: int, every: int) -> int:
    """The frame from which a source must be read so that a search can go on at `start`."""
    return max(0, start - (CONTEXT + 1) * every)


def segments(frames: Iterable[RawFrame], start: int, choice: Choice) -> Iterator[Segment]:
    """The stretches of a source from the frame with the index `start` on. The last may be empty.

    frames: those of the source from `first_needed(start)` on.
    """
    held: list[RawFrame] = []
    before = 0  # of those held, how many belong to the neighbour
    for frame in frames:
        if choice.is_over(frame):
            break
        if frame not in choice:
            continue
        held.append(frame)
        if frame.index < start:
            del held[:-CONTEXT]
            before = len(held)
            continue
        wanted = _length(held[before])
        if len(held) == before + wanted + CONTEXT:
            core = range(before, before + wanted)
            yield Segment(tuple(held), core, False)
            del held[: core.stop - CONTEXT]
            before = CONTEXT
    yield Segment(tuple(held), range(before, len(held)), True)


def _length(frame: RawFrame) -> int:
    return min(_MOST_FRAMES, max(_LEAST_FRAMES, _MOST_BYTES // frame.image.nbytes))
