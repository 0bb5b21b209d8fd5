"""Frames of a finished result beside the footage, to be looked at where no video plays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engine.media.pictures import save_png
from engine.report.record import list_records
from engine.report.side_by_side import side_by_side
from engine.reporting import Reporter
from projects.errors import CommandError
from projects.files import replacing, write_errors
from projects.swaps import Swap

FOLDER: Final = ("previews", "results")
"""Where the pictures are, below the swap's folder."""
_HEIGHT: Final = 540


def look_at(swap: Swap, result: str, frames: Sequence[int], reporter: Reporter) -> None:
    """Write a PNG for each frame of the result called so, and tell of each as a preview.

    Raises CommandError when the swap has no such result or frame, MediaError when it cannot be
    read.
    """
    records = [one for one in list_records(swap) if Path(one.output).name == result]
    if not records:
        raise CommandError(f"{swap.name} has no result '{result}' with a record.")
    footage, output = Path(records[-1].input), Path(records[-1].output)
    first = records[-1].first
    folder = swap.root.joinpath(*FOLDER)
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for frame in frames:
        reporter.check()
        reporter.event("stage", name=f"frame {frame}", total=None, unit="")
        try:
            picture = side_by_side(
                footage, output, None, frames=[frame], height=_HEIGHT, first=first
            )
        except ValueError as error:
            raise CommandError(f"{result} has no frame {frame}.") from error
        path = folder / f"{output.name}-{frame:06d}.png"
        with replacing(path) as temporary:
            save_png(temporary, picture)
        shown = "/".join((*FOLDER, path.name))
        reporter.event("preview", path=shown, frame=frame, step=records[-1].step)
