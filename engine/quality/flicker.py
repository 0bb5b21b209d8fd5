"""How much a face flickers: what changes from frame to frame and does not move with the picture.

The frame before is warped onto this one along the optical flow, and what still differs inside the
face is counted, as the temporal warping error of W.-S. Lai et al., "Learning Blind Video Temporal
Consistency", ECCV 2018. The flow is that of the footage a result is compared with, so that both
are asked the same question. It is estimated by dense inverse search (T. Kroeger et al., "Fast
Optical Flow using Dense Inverse Search", ECCV 2016).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SIGMA = 1.5
"""Pixels by which luma is blurred before it is compared, so that grain does not count."""
UNEXPLAINED = 24.0
"""Levels of 255: where the compared footage itself differs by more along its own flow, something
was covered or uncovered and the flow says nothing."""

Luma = NDArray[np.float32]


@dataclass(frozen=True)
class Motion:
    """Where each pixel of a frame was in the one before.

    source: float32 [H, W, 2], (x, y) in the frame before. known: bool [H, W], where that explains
    the picture.
    """

    source: NDArray[np.float32]
    known: NDArray[np.bool_]


@dataclass(frozen=True)
class Change:
    """Sums over pixels, to be added frame by frame. `total` in levels of 0 to 255."""

    total: float = 0.0
    pixels: int = 0

    def __add__(self, other: Change) -> Change:
        return Change(self.total + other.total, self.pixels + other.pixels)

    @property
    def mean(self) -> float:
        """Levels a pixel; not a number when nothing was compared."""
        return self.total / self.pixels if self.pixels else math.nan


def smooth_luma(image: NDArray[np.uint8]) -> Luma:
    """float32 [H, W], 0 to 255, without grain. `image`: uint8 [H, W, 3] RGB."""
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(luma, (0, 0), SIGMA), np.float32)


def motion(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> Motion:
    """How the picture moved from one frame to the next. Both: uint8 [H, W, 3] RGB, of one size."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    height, width = now.shape[:2]
    field = flow.calc(
        cv2.cvtColor(now, cv2.COLOR_RGB2GRAY),
        cv2.cvtColor(before, cv2.COLOR_RGB2GRAY),
        np.zeros((height, width, 2), np.float32),
    )
    y, x = np.mgrid[:height, :width].astype(np.float32)
    source = np.asarray(field + np.stack([x, y], -1), np.float32)
    differs = np.abs(smooth_luma(now) - warped(smooth_luma(before), source))
    return Motion(source, np.asarray(differs <= UNEXPLAINED, np.bool_))


def warped(picture: Luma, source: NDArray[np.float32]) -> Luma:
    """The frame before, float32 [H, W], as the next one would show it."""
    return np.asarray(
        cv2.remap(
            picture,
            source[..., 0],
            source[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.float32,
    )


def change(before: Luma, now: Luma, moved: Motion, inside: NDArray[np.bool_]) -> Change:
    """What changed inside a mask, bool [H, W], beyond the movement. Luma: `smooth_luma`'s.

    Given differences from a truth instead of pictures, it is what the error flickers.
    """
    counted = inside & moved.known
    differs = np.abs(now - warped(before, moved.source))
    return Change(float(differs[counted].sum(dtype=np.float64)), int(np.count_nonzero(counted)))
