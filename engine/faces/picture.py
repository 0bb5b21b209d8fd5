"""One frame as the finder of faces sees it: its luma, halved again and again, so that a face of any
size is looked at in about as many pixels as the look needs."""

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.align import Alignment, crop, fit_transform
from engine.faces.template import TEMPLATE
from engine.faces.turning import turned
from engine.media.planar import Pixels, luma_of, rgb_of

SEARCHED_SIDE: Final = 1440
"""Frames with a longer side are halved before they are searched, until they have none. Faces of 160
pixels of a 1920x1080 frame are still found so, at a quarter of the cost; a look at the whole frame
finds the smaller ones."""
_JAW: Final = float(np.ptp(TEMPLATE[:, 0]))
_THUMBNAIL: Final = 16


class Picture:
    """A frame, turned clockwise by `degrees` to be upright. Serves one thread."""

    def __init__(self, pixels: Pixels, degrees: int = 0) -> None:
        self._pixels = pixels
        self._degrees = degrees
        self._halved: list[NDArray[np.uint8]] = []
        height, width = pixels.shape[:2]
        self.size = (height, width) if degrees % 180 else (width, height)
        """Width and height."""
        longer = max(height, width)
        self._searched = max(0, math.ceil(math.log2(longer / SEARCHED_SIDE)))

    @property
    def image(self) -> NDArray[np.uint8]:
        """uint8 [H, W, 3] RGB."""
        return turned(rgb_of(self._pixels), self._degrees)

    @property
    def luma(self) -> NDArray[np.uint8]:
        """uint8 [H, W] of the whole frame."""
        return self._level(0)

    @property
    def searched(self) -> tuple[NDArray[np.uint8], float]:
        """The luma that is searched for faces, and its scale: its pixels for each of the frame."""
        return self._level(self._searched), 0.5**self._searched

    def fitting(self, width: float, wanted: float) -> tuple[NDArray[np.uint8], float]:
        """The luma in which a face `width` frame pixels wide has `wanted` pixels or more, and less
        than twice as many where it can, and its scale."""
        halvings = max(0, math.floor(math.log2(max(width, 1.0) / wanted)))
        return self._level(halvings), 0.5**halvings

    def aligned(self, points: NDArray[np.floating], side: int, margin: float) -> NDArray[np.uint8]:
        """The upright face with these landmarks (float [68, 2], frame pixels): uint8 [side, side].

        margin: as in `align.crop`.
        """
        luma, scale = self.fitting(float(np.ptp(points[:, 0])), _JAW * side / margin)
        transform = fit_transform(to_level(points, scale), Alignment.EYES_BRIDGE)
        return crop(luma, transform, side, margin)

    def thumbnail(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """The face with these landmarks, made so small that only its look is left: float32
        [16, 16], 0 to 1."""
        small = cv2.resize(
            self.aligned(points, 2 * _THUMBNAIL, 1.0),
            (_THUMBNAIL, _THUMBNAIL),
            interpolation=cv2.INTER_AREA,
        )
        return (np.asarray(small, np.float32) / 255).astype(np.float32)

    def _level(self, halvings: int) -> NDArray[np.uint8]:
        if not self._halved:
            luma = turned(luma_of(self._pixels), self._degrees)
            self._halved.append(np.ascontiguousarray(luma))
        while len(self._halved) <= halvings:
            last = self._halved[-1]
            height, width = (side // 2 for side in last.shape)
            if not height or not width:
                return last
            # Odd sides lose their last line, so that a pixel is always four of the level below.
            even = last[: 2 * height, : 2 * width]
            half = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
            self._halved.append(np.asarray(half, np.uint8))
        return self._halved[halvings]


def to_level(points: NDArray[np.floating], scale: float) -> NDArray[np.float64]:
    """Frame pixels as those of a picture that was made `scale` times as large."""
    return (points.astype(np.float64) + 0.5) * scale - 0.5


def from_level(points: NDArray[np.floating], scale: float) -> NDArray[np.float64]:
    """The inverse of `to_level`."""
    return (points.astype(np.float64) + 0.5) / scale - 0.5
