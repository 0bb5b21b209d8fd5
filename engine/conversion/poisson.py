"""Gradient-domain blending: the face keeps its gradients and takes the frame's colours at its edge.

P. Pérez, M. Gangnet and A. Blake, "Poisson image editing", SIGGRAPH 2003, ask for the membrane
that spans the colour difference along the edge. It is filled in by pull and push through a pyramid
(S. Gortler et al., "The Lumigraph", SIGGRAPH 1996; Z. Farbman et al., "Convolution pyramids",
SIGGRAPH Asia 2011), which costs a tenth of solving for it.
"""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_MOST: Final = 40.0
"""Levels of 255 that the membrane shifts a colour at most. Where hair or a dark background touches
the edge, an unbounded membrane bleeds it all over the face."""


def poisson(part: Floats, face: Floats, weight: Floats) -> Floats:
    """The face shifted by a smooth membrane, then faded in; see `engine.conversion.blend`."""
    # The edge: where the fade is neither out nor in. It is where both pictures must agree.
    known = (weight * (1 - weight) * 4)[..., None].astype(np.float32)
    if float(known.max()) < 0.05:
        known = _rim(weight)[..., None]
    differs = part - face
    lean = np.median(differs[known[..., 0] > 0.2], axis=0) if (known > 0.2).any() else 0.0
    differs = np.clip(differs, lean - _MOST / 2, lean + _MOST / 2)
    membrane = _filled((differs * known).astype(np.float32), np.asarray(known, np.float32))
    shifted = face + membrane
    return np.asarray(part + (shifted - part) * weight[..., None], np.float32)


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
