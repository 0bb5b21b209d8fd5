"""Which part of a chip goes into the frame, and how strongly."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from engine.conversion.picture import PictureSettings
from engine.conversion.swapper import face_mask

Free = Callable[[int], npt.NDArray[np.float32]]
FINE: Final = 128
"""Masks have this many pixels a side, or the chip's, if it has more: an outline needs them even
where the colours of a small model do not."""


def blend_mask(
    landmarks: npt.NDArray[np.floating],
    transform: npt.NDArray[np.float64],
    learnt: npt.NDArray[np.float32],
    settings: PictureSettings,
    free: Free | None = None,
) -> npt.NDArray[np.float32]:
    """The weight of the new face: float32 [M, M] in 0..1 over the unit chip, 0 at its border.

    landmarks: [68, 2] frame pixels. transform: float64 [2, 3], frame pixels to the unit chip.
    learnt: float32 [S, S] in 0..1, the model's own mask. free: what somebody has left free of the
    face, as float32 [size, size] in 0..1 over the unit chip, for the size that it is asked for.
    """
    size = max(FINE, learnt.shape[0])
    mask = np.ones((size, size), np.float32)
    if settings.mask != "learnt":
        mask = face_mask(landmarks, transform, size).astype(np.float32) / 255
    if settings.mask != "hull":
        enlarged = cv2.resize(learnt, (size, size), interpolation=cv2.INTER_LINEAR)
        mask = np.minimum(mask, np.asarray(enlarged, np.float32))
    if free is not None:
        mask *= free(size)
    return _feathered(mask, settings.erode * size, settings.feather * size)


def _feathered(
    mask: npt.NDArray[np.float32], erode: float, feather: float
) -> npt.NDArray[np.float32]:
    """The mask drawn back by both lengths in pixels, then faded out again over the second."""
    reach = round(feather / 4)  # of each of two boxes, which make a tent of twice that reach
    radius = round(erode) + 2 * reach
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    # Beyond the chip there is nothing to show, so the mask draws back from its border as well.
    drawn = cv2.erode(mask, disc, borderType=cv2.BORDER_CONSTANT, borderValue=0.0)
    for _ in range(2 if reach else 0):
        drawn = cv2.blur(drawn, (2 * reach + 1, 2 * reach + 1), borderType=cv2.BORDER_CONSTANT)
    drawn = np.minimum(np.asarray(drawn, np.float32), mask)
    drawn[[0, -1]] = 0
    drawn[:, [0, -1]] = 0
    return np.clip(drawn, 0, 1)
