"""Sharpness and grain of the new face, matched to the frame that it is laid into.

How sharp a face is, is how much of its detail is left when its own slightly blurred copy is taken
away; how much grain it has is told by the finest scale of all, which no lens resolves. Both are
measured on the old face, robustly, steadied along the track, and given to the new one.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_NOISE: Final = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
"""J. Immerkær, "Fast noise variance estimation", CVIU 64(2), 1996: blind to edges and slopes."""
_FINE: Final = 1.0
"""Radius in frame pixels of the blur that tells detail from shape."""
_MOST_SHARPENED: Final = 1.5
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
_SURE: Final = 0.5
_FEWEST: Final = 64


@dataclass(frozen=True)
class Texture:
    """Of a face at the frame's resolution, in levels of 255: grain, the standard deviation of its
    noise; detail, the spread of what is finer than a pixel or two, noise left out."""

    grain: float
    detail: float


def texture(picture: Floats, weight: Floats) -> Texture | None:
    """What a face's skin and features are like; None where too little of it is seen.

    picture: float32 [h, w, 3] RGB in 0..255. weight: float32 [h, w], the face.
    """
    inside = weight > _SURE
    if int(inside.sum()) < _FEWEST:
        return None
    luma = picture @ _LUMA
    noise = cv2.filter2D(luma, cv2.CV_32F, _NOISE, borderType=cv2.BORDER_REFLECT)[inside]
    # The median of a normal's size is 0.6745 of its spread; edges and hairs do not move a median.
    grain = float(np.median(np.abs(noise))) / 0.6745
    fine = (luma - cv2.GaussianBlur(luma, (0, 0), _FINE))[inside]
    variance = float(np.mean(np.minimum(np.abs(fine), 40) ** 2))
    return Texture(grain, max(variance - _passed(grain), 0.0) ** 0.5)


def matched(
    face: Floats, weight: Floats, wanted: Texture, seed: int, sharpness: float, grain: float
) -> Floats:
    """The face as sharp and as grainy as wanted.

    face: float32 [h, w, 3] RGB in 0..255. seed: of the grain, the same for the same frame.
    sharpness, grain: 0 to 1, how far towards what is wanted.
    """
    own = texture(face, weight)
    if own is None:
        return face
    done = _sharpness(face, own, wanted, sharpness)
    missing = max(wanted.grain**2 - own.grain**2, 0.0) ** 0.5 * grain
    if missing > 0.2:
        noise = np.random.default_rng(seed).standard_normal(face.shape[:2], np.float32)
        done = done + (noise * np.float32(missing))[..., None]
    return np.asarray(np.clip(done, 0, 255), np.float32)


def sharpened(face: Floats, amount: float) -> Floats:
    """More (or, below 0, less) of the face's own detail, by unsharp masking."""
    if amount == 0:
        return face
    blurred = cv2.GaussianBlur(face, (0, 0), _FINE)
    return np.asarray(np.clip(face + (face - blurred) * np.float32(amount), 0, 255), np.float32)


def _sharpness(face: Floats, own: Texture, wanted: Texture, strength: float) -> Floats:
    ratio = wanted.detail / max(own.detail, 0.1)
    return sharpened(face, strength * float(np.clip(ratio - 1, -1, _MOST_SHARPENED)))


def _passed(grain: float) -> float:
    """The variance that white noise of a spread leaves after the blur is taken away."""
    # 1 - 2 k(0) + sum k^2 for the Gaussian kernel k of radius _FINE.
    return grain**2 * (1 - 2 / (2 * np.pi * _FINE**2) + 1 / (4 * np.pi * _FINE**2))
