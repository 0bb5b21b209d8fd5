"""Single frames of a conversion, beside what they were, in seconds."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from engine.conversion.blend import Image
from engine.conversion.compose import AROUND
from engine.conversion.convert import Approve, located_parts
from engine.conversion.find import eyes_for
from engine.conversion.followed import with_motion
from engine.conversion.locate import Located, LocatedFace
from engine.conversion.parts import Part
from engine.conversion.search import Eyes
from engine.conversion.settings import ConvertSettings
from engine.conversion.smooth import reach
from engine.conversion.swap import Mark, Rendered, rendered
from engine.conversion.tracks import Seen
from engine.conversion.windows import (
    check_frames,
    frames_in,
    search_window,
    stamps_of,
    windows,
)
from engine.media.pictures import save_png
from engine.report.stills import grid
from engine.reporting import Reporter
from projects.files import replacing, sweep, write_errors

_TALLEST: Final = 720
_LOWEST: Final = 240
_SURROUNDINGS: Final = 0.4
"""How much of its surroundings a close-up shows around a face, in sides of its box."""
_FOUND_AROUND: Final = 8
"""Frames more, so that a face which is not found in one frame is followed to it from others."""


def preview(
    source: Path,
    wanted: Sequence[int],
    folder: Path,
    parts: Sequence[Part],
    settings: ConvertSettings,
    reporter: Reporter,
    *,
    seen: Seen | None = None,
    eyes: Eyes | None = None,
    mark: Mark | None = None,
    finish: Callable[[Path, Path, Path], None] | None = None,
    approve: Approve | None = None,
) -> list[tuple[int, Path, int]]:
    """Write a PNG for each of the wanted frames into `folder`: the frame, and what becomes of it.

    seen: everybody in the source, where that is known; otherwise only the frames around the wanted
    ones are searched. Returns each frame's number, its picture, and how many faces are replaced in
    it; a frame without any shows the same twice, and one with faces has a `close_up` of them
    besides. Raises CommandError for a frame that there is not.
    """
    stamps = stamps_of(source)
    last = check_frames(source, wanted, stamps)
    around = AROUND + reach(settings.smooth) + _FOUND_AROUND
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)  # what a killed run left
    made = []
    for window in windows(wanted, around, last):
        if seen is None:
            here = search_window(source, window, stamps, eyes or eyes_for(settings), reporter)
        else:
            here = with_motion(source, seen, window)
        located = located_parts(here, parts, settings)
        if approve is not None:
            approve(here, located.fates)
        chosen = [frame for frame in wanted if frame in window]
        for one in _shown(source, window, stamps, located, parts, settings, mark, chosen):
            path = folder / f"{source.stem}-{one.frame.index:06d}.png"
            pair = one.original.image, one.frame.image
            _write(path, pair, one.frame.index, source, finish)
            close_up(path).unlink(missing_ok=True)  # of other settings, with which there was a face
            if around_faces := _around(located.faces.get(one.frame.index, ()), pair[0].shape):
                closer = pair[0][around_faces], pair[1][around_faces]
                _write(close_up(path), closer, one.frame.index, source, finish)
            made.append((one.frame.index, path, len(one.faces)))
            reporter.check()
    return made


def close_up(picture: Path) -> Path:
    """Where the faces of a preview are shown close."""
    return picture.with_name(f"{picture.stem}-close.png")


def _write(
    path: Path,
    pair: tuple[Image, Image],
    frame: int,
    source: Path,
    finish: Callable[[Path, Path, Path], None] | None,
) -> None:
    height = min(max(pair[0].shape[0], _LOWEST), _TALLEST)
    with replacing(path) as temporary:
        columns = [pair[0]], [pair[1]]
        save_png(temporary, grid(columns, (f"frame {frame}", "converted"), height))
        if finish is not None:
            finish(temporary, path, source)


def _around(faces: Sequence[LocatedFace], shape: tuple[int, ...]) -> tuple[slice, slice] | None:
    """The part of a frame [H, W, 3] with all these faces and some of their surroundings."""
    if not faces:
        return None
    left, top = (min(face.box[side] for face in faces) for side in (0, 1))
    right, bottom = (max(face.box[side] for face in faces) for side in (2, 3))
    reach = round(_SURROUNDINGS * max(right - left, bottom - top))
    return (
        slice(max(0, top - reach), max(1, min(shape[0], bottom + reach))),
        slice(max(0, left - reach), max(1, min(shape[1], right + reach))),
    )


def _shown(
    source: Path,
    window: range,
    stamps: Sequence[int] | None,
    located: Located,
    parts: Sequence[Part],
    settings: ConvertSettings,
    mark: Mark | None,
    chosen: Sequence[int],
) -> list[Rendered]:
    with (
        closing(frames_in(source, window, stamps)) as frames,
        closing(rendered(frames, located.faces, parts, settings, mark)) as done,
    ):
        return [one for one in done if one.frame.index in chosen]
