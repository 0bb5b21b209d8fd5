"""Steadying what is known along a track: places, and numbers that frames are coloured by."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.faces.smooth import smooth_series

Floats = npt.NDArray[np.float64]

_CALM: Final = 5
"""Over how many times the window a place is steadied that is freed of the face's movement."""
_ALIKE: Final = 0.05
"""By how much a movement may differ from that of the landmarks in one frame, in parts of a face, of
its scale, and in radians: more is no trembling but something that passes before the face."""
_FURTHEST: Final = 0.03
"""Parts of a face by which its movement may draw it away from its landmarks."""


def reach(window: int) -> int:
    """How many frames before and after one have a say in its place."""
    return _longer(window) // 2 + window - 1


def smooth_transforms(transforms: Floats, window: int, motion: Floats | None = None) -> Floats:
    """Similarities [T, 2, 3] from frame to unit chip with steadied scale, tilt and place.

    motion: float64 [T, 2, 3], the face's movement from the frame before, as its pixels tell it; NaN
    where that is not known. Landmarks tremble and pixels drift: what the landmarks say beyond the
    movement changes slowly, so it is steadied over a long window, and nothing lags (a complementary
    filter, after W. Higgins, "A comparison of complementary and Kalman filtering", 1975).

    What is left is steadied over `window` frames; scale and tilt, which a head changes slowly, over
    twice as many: the place of a head that turns quickly would lag. See `engine.faces.smooth`.
    The place that is steadied is the chip's centre in the frame, which scale and tilt leave alone.
    """
    numbers = _numbers(transforms)
    if motion is not None and window > 1:
        numbers = _calmed(numbers, motion, window)
    slow = 2 * window - 1
    centre, turned = smooth_series(numbers[:, :2], window), smooth_series(numbers[:, 2:], slow)
    return _matrices(np.concatenate([centre, turned], axis=1))


def _longer(window: int) -> int:
    return _CALM * (window - 1) + 1


def _numbers(transforms: Floats) -> Floats:
    """Centre in the frame (x, y), logarithm of the scale, tilt in radians: float64 [T, 4]."""
    a, b = transforms[:, 0, 0], transforms[:, 1, 0]
    middle = np.full(2, 0.5)
    centre = np.linalg.solve(transforms[:, :, :2], (middle - transforms[:, :, 2])[..., None])
    scale, tilt = np.log(np.hypot(a, b)), np.unwrap(np.arctan2(b, a))
    return np.concatenate([centre[..., 0], scale[:, None], tilt[:, None]], axis=1)


def _matrices(numbers: Floats) -> Floats:
    """The inverse of `_numbers`."""
    scale, tilt = np.exp(numbers[:, 2]), numbers[:, 3]
    cos, sin = scale * np.cos(tilt), scale * np.sin(tilt)
    turned = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
    shift = np.full(2, 0.5) - (turned @ numbers[:, :2, None])[..., 0]
    return np.concatenate([turned, shift[..., None]], -1)


def _calmed(numbers: Floats, motion: Floats, window: int) -> Floats:
    """The places by what the landmarks say in the long run and the movement from frame to frame."""
    sizes = np.exp(-numbers[:, 2])
    unit = np.stack([sizes, sizes, np.ones_like(sizes), np.ones_like(sizes)], axis=1)
    plain = smooth_series(numbers, window)
    steps = np.diff(plain, axis=0)
    followed = _steps(plain, motion)
    likely = (np.abs((followed - steps) / unit[1:]) <= _ALIKE).all(axis=1, keepdims=True)
    path = np.cumsum(np.where(likely, followed, np.diff(numbers, axis=0)), axis=0)
    path = np.concatenate([np.zeros((1, 4)), path])
    calm = path + smooth_series(numbers - path, _longer(window))
    drawn = (calm - plain) / unit
    return np.asarray(plain + np.clip(drawn, -_FURTHEST, _FURTHEST) * unit, np.float64)


def _steps(numbers: Floats, motion: Floats) -> Floats:
    """By how much each of `_numbers` changes by the movement: float64 [T - 1, 4]."""
    moves, starts = motion[1:], numbers[:-1, :2]
    ends = (moves[:, :, :2] @ starts[..., None])[..., 0] + moves[:, :, 2]
    scale = -np.log(np.hypot(moves[:, 0, 0], moves[:, 1, 0]))
    tilt = -np.arctan2(moves[:, 1, 0], moves[:, 0, 0])
    return np.concatenate([ends - starts, scale[:, None], tilt[:, None]], axis=1)


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
