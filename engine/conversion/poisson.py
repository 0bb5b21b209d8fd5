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
    small_part, small_face, small_weight, small_visible = (
        np.asarray(cv2.resize(picture, grid, interpolation=cv2.INTER_AREA), np.float32)
        for picture in (part, face, weight, visible)
    )
    # The edge: where the fade is neither out nor in. It is where both pictures must agree.
    known = small_weight * (1 - small_weight) * 4
    if float(known.max()) < 0.05:
        known = _rim(small_weight)
    known = known * small_visible
    edge = known > 0.2
    if not edge.any():
        return part + (face - part) * weight[..., None]
    differs = small_part - small_face
    lean = np.median(differs[edge], axis=0)
    differs = np.clip(differs, lean - _MOST, lean + _MOST).astype(np.float32)
    known = np.asarray(known[..., None], np.float32)
    membrane = cv2.resize(_filled(differs * known, known), (width, height))
    return np.asarray(part + (face + membrane - part) * weight[..., None], np.float32)


def _rim(weight: Floats) -> Floats:
    inside = (weight > 0.5).astype(np.uint8)
    return np.asarray(inside - cv2.erode(inside, np.ones((3, 3), np.uint8)), np.float32)


def _filled(values: Floats, weights: Floats) -> Floats:
    """`values` over `weights`, and smoothly on where the weights are 0. values: [H, W, 3],
    already multiplied by weights [H, W, 1]."""
    height, width = values.shape[:2]
    if min(height, width) <= 2:
        total = float(weights.sum())
        mean = values.sum((0, 1)) / total if total > 1e-6 else np.zeros(values.shape[2])
        return np.broadcast_to(mean, values.shape).astype(np.float32)
    half = (max(1, (width + 1) // 2), max(1, (height + 1) // 2))
    coarse_values = np.asarray(cv2.pyrDown(values, dstsize=half), np.float32)
    coarse_weights = np.asarray(cv2.pyrDown(weights, dstsize=half), np.float32)[..., None]
    # Pulled up to whole weights, so that a thin edge counts on every level.
    gain = np.minimum(coarse_weights, 1 / 4) * 4 / np.maximum(coarse_weights, 1e-6)
    pulled = np.asarray(coarse_values * gain, np.float32)
    behind = _filled(pulled, np.asarray(np.minimum(coarse_weights * gain, 1), np.float32))
    behind = np.asarray(cv2.pyrUp(behind, dstsize=(width, height)), np.float32)
    here = values / np.maximum(weights, 1e-6)
    share = np.clip(weights, 0, 1)
    return np.asarray(behind + (here - behind) * share, np.float32)
