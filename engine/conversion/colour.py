"""Colour matching: giving the decoded face the light of the face that it replaces."""

from typing import Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt

Chip = npt.NDArray[np.float32]

_LEAST_PIXELS: Final = 16
_STEEPEST: Final = 2.0


class ColourMatcher(Protocol):
    """Changes a decoded chip's colours towards the original chip's."""

    def __call__(self, decoded: Chip, original: Chip, inside: npt.NDArray[np.bool_]) -> Chip:
        """`decoded` and `original`: float32 [S, S, 3] RGB in 0..1; `inside`: bool [S, S], the face.

        Returns float32 [S, S, 3] RGB in 0..1.
        """
        ...


def keep(decoded: Chip, original: Chip, inside: npt.NDArray[np.bool_]) -> Chip:
    """The decoded colours as they are."""
    return decoded


def match_mean_std(decoded: Chip, original: Chip, inside: npt.NDArray[np.bool_]) -> Chip:
    """Mean and standard deviation of each CIE L*a*b* channel made equal inside the face.

    After E. Reinhard et al., "Color transfer between images", IEEE CG&A 21(5), 2001. Spreads are
    changed by a factor of 2 at most, so that a flat chip is not blown up into noise.
    """
    if int(inside.sum()) < _LEAST_PIXELS:
        return decoded
    ours = np.asarray(cv2.cvtColor(decoded, cv2.COLOR_RGB2LAB), np.float32)
    theirs = np.asarray(cv2.cvtColor(original, cv2.COLOR_RGB2LAB), np.float32)
    from_mean, from_spread = ours[inside].mean(0), ours[inside].std(0)
    to_mean, to_spread = theirs[inside].mean(0), theirs[inside].std(0)
    gain = np.clip(to_spread / np.maximum(from_spread, 1e-3), 1 / _STEEPEST, _STEEPEST)
    matched = (ours - from_mean) * gain + to_mean
    rgb = cv2.cvtColor(matched.astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.clip(np.asarray(rgb, np.float32), 0, 1)


COLOURS: Final[dict[str, ColourMatcher]] = {"mean-std": match_mean_std, "none": keep}
"""The matchers by the names that settings use."""
