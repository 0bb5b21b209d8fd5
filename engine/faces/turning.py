"""Footage that lies on its side: looked at upright; what is found is put back into its frames."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

TURNS: Final = (0, 90, 180, 270)
"""Degrees by which a frame may be turned clockwise to be upright."""


def turned(image: NDArray[np.uint8], degrees: int) -> NDArray[np.uint8]:
    """A frame [H, W, ...] turned clockwise by one of TURNS."""
    return np.ascontiguousarray(np.rot90(image, -degrees // 90)) if degrees else image


def turned_back(
    points: NDArray[np.floating], degrees: int, width: int, height: int
) -> NDArray[np.float64]:
    """Points [..., 2] of a turned frame in the pixels of the frame, which is width x height."""
    x, y = points[..., 0].astype(np.float64), points[..., 1].astype(np.float64)
    if degrees == 90:
        x, y = y, height - 1 - x
    elif degrees == 180:
        x, y = width - 1 - x, height - 1 - y
    elif degrees == 270:
        x, y = width - 1 - y, x
    return np.stack([x, y], -1)
