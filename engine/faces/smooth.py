"""Steadying what follows a face: where the landmark finder trembles, the face must not.

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
