"""Steadying what is known along a track: places, and numbers that frames are coloured by."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.faces.smooth import smooth_series

Floats = npt.NDArray[np.float64]


def smooth_transforms(transforms: Floats, window: int) -> Floats:
    """Similarities [T, 2, 3] from frame to unit chip with steadied scale, tilt and place.

    Scale and tilt, which a head changes slowly, are steadied over twice the window: the place of a
    head that turns quickly would lag. See `engine.faces.smooth` for how.
    The place that is steadied is the chip's centre in the frame, which scale and tilt leave alone.
    """
    a, b = transforms[:, 0, 0], transforms[:, 1, 0]
    slow = 2 * window - 1
    scale = smooth_series(np.log(np.hypot(a, b)), slow)
    tilt = smooth_series(np.unwrap(np.arctan2(b, a)), slow)
    linear = transforms[:, :, :2]
    middle = np.full(2, 0.5)
    centre = np.linalg.solve(linear, (middle - transforms[:, :, 2])[..., None])[..., 0]
    centre = smooth_series(centre, window)
    cos, sin = np.exp(scale) * np.cos(tilt), np.exp(scale) * np.sin(tilt)
    turned = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
    shift = middle - (turned @ centre[..., None])[..., 0]
    return np.concatenate([turned, shift[..., None]], -1)


def weighed(values: Sequence[Floats | None], away: Sequence[int], reach: int) -> Floats | None:
    """The mean of what is known, nearer frames counting more: None where nothing is.

    values: [...] each. away: by how many frames each is away. reach: the furthest that counts. A
    Hann window, so that nothing jumps when a frame comes in or goes out, and nothing lags.
    """
    known = [
        (value, 1 + float(np.cos(np.pi * frames / (reach + 1))))
        for value, frames in zip(values, away, strict=True)
        if value is not None
    ]
    if not known:
        return None
    total = sum(weight for _, weight in known)
    return np.asarray(sum(value * weight for value, weight in known) / total, np.float64)
