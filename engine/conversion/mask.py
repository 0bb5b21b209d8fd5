"""Which part of a chip goes into the frame, and how strongly."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from engine.conversion.picture import PictureSettings, face_pixels
from engine.conversion.swapper import face_mask
from engine.faces.align import chip_matrix, invert

Floats = npt.NDArray[np.float32]
Transform = npt.NDArray[np.float64]
Free = Callable[[int], Floats]
"""What somebody has left free of a face: float32 [size, size] in 0..1 over the unit chip, for the
size that it is asked for."""
FINE: Final = 128
"""Masks have this many pixels a side, or the chip's, if it has more: an outline needs them even
where the colours of a small model do not."""


Shape = Callable[[Floats, Floats], Floats]
"""A mask from the outline of the landmarks and the mask that the model learnt."""
SHAPES: Final[dict[str, Shape]] = {
    "both": lambda hull, learnt: np.minimum(hull, learnt),
    "hull": lambda hull, learnt: hull,
    "learnt": lambda hull, learnt: learnt,
    "either": lambda hull, learnt: np.maximum(hull, learnt),
}
"""The shapes by the names that settings use."""


def blend_mask(
    landmarks: npt.NDArray[np.floating],
    transform: npt.NDArray[np.float64],
    learnt: Floats,
    settings: PictureSettings,
    free: Floats | None = None,
) -> Floats:
    """The weight of the new face: float32 [M, M] in 0..1 over the unit chip, 0 at its border.

    landmarks: [68, 2] frame pixels. transform: float64 [2, 3], frame pixels to the unit chip.
    learnt: float32 [S, S] in 0..1, the model's own mask. free: float32 [F, F] in 0..1, what
    somebody has left free of the face.
    """
    size = max(FINE, learnt.shape[0])
    hull = np.asarray(face_mask(landmarks, transform, size) / 255, np.float32)
    mask = SHAPES[settings.mask](hull, resized(learnt, size))
    erode = face_pixels(settings.erode, size)
    if erode < 0:
        mask = _grown(mask, -erode)
    if free is not None:
        mask = mask * resized(free, size)
    return _feathered(mask, max(erode, 0.0), face_pixels(settings.feather, size))


def moved(mask: Floats, start: Transform, goal: Transform) -> Floats:
    """A mask over one unit chip as another sees it, each by its transform from frame pixels."""
    if np.array_equal(start, goal):
        return mask
    size = len(mask)
    there, here = chip_matrix(start, size), invert(chip_matrix(goal, size))
    matrix = np.column_stack([there[:, :2] @ here[:, :2], there[:, :2] @ here[:, 2] + there[:, 2]])
    return np.asarray(
        cv2.warpAffine(
            mask,
            matrix,
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.float32,
    )


def resized(mask: Floats, size: int) -> Floats:
    """A mask [N, N] over a unit chip as [size, size]."""
    if len(mask) == size:
        return mask
    return np.asarray(cv2.resize(mask, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


def _grown(mask: Floats, by: float) -> Floats:
    disc = _disc(round(by))
    return np.asarray(cv2.dilate(mask, disc, borderType=cv2.BORDER_REPLICATE), np.float32)


def _disc(radius: int) -> npt.NDArray[np.uint8]:
    side = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def _feathered(mask: Floats, erode: float, feather: float) -> Floats:
    """The mask drawn back by both lengths in pixels, then faded out again over the second."""
    reach = round(feather / 4)  # of each of two boxes, which make a tent of twice that reach
    radius = round(erode) + 2 * reach
    disc = _disc(radius)
    # Beyond the chip there is nothing to show, so the mask draws back from its border as well.
    drawn = cv2.erode(mask, disc, borderType=cv2.BORDER_CONSTANT, borderValue=0.0)
    for _ in range(2 if reach else 0):
        drawn = cv2.blur(drawn, (2 * reach + 1, 2 * reach + 1), borderType=cv2.BORDER_CONSTANT)
    drawn = np.minimum(np.asarray(drawn, np.float32), mask)
    drawn[[0, -1]] = 0
    drawn[:, [0, -1]] = 0
    return np.clip(drawn, 0, 1)
