"""Gradient-domain blending: the face keeps its gradients and takes the frame's colours at its edge.

P. Pérez, M. Gangnet and A. Blake, "Poisson image editing", SIGGRAPH 2003, ask for the membrane
that spans the colour difference along the edge. It is filled in by pull and push through a pyramid
(S. Gortler et al., "The Lumigraph", SIGGRAPH 1996; Z. Farbman et al., "Convolution pyramids",
SIGGRAPH Asia 2011) on a coarse grid, since it is smooth: a tenth of the cost of solving for it.
"""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from engine.conversion.inside import medians, pixels_in

Floats = npt.NDArray[np.float32]

_MOST: Final = 20.0
"""Levels of 255 by which the membrane may leave its own median. Where hair or a dark background
touches the edge, an unbounded membrane bleeds it all over the face."""
_GRID: Final = 96
"""Longer side of the grid that the membrane is spanned on."""


def poisson(part: Floats, face: Floats, weight: Floats, visible: Floats) -> Floats:
    """The face shifted by a smooth membrane, then faded in; see `engine.conversion.blend`."""
    height, width = weight.shape
    shrink = min(1.0, _GRID / max(height, width))
    grid = (max(2, round(width * shrink)), max(2, round(height * shrink)))
    differs = part - face
    lacking, small_weight, small_visible = (
        np.asarray(cv2.resize(picture, grid, interpolation=cv2.INTER_AREA), np.float32)
        for picture in (differs, weight, visible)
    )
    # The edge: where the fade is neither out nor in. It is where both pictures must agree.
    known = small_weight * (1 - small_weight) * 4
    if float(known.max()) < 0.05:
        known = _rim(small_weight)
    known = known * small_visible
    edge = known > 0.2
    if not edge.any():
        return part - differs * cv2.merge([weight] * 3)
    lean = medians(pixels_in(edge, lacking))
    bounded = np.clip(lacking, lean - _MOST, lean + _MOST) * cv2.merge([known] * 3)
    membrane = _filled(np.dstack([bounded, known]))[..., :3]
    differs -= cv2.resize(membrane, (width, height))
    differs *= cv2.merge([weight] * 3)
    return part - differs


def _rim(weight: Floats) -> Floats:
    inside = (weight > 0.5).astype(np.uint8)
    return np.asarray(inside - cv2.erode(inside, np.ones((3, 3), np.uint8)), np.float32)


def _filled(known: Floats) -> Floats:
    """Smoothly on from where something is known: float32 [H, W, 4], three values and their weight
    in 0..1, by which they are multiplied already; in the answer all weights are 1."""
    height, width = known.shape[:2]
    if min(height, width) <= 2:
        total = known.sum((0, 1))
        return np.broadcast_to(total / max(float(total[3]), 1e-6), known.shape).astype(np.float32)
    half = (max(1, (width + 1) // 2), max(1, (height + 1) // 2))
    coarse = np.asarray(cv2.pyrDown(known, dstsize=half), np.float32)
    # Pulled up to whole weights, so that a thin edge counts on every level.
    coarse /= cv2.merge([np.maximum(coarse[..., 3], 1 / 4)] * 4)
    behind = np.asarray(cv2.pyrUp(_filled(coarse), dstsize=(width, height)), np.float32)
    behind *= cv2.merge([1 - known[..., 3]] * 4)
    return behind + known
