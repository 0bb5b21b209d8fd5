"""What is measured of one face from its landmarks and its crop, besides pose and sharpness."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.align import CROP_MARGIN, apply, chip_matrix
from engine.faces.masks import face_hull_mask

_EYES: Final = (np.arange(36, 42), np.arange(42, 48))
_LIPS: Final = ((61, 67), (62, 66), (63, 65))
"""Upper and lower inner lip, pair by pair."""
_HASHED: Final = 0.75
"""The share of the chip's side that is hashed: the face without what lies behind it."""
_LUMA: Final = (0.299, 0.587, 0.114)


def face_size(landmarks: NDArray[np.floating]) -> float:
    """The face's width in frame pixels. landmarks: [68, 2] (x, y), iBUG 300-W order."""
    across = landmarks[16].astype(np.float64) - landmarks[0]
    return float(np.hypot(*across))


def mouth_opening(landmarks: NDArray[np.floating]) -> float:
    """The gap between the inner lips over the distance of the eye centres; NaN without one."""
    points = landmarks.astype(np.float64)
    left, right = (points[eye].mean(0) for eye in _EYES)
    gap = np.mean([np.hypot(*(points[low] - points[up])) for up, low in _LIPS])
    return _ratio(float(gap), float(np.hypot(*(right - left))))


def mouth_width(landmarks: NDArray[np.floating]) -> float:
    """From one corner of the mouth to the other over the distance of the eye centres; NaN without
    one. A smile makes it wider."""
    points = landmarks.astype(np.float64)
    left, right = (points[eye].mean(0) for eye in _EYES)
    return _ratio(float(np.hypot(*(points[54] - points[48]))), float(np.hypot(*(right - left))))


def eye_opening(landmarks: NDArray[np.floating]) -> float:
    """The gap between the lids over the eye's width, mean of both eyes; NaN without a width.

    After T. Soukupová, J. Čech, "Real-time eye blink detection using facial landmarks", 2016.
    """
    points = landmarks.astype(np.float64)
    ratios = []
    for eye in _EYES:
        outer, up1, up2, inner, low2, low1 = points[eye]
        gap = (np.hypot(*(up1 - low1)) + np.hypot(*(up2 - low2))) / 2
        ratios.append(_ratio(float(gap), float(np.hypot(*(outer - inner)))))
    return float(np.mean(ratios))


def brightness(
    picture: NDArray[np.uint8], landmarks: NDArray[np.floating], transform: NDArray[np.float64]
) -> float:
    """The mean luma (ITU-R BT.601) under the outline of the face, 0 to 1; NaN when none is seen.

    picture: uint8 [S, S, 3] RGB, a crop with CROP_MARGIN. landmarks: [68, 2] frame pixels.
    """
    side = picture.shape[0]
    inside = face_hull_mask(apply(chip_matrix(transform, side, CROP_MARGIN), landmarks), side)
    if not inside.any():
        return float("nan")
    return float(np.dot(cv2.mean(picture, mask=inside)[:3], _LUMA) / 255)


def difference_hash(picture: NDArray[np.uint8]) -> int:
    """64 bits, each telling whether a place of the face is brighter than the one to its left.

    After N. Krawetz, "Kind of like that", 2013. picture: uint8 [S, S, 3] RGB, a crop with
    CROP_MARGIN. Returns a signed number.
    """
    side = picture.shape[0]
    cut = round(side * (1 - _HASHED / CROP_MARGIN) / 2)
    grey = cv2.cvtColor(picture[cut : side - cut, cut : side - cut], cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(np.int16)
    bits = (small[:, 1:] > small[:, :-1]).reshape(-1)
    return int.from_bytes(np.packbits(bits).tobytes(), "big", signed=True)


def _ratio(length: float, of: float) -> float:
    return length / of if of > 0 else float("nan")
