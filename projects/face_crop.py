"""How large a face's crops are, and where its landmarks are in them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from projects.faces import Face

CROP_SIZE: Final = 256
"""Side of a stored crop in pixels."""
CROP_MARGIN: Final = 4 / 3
"""A stored crop shows this many times the chip's side around the chip's centre."""


def crop_side(size: int) -> int:
    """Side in pixels of the crops that are trained on, for chips of `size` pixels: one pixel stays
    about one. Where less was stored of most faces, it is less."""
    return 2 * round(size * CROP_MARGIN / 2)


def landmarks_in_crop(face: Face) -> list[tuple[float, float]]:
    """The 68 landmarks (x, y) as parts of the crop's side: 0 is its left or top edge, 1 the other.

    What was damaged into no number is somewhere outside.
    """
    points = struct.unpack("<136f", face.landmarks)
    a, b, c, d, e, f = struct.unpack("<6d", face.transform)
    chip = (
        (a * x + b * y + c, d * x + e * y + f) for x, y in zip(*[iter(points)] * 2, strict=True)
    )
    return [((x - 0.5) / CROP_MARGIN + 0.5, (y - 0.5) / CROP_MARGIN + 0.5) for x, y in chip]
