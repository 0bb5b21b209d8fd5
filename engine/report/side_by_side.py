"""Frames of the target, the swap and the truth next to each other, to be looked at."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from engine.media.reader import open_frames
from engine.quality.exact import Truth
from engine.report.stills import Picture, grid

CAPTIONS = ("target", "swap", "exact truth")


def side_by_side(
    target: Path, result: Path, truth: Truth | None, *, frames: list[int], height: int = 200
) -> Picture:
    """A row for each of `frames` (indices into the target): target, swap and, given, truth.

    Returns uint8 [H, W, 3] RGB. Raises MediaError when a clip cannot be read, ValueError when none
    of the frames exists in all of them.
    """
    columns: list[list[Picture]] = [[], []] if truth is None else [[], [], []]
    wanted = set(frames)
    clips = (target, result) if truth is None else (target, result, truth.picture)
    with ExitStack() as stack:
        readers = [stack.enter_context(open_frames(clip)) for clip in clips]
        for row in zip(*readers, strict=False):
            if row[0].index in wanted:
                for column, frame in zip(columns, row, strict=True):
                    column.append(frame.image)
    return grid(columns, CAPTIONS[: len(columns)], height)
