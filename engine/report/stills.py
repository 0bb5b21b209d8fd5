"""Pictures put side by side with words on them."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]

GAP = 6
PAPER = (24, 26, 30)
INK = (232, 234, 238)
CAPTION = 30


def grid(columns: Sequence[Sequence[Picture]], captions: Sequence[str], height: int) -> Picture:
    """Columns of pictures, each with its caption above.

    `columns`: uint8 [H, W, 3] RGB pictures, scaled to `height` pixels; all have one shape.
    Returns uint8 [H, W, 3] RGB. Raises ValueError when there is nothing to show.
    """
    if not columns or not columns[0]:
        raise ValueError("no pictures")
    scaled = [[scale(picture, height) for picture in column] for column in columns]
    width = scaled[0][0].shape[1]
    rows = max(len(column) for column in scaled)
    sheet = Image.new(
        "RGB",
        (GAP + len(scaled) * (width + GAP), CAPTION + rows * (height + GAP)),
        PAPER,
    )
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=16)
    for x, (column, caption) in enumerate(zip(scaled, captions, strict=True)):
        left = GAP + x * (width + GAP)
        draw.text((left + width / 2, CAPTION / 2), caption, INK, font, anchor="mm")
        for y, picture in enumerate(column):
            sheet.paste(Image.fromarray(picture), (left, CAPTION + y * (height + GAP)))
    return np.asarray(sheet, dtype=np.uint8)


def scale(picture: Picture, height: int) -> Picture:
    """The picture at that height, its proportions kept. uint8 [H, W, 3] RGB."""
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    if (height, width) == picture.shape[:2]:
        return picture
    resized = Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(resized, dtype=np.uint8)


def jpeg(picture: Picture) -> bytes:
    """The picture, uint8 [H, W, 3] RGB, as a JPEG file's bytes."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=88, optimize=True)
    return file.getvalue()
