"""Laying a chip back into the frame that it was cut from."""

import math

import cv2
import numpy as np
import numpy.typing as npt

from engine.faces.align import apply, chip_matrix, invert, pixel_scale

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def blend(
    image: Image,
    chip: Floats,
    mask: Floats,
    transform: npt.NDArray[np.float64],
    opacity: float = 1.0,
) -> None:
    """Blend `chip` into `image`, in place; every pixel where the mask is 0 stays as it is.

    image: uint8 [H, W, 3] RGB. chip: float32 [S, S, 3] RGB in 0..1. mask: float32 [M, M] in 0..1
    over the same unit chip. transform: float64 [2, 3], frame pixels to the unit chip.
    """
    region = _region(image, mask, transform)
    if region is None:
        return
    left, top, right, bottom = region
    size = (right - left, bottom - top)
    weight = _warp(_fitted(mask, transform), transform, region, size, cv2.INTER_LINEAR)
    weight = np.clip(weight, 0, 1)[..., None] * np.float32(opacity)
    face = _warp(_fitted(chip, transform), transform, region, size, cv2.INTER_CUBIC)
    face = np.clip(face, 0, 1) * 255
    part = image[top:bottom, left:right]
    mixed = part + (face - part) * weight
    image[top:bottom, left:right] = np.rint(mixed).astype(np.uint8)


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
