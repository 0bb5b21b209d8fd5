"""Steadying a track's similarity transforms; see `engine.faces.smooth`."""

import numpy as np
import numpy.typing as npt

from engine.faces.smooth import smooth_series

Floats = npt.NDArray[np.float64]


def smooth_transforms(transforms: Floats, window: int) -> Floats:
    """Similarities [T, 2, 3] from frame to unit chip with steadied scale, tilt and place.

    The place that is steadied is the chip's centre in the frame, which scale and tilt leave alone.
    """
    a, b = transforms[:, 0, 0], transforms[:, 1, 0]
    scale = smooth_series(np.log(np.hypot(a, b)), window)
    tilt = smooth_series(np.unwrap(np.arctan2(b, a)), window)
    linear = transforms[:, :, :2]
    middle = np.full(2, 0.5)
    centre = np.linalg.solve(linear, (middle - transforms[:, :, 2])[..., None])[..., 0]
    centre = smooth_series(centre, window)
    cos, sin = np.exp(scale) * np.cos(tilt), np.exp(scale) * np.sin(tilt)
    turned = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
    shift = middle - (turned @ centre[..., None])[..., 0]
    return np.concatenate([turned, shift[..., None]], -1)
