"""How much a swap's edge is seen: the picture's gradient across the outline of the face.

An edge that was not there before is a step across the outline, so the gradient along the outline's
normal is compared with that of the footage in the same place: 1 is as much as before. The measure
is the one that gradient-domain blending makes small (P. Pérez, M. Gangnet, A. Blake, "Poisson Image
Editing", ACM TOG 22(3), 2003).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.align import fit_transform, pixel_scale
from engine.faces.masks import face_hull_mask
from engine.quality.flicker import Luma

INWARDS = 0.10
OUTWARDS = 0.03
"""The band along the outline, in sides of the chip: a face fades in inside its mask."""


def seam_band(
    landmarks: NDArray[np.floating], shape: tuple[int, int]
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """The band along the outline of a face, and across it.

    landmarks: [68, 2] frame pixels. shape: height and width of the frame. Returns bool [H, W] and
    the outline's normals, float32 [H, W, 2] (x, y), of length 1 in the band.
    """
    side = pixel_scale(fit_transform(landmarks), 1)
    hull = face_hull_mask(landmarks, shape) > 127
    inside = cv2.distanceTransform(hull.astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((~hull).astype(np.uint8), cv2.DIST_L2, 5)
    away = np.asarray(outside - inside, np.float32)
    normal = np.stack([_slope(away, 1, 0), _slope(away, 0, 1)], -1)
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    band = (away > -INWARDS * side) & (away < OUTWARDS * side) & (length[..., 0] > 0)
    return band, np.asarray(normal / np.maximum(length, 1e-6), np.float32)


def across(luma: Luma, band: NDArray[np.bool_], normal: NDArray[np.float32]) -> float:
    """The mean gradient across the outline in levels a pixel; 0 where there is no band.

    luma: float32 [H, W], `smooth_luma`'s. The others: `seam_band`'s.
    """
    if not band.any():
        return 0.0
    slope = np.stack([_slope(luma, 1, 0), _slope(luma, 0, 1)], -1)
    return float(np.abs((slope * normal).sum(-1))[band].mean())


def _slope(values: NDArray[np.float32], x: int, y: int) -> NDArray[np.float32]:
    return np.asarray(cv2.Scharr(values, cv2.CV_32F, x, y, scale=1 / 32), np.float32)
