"""How sharp a face is."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.align import CROP_MARGIN

_SIDE: Final = 128
_INNER: Final = 0.6
"""The share of the chip's side that is looked at: eyes to mouth, no hair and no background."""
_CONTRAST_FLOOR: Final = 25.0
"""Grey levels squared, so that noise in a face without any contrast does not count as detail."""


def sharpness(face_crop: NDArray[np.uint8]) -> float:
    """The variance of the Laplacian over the variance of the grey levels, times 100.

    After J. L. Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000;
    taken at a fixed size and divided by the contrast, so that faces of any size and light
    compare. A face that is small in its frame counts as blurred, because it is.

    face_crop: uint8 [S, S, 3] RGB, a crop with CROP_MARGIN.
    """
    side = face_crop.shape[0]
    cut = round(side * (1 - _INNER / CROP_MARGIN) / 2)
    inner = cv2.cvtColor(face_crop[cut : side - cut, cut : side - cut], cv2.COLOR_RGB2GRAY)
    smaller = inner.shape[0] > _SIDE
    grey = cv2.resize(
        inner, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    ).astype(np.float32)
    detail = float(cv2.Laplacian(grey, cv2.CV_32F, ksize=1).var())
    return 100.0 * detail / (float(grey.var()) + _CONTRAST_FLOOR)
