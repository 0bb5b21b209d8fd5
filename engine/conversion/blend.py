"""Laying a chip back into the frame that it was cut from."""

import math
from collections.abc import Callable
from typing import Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from engine.conversion.multiband import multiband
from engine.conversion.poisson import poisson
from engine.faces.align import apply, chip_matrix, invert, pixel_scale
from engine.media.colour import rounded

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


class Blender(Protocol):
    """Mixes the new face into a part of a frame; one is in BLENDERS by its name."""

    def __call__(self, part: Floats, face: Floats, weight: Floats, visible: Floats) -> Floats:
        """part, face: float32 [h, w, 3] RGB in 0..255, the frame and the new face over the same
        pixels. weight: float32 [h, w] in 0..1, how much of the face is wanted. visible: float32
        [h, w] in 0..1, 0 where the frame shows something before the face, which says nothing about
        the face's edge; what is mixed there is not used. Returns the mixture; where the weight is 0
        it is the frame's.
        """
        ...


def feather(part: Floats, face: Floats, weight: Floats, visible: Floats) -> Floats:
    """The plain mixture by the weight."""
    return part + (face - part) * cv2.merge([weight] * 3)


BLENDERS: Final[dict[str, Blender]] = {
    "feather": feather,
    "multiband": multiband,
    "poisson": poisson,
}
"""The blenders by the names that settings use."""

Finish = Callable[[Floats, Floats, Floats], Floats]
"""What is done to the new face at the frame's resolution before it is mixed in: of the frame's
part, the face and its weight, as a Blender takes them, a new face is made."""


def blend(
    image: Image,
    chip: Floats,
    mask: Floats,
    transform: npt.NDArray[np.float64],
    opacity: float = 1.0,
    blender: str = "feather",
    finish: Finish | None = None,
    cover: Floats | None = None,
) -> None:
    """Blend `chip` into `image`, in place; every pixel where the mask is 0 stays as it is.

    image: uint8 [H, W, 3] RGB. chip: float32 [S, S, 3] RGB in 0..1. mask: float32 [M, M] in 0..1
    over the same unit chip. transform: float64 [2, 3], frame pixels to the unit chip. cover:
    float32 [C, C] in 0..1, what something before the face covers, which stays as it is.
    """
    region = _region(image, mask, transform)
    if region is None:
        return
    left, top, right, bottom = region
    size = (right - left, bottom - top)
    weight = _warp(_fitted(mask, transform), transform, region, size, cv2.INTER_LINEAR)
    weight = np.clip(weight, 0, 1)
    levels = _fitted(chip, transform) * np.float32(255)
    face = _warp(levels, transform, region, size, cv2.INTER_CUBIC)
    face = np.clip(face, 0, 255, out=face)
    part = image[top:bottom, left:right]
    before = part.astype(np.float32)
    if finish is not None:
        face = finish(before, face, weight)
    visible = np.ones_like(weight)
    if cover is not None:
        visible -= np.clip(_warp(cover, transform, region, size, cv2.INTER_LINEAR), 0, 1)
    mixed = BLENDERS[blender](before, face, weight, visible)
    if opacity < 1 or cover is not None:
        mixed = before + (mixed - before) * (visible * np.float32(opacity))[..., None]
    part[:] = rounded(mixed)


def laid(
    image: Image, mask: Floats, transform: npt.NDArray[np.float64]
) -> tuple[Floats | None, Floats]:
    """The part of a frame that a mask over a unit chip reaches, float32 [h, w, 3] RGB in 0..255,
    and the mask over its pixels, float32 [h, w]; None and nothing where they do not meet."""
    region = _region(image, mask, transform)
    if region is None:
        return None, np.zeros((0, 0), np.float32)
    left, top, right, bottom = region
    weight = _warp(mask, transform, region, (right - left, bottom - top), cv2.INTER_LINEAR)
    return image[top:bottom, left:right].astype(np.float32), weight


def _region(
    image: Image, mask: Floats, transform: npt.NDArray[np.float64]
) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of the frame's part that the mask reaches, None for nothing."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    x0, x1 = columns[0] - 1, columns[-1] + 1
    y0, y1 = rows[0] - 1, rows[-1] + 1
    corners = np.array([(x0, y0), (x1, y0), (x0, y1), (x1, y1)], np.float64)
    points = apply(invert(chip_matrix(transform, len(mask))), corners)
    left, top = np.maximum(np.floor(points.min(0)), 0).astype(int)
    right, bottom = np.ceil(points.max(0)).astype(int) + 1
    right, bottom = min(right, image.shape[1]), min(bottom, image.shape[0])
    if right <= left or bottom <= top:
        return None
    return int(left), int(top), int(right), int(bottom)


def _fitted(picture: Floats, transform: npt.NDArray[np.float64]) -> Floats:
    """Averaged down to about the frame's own resolution where it is finer, against aliasing."""
    size = picture.shape[0]
    scale = pixel_scale(transform, size)
    if scale >= 1:
        return picture
    smaller = max(4, math.ceil(size * scale))
    return np.asarray(
        cv2.resize(picture, (smaller, smaller), interpolation=cv2.INTER_AREA), np.float32
    )


def _warp(
    picture: Floats,
    transform: npt.NDArray[np.float64],
    region: tuple[int, int, int, int],
    size: tuple[int, int],
    interpolation: int,
) -> Floats:
    """A square over the unit chip as the region of the frame sees it."""
    matrix = chip_matrix(transform, picture.shape[0])
    matrix[:, 2] += matrix[:, :2] @ np.array(region[:2], np.float64)
    border = cv2.BORDER_REPLICATE if picture.ndim == 3 else cv2.BORDER_CONSTANT
    warped = cv2.warpAffine(
        picture, matrix, size, flags=interpolation | cv2.WARP_INVERSE_MAP, borderMode=border
    )
    return np.asarray(warped, np.float32)
