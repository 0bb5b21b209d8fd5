"""Steadying a track: where the landmark finder trembles, the face must not.

Savitzky-Golay smoothing (Analytical Chemistry 36, 1964): a parabola is fitted to the frames around
each frame, so that steady movement passes unchanged and nothing lags behind.
"""

import numpy as np
import numpy.typing as npt

_DEGREE = 2

Floats = npt.NDArray[np.float64]


def smooth_series(values: npt.NDArray[np.floating], window: int) -> Floats:
    """`values` [T, ...] smoothed along T with a centred window of an odd number of frames.

    At both ends the parabola of the outermost window is used. A series too short for a parabola
    to leave anything out comes back unchanged.
    """
    flat = np.asarray(values, np.float64).reshape(len(values), -1)
    window = min(window, len(flat) - (len(flat) + 1) % 2)
    if window <= _DEGREE + 1:
        return np.asarray(values, np.float64).copy()
    half = window // 2
    times = np.arange(-half, half + 1, dtype=np.float64)
    powers = np.vander(times, _DEGREE + 1, increasing=True)
    fit = powers @ np.linalg.pinv(powers)  # [window, window]: row k is the parabola's value at k
    smooth = np.empty_like(flat)
    windows = np.lib.stride_tricks.sliding_window_view(flat, window, axis=0)
    smooth[half : len(flat) - half] = windows @ fit[half]
    smooth[:half] = fit[:half] @ flat[:window]
    smooth[len(flat) - half :] = fit[half + 1 :] @ flat[-window:]
    return smooth.reshape(values.shape)


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
