"""Multi-band blending: broad colours fade over a long way, fine detail over a short one.

P. Burt and E. Adelson, "A multiresolution spline with application to image mosaics", ACM
Transactions on Graphics 2(4), 1983.
"""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_SMALLEST: Final = 8
_MOST: Final = 5


def multiband(part: Floats, face: Floats, weight: Floats, visible: Floats) -> Floats:
    """Both pictures' Laplacian pyramids, mixed level by level; see `engine.conversion.blend`."""
    share = weight[..., None]
    mixed = _step(part, face, share, _levels(part.shape[0], part.shape[1]))
    # What little the broad levels still say beyond the mask must not be seen there.
    return np.asarray(part + (mixed - part) * (1 - (1 - share) ** 4), np.float32)


def _levels(height: int, width: int) -> int:
    levels = 0
    while min(height, width) >> (levels + 1) >= _SMALLEST and levels < _MOST:
        levels += 1
    return levels


def _step(part: Floats, face: Floats, share: Floats, left: int) -> Floats:
    if left == 0:
        return part + (face - part) * share
    size = (part.shape[1], part.shape[0])
    coarse_part, coarse_face, coarse_share = (
        np.asarray(cv2.pyrDown(picture), np.float32) for picture in (part, face, share)
    )
    # Blurred, the share reaches out of the mask by as much as into it. All of its fade is drawn
    # inside, since nothing may change outside.
    coarse_share = np.clip(2 * coarse_share - 1, 0, 1)[..., None]
    coarse = _step(coarse_part, coarse_face, coarse_share, left - 1)
    fine_part = part - cv2.pyrUp(coarse_part, dstsize=size)
    fine_face = face - cv2.pyrUp(coarse_face, dstsize=size)
    fine = fine_part + (fine_face - fine_part) * share
    return np.asarray(fine + cv2.pyrUp(coarse, dstsize=size), np.float32)
