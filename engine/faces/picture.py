"""One frame as the finder of faces sees it: its luma, at the scales at which it is looked at."""

from functools import cached_property
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.align import Alignment, crop, fit_transform

WORKING_SIDE: Final = 960
"""Larger frames are searched and followed at this many pixels of their longer side. Faces of 160
pixels of a 1920x1080 frame are still found so, at a quarter of the cost; a look at the whole frame
finds the smaller ones."""
_FINE: Final = 110.0
"""Faces narrower than this, in pixels of the working scale, are measured in the whole frame."""
_THUMBNAIL: Final = 16


class Picture:
    """A frame, uint8 [H, W, 3] RGB. Serves one thread."""

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self.image = image
        longer = max(image.shape[:2])
        self.scale = min(1.0, WORKING_SIDE / longer)
        """Pixels of `small` for each of the frame."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frame."""
        return self.image.shape[1], self.image.shape[0]

    @cached_property
    def luma(self) -> NDArray[np.uint8]:
        """uint8 [H, W] of the whole frame."""
        return np.asarray(cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY), np.uint8)

    @cached_property
    def small(self) -> NDArray[np.uint8]:
        """uint8 [h, w] at the working scale."""
        if self.scale == 1.0:
            return self.luma
        width, height = (round(side * self.scale) for side in self.size)
        luma = cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY)
        return np.asarray(cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA), np.uint8)

    def level(self, width: float) -> tuple[NDArray[np.uint8], float]:
        """The luma in which a face of this width (frame pixels) is measured, and its scale."""
        if self.scale == 1.0 or width * self.scale < _FINE:
            return self.luma, 1.0
        return self.small, self.scale

    def aligned(self, points: NDArray[np.floating], side: int, margin: float) -> NDArray[np.uint8]:
        """The upright face with these landmarks (float [68, 2], frame pixels): uint8 [side, side].

        margin: as in `align.crop`.
        """
        luma, scale = self.level(float(np.ptp(points[:, 0])))
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


def to_level(points: NDArray[np.floating], scale: float) -> NDArray[np.float64]:
    """Frame pixels as those of a picture that was made `scale` times as large."""
    return (points.astype(np.float64) + 0.5) * scale - 0.5


def from_level(points: NDArray[np.floating], scale: float) -> NDArray[np.float64]:
    """The inverse of `to_level`."""
    return (points.astype(np.float64) + 0.5) / scale - 0.5
