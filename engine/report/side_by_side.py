"""Frames of the target, the swap and the truth next to each other, to be looked at."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from engine.media.reader import open_frames, open_part
from engine.quality.exact import Truth
from engine.report.stills import Picture, grid

CAPTIONS = ("target", "swap", "exact truth")


def side_by_side(
    target: Path,
    result: Path,
    truth: Truth | None,
    *,
    frames: list[int],
    height: int = 200,
    first: int = 0,
) -> Picture:
    """A row for each of `frames` (indices into the result): target, swap and, given, truth.

    first: the target's frame that is the result's first.

    Returns uint8 [H, W, 3] RGB. Raises MediaError when a clip cannot be read, ValueError when none
    of the frames exists in all of them.
    """
    columns: list[list[Picture]] = [[], []] if truth is None else [[], [], []]
    wanted = set(frames)
    clips = (result,) if truth is None else (result, truth.picture)
    with ExitStack() as stack:
        readers = [stack.enter_context(open_part(target, first))]
        readers += [stack.enter_context(open_frames(clip)) for clip in clips]
        for row in zip(*readers, strict=False):
            if row[1].index in wanted:
                for column, frame in zip(columns, row, strict=True):
                    column.append(frame.image)
    return grid(columns, CAPTIONS[: len(columns)], height)
