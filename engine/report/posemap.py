"""A picture of the poses that a dataset shows: one face for each, and how many there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine.datasets.coverage import PoseCell
from engine.report.sheet import REJECTED, thumbnail
from engine.report.stills import INK, PAPER, Picture
from projects.face_groups import PITCH_STEP, YAW_STEP
from projects.faces import FaceRow

CELL = 76
_LEFT, _TOP, _BOTTOM = 44, 30, 46
_LEAST_YAW, _LEAST_PITCH = 3, 2  # steps to each side that are always drawn
_EMPTY = (44, 47, 53)
_QUIET = (140, 146, 156)

Place = tuple[int, int]
"""Steps of yaw and of pitch."""


def pose_map(
    folder: Path,
    cells: Sequence[PoseCell],
    rows: Mapping[int, FaceRow],
    title: str,
    *,
    wanted: Collection[Place] = (),
    extent: Place | None = None,
) -> Picture:
    """Yaw from left to right, pitch from below to above, as the face is turned in the picture.

    folder: of the crops. rows: the cells' best faces by id. wanted: places that are framed because
    they are lacking. extent: how far the map reaches to each side, in steps; see `reach`.
    Returns uint8 [H, W, 3] RGB.
    """
    wide, high = extent or reach(cells, wanted)
    size = (_LEFT + (2 * wide + 1) * CELL + 8, _TOP + (2 * high + 1) * CELL + _BOTTOM)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    small, font = ImageFont.load_default(size=11), ImageFont.load_default(size=15)
    draw.text((8, _TOP / 2), title, INK, font, anchor="lm")
    by_place = {place(cell): cell for cell in cells}
    for yaw in range(-wide, wide + 1):
        x = _LEFT + (yaw + wide) * CELL
        draw.text((x + CELL / 2, size[1] - 38), f"{yaw * YAW_STEP:+g}°", _QUIET, small, anchor="mm")
        for pitch in range(-high, high + 1):
            y = _TOP + (high - pitch) * CELL
            box = (x + 1, y + 1, x + CELL - 2, y + CELL - 2)
            cell = by_place.get((yaw, pitch))
            draw.rectangle(box, fill=_EMPTY)
            if cell is not None and cell.best in rows:
                shown = Image.fromarray(thumbnail(folder, rows[cell.best], CELL - 2))
                sheet.paste(shown, (x + 1, y + 1))
                _count(draw, (x + CELL - 4, y + CELL - 4), cell.faces, small)
            if (yaw, pitch) in wanted:
                draw.rectangle(box, outline=REJECTED, width=4)
    for pitch in range(-high, high + 1):
        middle = _TOP + (high - pitch) * CELL + CELL / 2
        draw.text((_LEFT - 6, middle), f"{pitch * PITCH_STEP:+g}°", _QUIET, small, anchor="rm")
    words = "left  <  where the face turns in the picture  >  right;  above: looks up"
    draw.text((_LEFT, size[1] - 16), words, _QUIET, small, anchor="lm")
    return np.asarray(sheet, dtype=np.uint8)


def place(cell: PoseCell) -> Place:
    """Where a cell lies, in steps."""
    return round(cell.yaw / YAW_STEP), round(cell.pitch / PITCH_STEP)


def reach(cells: Sequence[PoseCell], wanted: Collection[Place] = ()) -> Place:
    """How many steps of yaw and pitch a map needs to each side."""
    places = [*(place(cell) for cell in cells), *wanted]
    return (
        max([_LEAST_YAW, *(abs(yaw) for yaw, _ in places)]),
        max([_LEAST_PITCH, *(abs(pitch) for _, pitch in places)]),
    )


def _count(
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    number: int,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    box = draw.textbbox(corner, str(number), font, anchor="rb")
    draw.rectangle((box[0] - 2, box[1] - 2, box[2] + 2, box[3] + 2), fill=PAPER)
    draw.text(corner, str(number), INK, font, anchor="rb")
