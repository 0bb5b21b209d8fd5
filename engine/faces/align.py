"""From a face's landmarks to an upright chip, and back.

A transform is a float64 [2, 3] affine matrix from frame pixels to the unit chip, the square
[0, 1]^2 that shows the face from part of the forehead to under the chin (see `template`).
Pixel centres are at integers, as in OpenCV: a chip of `size` pixels covers the unit square from
pixel coordinate -0.5 to size - 0.5.
"""

import math
from enum import StrEnum
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.template import TEMPLATE
from engine.media.planar import Pixels, Planes
from projects.face_crop import CROP_MARGIN as CROP_MARGIN
from projects.face_crop import CROP_SIZE as CROP_SIZE


class Alignment(StrEnum):
    """Which landmarks a transform is fitted to."""

    EYES_BRIDGE = "eyes-bridge"
    """Eyes and bridge of the nose: what moves least with expression and differs least between
    people, so that a chip's place and scale do not follow the mouth."""
    INNER = "inner-51"
    """Everything but the jaw line."""


_FITTED: Final[dict[Alignment, NDArray[np.intp]]] = {
    Alignment.EYES_BRIDGE: np.r_[27:31, 36:48],
    Alignment.INNER: np.r_[17:68],
}


_COARSER: Final = 0.4
"""By how many frame pixels more than one a sample may span without being averaged."""
_COMPLEX: Final = np.array([1.0, 1.0j])


def fit_transform(
    landmarks: NDArray[np.floating], alignment: Alignment = Alignment.EYES_BRIDGE
) -> NDArray[np.float64]:
    """The least-squares similarity from frame pixels to the unit chip.

    landmarks: [68, 2] frame pixels (x, y). Returns float64 [2, 3].
    """
    chosen = _FITTED[alignment]
    return umeyama(landmarks[chosen].astype(np.float64), TEMPLATE[chosen])


def umeyama(points: NDArray[np.float64], goals: NDArray[np.float64]) -> NDArray[np.float64]:
    """The similarity that maps `points` [N, 2] onto `goals` [N, 2] with least squared error.

    S. Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", IEEE PAMI 13(4), 1991. Returns float64 [2, 3]. Never mirrors.
    Raises ValueError when all points coincide.
    """
    mean_p, mean_g = points.mean(0), goals.mean(0)
    # In the plane, turning and scaling is multiplying by one complex number.
    p = (points - mean_p) @ _COMPLEX
    g = (goals - mean_g) @ _COMPLEX
    variance = float((p.real**2 + p.imag**2).sum())
    if not variance > 0 or not math.isfinite(variance):
        raise ValueError("a transform cannot be fitted to points that all coincide")
    turn = complex(np.vdot(p, g)) / variance
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, mean_g - linear @ mean_p])


def apply(matrix: NDArray[np.float64], points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Points [..., 2] through an affine matrix [2, 3]."""
    return points.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]


def invert(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine matrix [2, 3] that undoes `matrix`."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def to_chip(landmarks: NDArray[np.floating], transform: NDArray[np.float64]) -> NDArray[np.float32]:
    """Landmarks [68, 2] in frame pixels, as unit chip coordinates (float32)."""
    return apply(transform, landmarks).astype(np.float32)


def chip_matrix(
    transform: NDArray[np.float64], size: int, margin: float = 1.0
) -> NDArray[np.float64]:
    """The affine matrix [2, 3] from frame pixels to the pixels of a chip of `size`.

    margin: how many times the unit chip's side is shown, around its centre.
    """
    scale = size / margin
    matrix = transform * scale
    matrix[:, 2] += (size - scale) / 2 - 0.5
    return matrix


def pixel_scale(transform: NDArray[np.float64], size: int, margin: float = 1.0) -> float:
    """How many frame pixels one chip pixel spans; above 1 the chip shrinks the face."""
    return margin / (size * math.sqrt(abs(float(np.linalg.det(transform[:, :2])))))


def crop(
    image: NDArray[np.uint8], transform: NDArray[np.float64], size: int, margin: float = 1.0
) -> NDArray[np.uint8]:
    """The aligned face as a square picture.

    image: uint8 [H, W, 3]. Returns uint8 [size, size, 3] in the same colour order.
    Where a face is larger than the chip it is sampled at a whole multiple of `size` and averaged
    down, so that hardly anything aliases. Beyond the frame's border its edge is repeated.
    """
    return _sampled(image, chip_matrix(transform, size, margin), size)


def crop_pixels(
    pixels: Pixels, transform: NDArray[np.float64], size: int, margin: float = 1.0
) -> NDArray[np.uint8]:
    """The same of a video's planes, too, of which only the face becomes RGB."""
    if not isinstance(pixels, Planes):
        return crop(pixels, transform, size, margin)
    matrix = chip_matrix(transform, size, margin)
    sites = pixels.chroma_sites()
    linear = matrix[:, :2] @ sites[:, :2]
    of_chroma = np.column_stack([linear, matrix[:, :2] @ sites[:, 2] + matrix[:, 2]])
    return pixels.to_rgb(
        _sampled(pixels.luma, matrix, size),
        _sampled(pixels.cb, of_chroma, size),
        _sampled(pixels.cr, of_chroma, size),
    )


def _sampled(image: NDArray[np.uint8], matrix: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """An image through an affine matrix [2, 3] into the pixels of a square."""
    spanned = 1 / math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
    finer = max(1, math.ceil(spanned - _COARSER))
    matrix = matrix * finer
    matrix[:, 2] += (finer - 1) / 2
    sampled = cv2.warpAffine(
        image,
        matrix,
        (size * finer, size * finer),
        flags=cv2.INTER_CUBIC if finer == 1 else cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if finer == 1:
        return np.asarray(sampled, np.uint8)
    return np.asarray(cv2.resize(sampled, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
