"""The pixels of a picture that lie in a mask, and their medians: what numpy's own indexing and its
`median` do, in a fraction of their time."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def pixels_in(mask: npt.NDArray[np.bool_], picture: Floats) -> Floats:
    """Those of a picture, float32 [H, W, C] or [H, W], where the mask, bool [H, W], is true:
    [N, C]."""
    return np.compress(mask.ravel(), picture.reshape(mask.size, -1), axis=0)


def medians(pixels: Floats) -> Floats:
    """Of each channel: float32 [C]. pixels: float32 [N, C], at least one."""
    half = len(pixels) // 2
    middle = [half] if len(pixels) % 2 else [half - 1, half]
    ordered = np.partition(np.ascontiguousarray(pixels.T), middle, axis=1)
    return np.asarray(ordered[:, middle].mean(1), np.float32)
