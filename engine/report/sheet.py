"""A contact sheet of faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine.media.errors import MediaError
from engine.media.pictures import read_picture
from engine.report.stills import INK, PAPER, Picture, scale
from projects.faces import FaceRow

CELL = 96
LABEL = 16
HEADING = 24
MOST = 2000
"""Faces on one sheet: it is 26,000 pixels high then, at 12 to a row."""
REJECTED = (214, 84, 70)


@dataclass(frozen=True)
class Part:
    """Faces that stand together on a sheet, under a heading where it is not ""."""

    heading: str
    faces: Sequence[FaceRow]


def face_sheet(
    folder: Path, faces: Sequence[FaceRow], columns: int, show: str | None = None
) -> Picture:
    """Every face with its id, `columns` to a row; rejected ones are framed and say why.

    `folder` holds the faces' crops. A crop that cannot be read leaves its cell empty. `show`: one
    of the faces' numbers ("yaw"), which is written beside the id. Returns uint8 [H, W, 3] RGB.
    """
    return parts_sheet(folder, [Part("", faces)], max(1, min(columns, len(faces))), show)


def parts_sheet(
    folder: Path, parts: Sequence[Part], columns: int, show: str | None = None
) -> Picture:
    """Parts under one another, each as in `face_sheet`. uint8 [H, W, 3] RGB."""
    heights = [
        bool(part.heading) * HEADING + -(-len(part.faces) // columns) * (CELL + LABEL)
        for part in parts
    ]
    sheet = Image.new("RGB", (columns * CELL, max(1, sum(heights))), PAPER)
    draw = ImageDraw.Draw(sheet)
    font, large = ImageFont.load_default(size=11), ImageFont.load_default(size=15)
    top = 0
    for part, height in zip(parts, heights, strict=True):
        start = top
        if part.heading:
            draw.text((4, top + HEADING / 2), part.heading, INK, large, anchor="lm")
            start += HEADING
        for number, face in enumerate(part.faces):
            x, y = number % columns * CELL, start + number // columns * (CELL + LABEL)
            sheet.paste(Image.fromarray(thumbnail(folder, face, CELL - 4)), (x + 2, y + 2))
            if not face.kept:
                draw.rectangle((x, y, x + CELL - 1, y + CELL - 1), outline=REJECTED, width=3)
            draw.text((x + 3, y + CELL), _label(face, show), INK if face.kept else REJECTED, font)
        top += height
    return np.asarray(sheet, dtype=np.uint8)


def thumbnail(folder: Path, face: FaceRow, side: int) -> Picture:
    """A face's crop, uint8 [side, side, 3] RGB; black when it cannot be read."""
    try:
        picture = read_picture(folder / face.crop)
    except MediaError:
        return np.zeros((side, side, 3), np.uint8)
    return scale(picture, side)[:, :side]


def _label(face: FaceRow, show: str | None) -> str:
    words = [str(face.id)]
    if show is not None:
        words.append(f"{getattr(face, show):.3g}")
    if not face.kept:
        words.append(face.reason)
    return " ".join(words)
