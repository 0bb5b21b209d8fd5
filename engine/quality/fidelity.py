"""PSNR and SSIM inside a mask.

SSIM follows Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to
structural similarity", IEEE TIP 13(4), 2004: an 11 px Gaussian window with sigma 1.5, K1 = 0.01,
K2 = 0.03, on luma. PSNR is taken from one mean squared error over all masked pixels and channels of
all frames that went into the sum, never as a mean of the frames' own decibels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

WINDOW = 11
SIGMA = 1.5
PEAK = 255.0
LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Fidelity:
    """Sums over masked pixels, to be added frame by frame.

    `squared` is in 8-bit units squared over `values` pixel values (three a pixel); `similarity` is
    the SSIM map's sum over `pixels` masked pixels.
    """

    squared: float = 0.0
    values: int = 0
    similarity: float = 0.0
    pixels: int = 0
    frames: int = 0

    def __add__(self, other: Fidelity) -> Fidelity:
        return Fidelity(
            self.squared + other.squared,
            self.values + other.values,
            self.similarity + other.similarity,
            self.pixels + other.pixels,
            self.frames + other.frames,
        )

    @property
    def psnr(self) -> float:
        """Decibels; infinite when nothing differs, not a number when nothing was compared."""
        if self.values == 0:
            return math.nan
        if self.squared == 0.0:
            return math.inf
        return 10.0 * math.log10(PEAK * PEAK * self.values / self.squared)

    @property
    def ssim(self) -> float:
        """Mean SSIM, at most 1; not a number when nothing was compared."""
        return self.similarity / self.pixels if self.pixels else math.nan


def compare(
    picture: NDArray[np.uint8], truth: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> Fidelity:
    """Compare one picture with the truth inside a mask.

    `picture`, `truth`: uint8 [H, W, 3], RGB; `mask`: bool [H, W]. Outside of the mask the picture
    is taken to equal the truth, so a window across the edge counts only what differs inside.
    Raises ValueError when the shapes differ.
    """
    if picture.shape != truth.shape or picture.shape[:2] != mask.shape:
        raise ValueError(f"shapes differ: {picture.shape}, {truth.shape}, {mask.shape}")
    pixels = int(np.count_nonzero(mask))
    if pixels == 0:
        return Fidelity()
    part = _reached(mask)
    inside = np.where(mask[part][..., None], picture[part], truth[part]).astype(np.float64)
    exact = truth[part].astype(np.float64)
    squared = float(np.sum((inside - exact) ** 2))
    similarity = float(np.sum(ssim_map(inside @ LUMA, exact @ LUMA)[mask[part]]))
    return Fidelity(squared, pixels * 3, similarity, pixels, 1)


def _reached(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The rows and columns that a window at a masked pixel reaches."""
    reach = WINDOW // 2
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (
        slice(max(0, int(rows[0]) - reach), int(rows[-1]) + reach + 1),
        slice(max(0, int(columns[0]) - reach), int(columns[-1]) + reach + 1),
    )


def ssim_map(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """SSIM at every pixel. `a`, `b`: float64 [H, W], 0 to 255; edges are mirrored."""

    def blur(x: NDArray[np.float64]) -> NDArray[np.float64]:
        blurred = cv2.GaussianBlur(x, (WINDOW, WINDOW), SIGMA, borderType=cv2.BORDER_REFLECT_101)
        return np.asarray(blurred, dtype=np.float64)

    c1, c2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
    mean_a, mean_b = blur(a), blur(b)
    var_a = blur(a * a) - mean_a**2
    var_b = blur(b * b) - mean_b**2
    covariance = blur(a * b) - mean_a * mean_b
    luminance = (2.0 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2.0 * covariance + c2) / (var_a + var_b + c2)
    return luminance * structure
