"""Where in a picture the face is, by its landmarks."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

FOREHEAD: Final = 0.18
"""How far the brows are raised by default, as a fraction of the face's height. Chosen on rendered
heads, whose true faces it overlaps best: less loses skin, more takes in hair."""

# The hairline falls towards the temples, so the outer ends of the brows are raised less.
_BROWS: Final = np.r_[17:27]
_RAISE: Final = np.array([0.2, 0.6, 0.9, 1.0, 1.0, 1.0, 1.0, 0.9, 0.6, 0.2])
_SUBPIXEL_BITS: Final = 4


def face_outline(landmarks: NDArray[np.floating], forehead: float) -> NDArray[np.float32]:
    """The convex outline of a face: float32 [N, 2], in the landmarks' own coordinates.

    landmarks: [68, 2] (x, y), y down, in any upright or tilted frame.
    forehead: the hull takes in the brow points moved up by this fraction of the face's height,
    which is counted as twice the height from brows to the base of the nose (the thirds of a face
    are about equal), so that it does not change when the mouth opens. 0 ends at the brows.
    """
    points = np.asarray(landmarks, np.float64)
    across = points[42:48].mean(0) - points[36:42].mean(0)
    length = float(np.hypot(*across))
    if length > 0:
        up = np.array([across[1], -across[0]]) / length
        height = 2 * float((points[_BROWS].mean(0) - points[33]) @ up)
        raised = points[_BROWS] + np.outer(_RAISE, up) * (forehead * max(height, 0.0))
        points = np.concatenate([points, raised])
    hull = cv2.convexHull(points.astype(np.float32))
    return np.asarray(hull, np.float32).reshape(-1, 2)


def face_hull_mask(
    landmarks: NDArray[np.floating], size: int | tuple[int, int], forehead: float = FOREHEAD
) -> NDArray[np.uint8]:
    """The filled outline of a face: uint8 [size, size] or [height, width], 0 or 255 inside.

    landmarks: [68, 2] pixel coordinates (x, y) of the picture that is masked.
    forehead: see `face_outline`. The edge is anti-aliased over one pixel.
    """
    height, width = (size, size) if isinstance(size, int) else size
    mask = np.zeros((height, width), np.uint8)
    outline = face_outline(landmarks, forehead)
    fixed = np.rint(outline * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillConvexPoly(mask, fixed, 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return mask
