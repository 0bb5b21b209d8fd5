"""Outlines of faces as distances from the chip's middle, and bending one face to another's outline.

A face's outline is convex and holds the middle of its chip, so one distance a direction describes
it. Two outlines then differ by one factor a direction, by which the skin near the edge is pulled
outwards or inwards; eyes, nose and mouth stay as they are.
"""

from functools import cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Image = npt.NDArray[np.float32]

RAYS: Final = 72
"""Directions of an outline, from the picture's right on, clockwise as the picture is seen."""
MIRRORED: Final = (RAYS // 2 - np.arange(RAYS)) % RAYS
"""The direction opposite to each in a mirror."""
MIDDLE: Final = np.array([0.5, 0.5])
_KEPT: Final = 0.62
"""The share of the way to the outline within which nothing is bent: the features of the face."""
_MOST: Final = 1.3
"""The furthest that an outline is pulled out or in, as a factor."""


def radii(outline: npt.NDArray[np.floating]) -> Floats:
    """How far a convex outline, [N, 2] in the unit chip, is from its middle: float64 [RAYS].

    0 in directions in which the outline does not reach around the middle.
    """
    points = np.asarray(outline, np.float64) - MIDDLE
    edges = np.roll(points, -1, axis=0) - points
    angles = np.arange(RAYS) * (2 * np.pi / RAYS)
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    # A ray t * r meets the edge p + u * e where t = (p x e) / (r x e) and u = (p x r) / (r x e).
    across = _cross(rays[:, None], edges[None])
    with np.errstate(divide="ignore", invalid="ignore"):
        far = _cross(points, edges)[None] / across
        along = _cross(points[None], rays[:, None]) / across
    met = (along >= -1e-9) & (along <= 1 + 1e-9) & (far > 0) & np.isfinite(far)
    return np.asarray(np.where(met, far, 0.0).max(axis=1), np.float64)


def _cross(a: Floats, b: Floats) -> Floats:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0], np.float64)


def bent(picture: Image, goal: Floats, factors: Floats) -> Image:
    """The face pulled out or in until its outline lies on another.

    picture: float32 [S, S] or [S, S, C] over the unit chip. goal: float64 [RAYS], the outline that
    the result has. factors: float64 [RAYS], how far the picture's own outline is in parts of it.
    """
    size = len(picture)
    away, weights = _rays(size)
    edge = np.maximum(weights @ goal.astype(np.float32), 1e-3)
    factor = weights @ np.clip(factors, 1 / _MOST, _MOST).astype(np.float32)
    share = np.clip((away / edge - _KEPT) / (1 - _KEPT), 0, 1)
    pull = 1 + (factor - 1) * share * share * (3 - 2 * share)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    middle = np.float32(size * MIDDLE[0] - 0.5)
    pull = pull.reshape(size, size).astype(np.float32)
    bent_to = cv2.remap(
        picture,
        middle + (x - middle) * pull,
        middle + (y - middle) * pull,
        cv2.INTER_CUBIC if picture.ndim == 3 else cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(np.clip(bent_to, 0, 1), np.float32)


@cache
def _rays(size: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Each pixel's distance from the middle in chips, float32 [S * S], and its mixture of rays,
    float32 [S * S, RAYS]."""
    rows, columns = np.mgrid[:size, :size]
    x, y = (columns.ravel() + 0.5) / size - MIDDLE[0], (rows.ravel() + 0.5) / size - MIDDLE[1]
    place = np.arctan2(y, x) / (2 * np.pi) * RAYS
    low = np.floor(place)
    weights = np.zeros((size * size, RAYS), np.float32)
    number = np.arange(size * size)
    weights[number, low.astype(int) % RAYS] = 1 - (place - low)
    weights[number, (low.astype(int) + 1) % RAYS] += place - low
    return np.hypot(x, y).astype(np.float32), weights
