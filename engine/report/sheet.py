"""A contact sheet of faces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine.media.errors import MediaError
from engine.media.pictures import read_picture
from engine.report.stills import INK, PAPER, Picture, scale
from projects.faces import FaceRow

CELL = 96
LABEL = 16
REJECTED = (214, 84, 70)


def face_sheet(folder: Path, faces: Sequence[FaceRow], columns: int) -> Picture:
    """Every face with its id, `columns` to a row; rejected ones are framed and say why.

    `folder` holds the faces' crops. A crop that cannot be read leaves its cell empty. Returns
    uint8 [H, W, 3] RGB.
    """
    columns = max(1, min(columns, len(faces)))
    rows = -(-len(faces) // columns)
    sheet = Image.new("RGB", (columns * CELL, rows * (CELL + LABEL)), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=11)
    for number, face in enumerate(faces):
        x, y = number % columns * CELL, number // columns * (CELL + LABEL)
        try:
            crop = scale(read_picture(folder / face.crop), CELL - 4)
        except MediaError:
            crop = np.zeros((CELL - 4, CELL - 4, 3), np.uint8)
        sheet.paste(Image.fromarray(crop), (x + 2, y + 2))
        if not face.kept:
            draw.rectangle((x, y, x + CELL - 1, y + CELL - 1), outline=REJECTED, width=3)
        label = str(face.id) if face.kept else f"{face.id} {face.reason}"
        draw.text((x + 3, y + CELL), label, INK if face.kept else REJECTED, font)
    return np.asarray(sheet, dtype=np.uint8)
