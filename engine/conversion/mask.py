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
_EDGE: Final = 0.5


REACH: Final = 20.0
"""How far beyond the outline of the landmarks `wide` follows a learnt mask, in pixels of a face: to
where foreheads and jaws end. What a mask that was hardly trained says of the background stays
out."""
Shape = Callable[[Floats, Floats], Floats]
"""A mask from the outline of the landmarks and the mask that the model learnt."""


def _wide(hull: Floats, learnt: Floats) -> Floats:
    """The outline of the landmarks, and what was learnt to be face within REACH of it."""
    if learnt.min() > 0.99:
        return hull  # a model without a mask of its own calls everything face
    outside = (hull <= _EDGE).astype(np.uint8)
    away = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_5)
    near = np.clip(face_pixels(REACH, len(hull)) - away, 0, 1)
    return np.asarray(np.maximum(hull, np.minimum(learnt, near)), np.float32)


SHAPES: Final[dict[str, Shape]] = {
    "both": lambda hull, learnt: np.minimum(hull, learnt),
    "hull": lambda hull, learnt: hull,
    "learnt": lambda hull, learnt: learnt,
    "wide": _wide,
    "either": lambda hull, learnt: np.maximum(hull, learnt),
}
"""The shapes by the names that settings use."""


def blend_mask(
    landmarks: npt.NDArray[np.floating],
    transform: npt.NDArray[np.float64],
    learnt: Floats,
    shape: str,
    settings: PictureSettings,
    free: Floats | None = None,
) -> Floats:
    """The weight of the new face: float32 [M, M] in 0..1 over the unit chip, 0 at its border.

    landmarks: [68, 2] frame pixels. transform: float64 [2, 3], frame pixels to the unit chip.
    learnt: float32 [S, S] in 0..1, the model's own mask. shape: of SHAPES. free: float32 [F, F] in
    0..1, what somebody has left free of the face.
    """
    size = max(FINE, learnt.shape[0])
    hull = np.asarray(face_mask(landmarks, transform, size) / 255, np.float32)
    mask = SHAPES[shape](hull, resized(learnt, size)).copy()
    # The chip's border is the edge of all that there is to show.
    mask[[0, -1]] = mask[:, [0, -1]] = 0
    erode, feather = (face_pixels(length, size) for length in (settings.erode, settings.feather))
    if free is None:
        return _faded(mask, erode, feather)
    # What somebody painted is a border of its own: the face grows up to it, and fades out at it.
    left = resized(free, size)
    return np.minimum(_faded(mask, erode, feather), _faded(left, max(erode, 0), feather))


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


def _faded(mask: Floats, erode: float, feather: float) -> Floats:
    """The mask with its edge drawn back by `erode` pixels, or out where that is less than 0, and
    fading in from there over `feather` pixels."""
    if feather < 1 and erode == 0:
        return mask
    inside = (mask > _EDGE).astype(np.uint8)
    bordered = cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    depth = cv2.distanceTransform(bordered, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    if erode < 0:
        depth = depth - cv2.distanceTransform(1 - inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    share = np.clip((depth - erode) / max(feather, 1.0), 0, 1)
    faded = np.asarray(share * share * (3 - 2 * share), np.float32)
    faded[[0, -1]] = faded[:, [0, -1]] = 0
    return faded
