"""The worst frames of a result as pictures, close to the face."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from engine.media.pictures import save_png
from engine.media.reader import open_frames, open_part
from engine.quality.exact import Truth
from engine.quality.frames import FrameFigures
from engine.quality.worst import Worst
from engine.report.stills import Picture, grid
from projects.files import folder_replacing

HEIGHT = 180
AROUND = 0.45
"""How much of its surroundings is shown around a face's box, in sides of the box."""
_CAPTIONS = ("target", "swap", "exact truth")


def worst_pictures(
    footage: Path,
    result: Path,
    truth: Truth | None,
    worst: Sequence[Worst],
    frames: Sequence[FrameFigures],
    first: int = 0,
) -> list[Picture]:
    """Target, swap and, where it is known, truth of each of `worst`, uint8 [H, W, 3] RGB.

    first: the footage's frame that is the result's first.

    Raises MediaError when a clip cannot be read.
    """
    boxes = {frame.frame: frame.box for frame in frames}
    clips = (result,) if truth is None else (result, truth.picture)
    shown: dict[int, Picture] = {}
    for index, images in _picked(footage, first, clips, {one.frame for one in worst}):
        columns = [[_close(image, boxes.get(index))] for image in images]
        shown[index] = grid(columns, _CAPTIONS[: len(columns)], HEIGHT)
    return [shown[one.frame] for one in worst]


def save_worst(folder: Path, pictures: Sequence[tuple[str, Picture]]) -> None:
    """Write PNG files by their names into a folder of their own, in place of those before.

    Where there are none, there is no folder. Raises SwapdeckError.
    """
    if not pictures and not folder.exists():
        return
    with folder_replacing(folder) as made:
        for name, picture in pictures:
            save_png(made / name, picture)


def _picked(
    footage: Path, first: int, clips: Sequence[Path], wanted: Collection[int]
) -> Iterator[tuple[int, list[Picture]]]:
    last = max(wanted, default=-1)
    with ExitStack() as stack:
        readers = [stack.enter_context(open_part(footage, first))]
        readers += [stack.enter_context(open_frames(clip)) for clip in clips]
        for row in zip(*readers, strict=False):
            if row[1].index > last:
                return
            if row[1].index in wanted:
                yield row[1].index, [frame.image for frame in row]


def _close(image: Picture, box: tuple[int, int, int, int] | None) -> Picture:
    """The picture around a face, or all of it."""
    if box is None:
        return image
    left, top, right, bottom = box
    reach = round(AROUND * (right - left))
    height, width = image.shape[:2]
    x0, y0 = max(0, left - reach), max(0, top - reach)
    return image[y0 : min(height, bottom + reach), x0 : min(width, right + reach)]
