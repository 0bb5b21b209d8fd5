"""Colour matching: giving the decoded face the light of the face that it replaces."""

from typing import Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt

Chip = npt.NDArray[np.float32]

_LEAST_PIXELS: Final = 16
_STEEPEST: Final = 2.0


_GENTLEST: Final = 0.8


class ColourMatcher(Protocol):
    """Changes a decoded chip's colours to sit in the original chip's light."""

    def __call__(
        self, decoded: Chip, own: Chip, original: Chip, inside: npt.NDArray[np.bool_]
    ) -> Chip:
        """All chips float32 [S, S, 3] RGB in 0..1; `inside`: bool [S, S], the face.

        decoded: the new face. original: what the frame shows. own: the original as the model
        renders it with the decoder of the person whom it shows.
        Returns float32 [S, S, 3] RGB in 0..1.
        """
        ...


def keep(decoded: Chip, own: Chip, original: Chip, inside: npt.NDArray[np.bool_]) -> Chip:
    """The decoded colours as they are."""
    return decoded


def match_face(decoded: Chip, own: Chip, original: Chip, inside: npt.NDArray[np.bool_]) -> Chip:
    """The new face takes on the old one's mean and spread, its complexion included."""
    return transfer(decoded, decoded, original, inside, _STEEPEST)


def match_light(decoded: Chip, own: Chip, original: Chip, inside: npt.NDArray[np.bool_]) -> Chip:
    """The new face keeps its complexion and takes on what the model missed of the light.

    What the frame shows and how the model renders that same face differ by light and exposure
    that the model does not know; the new face is changed by that difference.
    """
    return transfer(decoded, own, original, inside, 1 / _GENTLEST)


def transfer(
    picture: Chip, start: Chip, goal: Chip, inside: npt.NDArray[np.bool_], steepest: float
) -> Chip:
    """`picture` under the change that gives `start` the colours of `goal` inside the face.

    Mean and standard deviation of each CIE L*a*b* channel, after E. Reinhard et al., "Color
    transfer between images", IEEE CG&A 21(5), 2001. Spreads change by a factor of `steepest` at
    most, so that a flat chip is not blown up into noise.
    """
    if int(inside.sum()) < _LEAST_PIXELS:
        return picture
    lab, ours, theirs = (
        np.asarray(cv2.cvtColor(chip, cv2.COLOR_RGB2LAB), np.float32)
        for chip in (picture, start, goal)
    )
    from_mean, from_spread = ours[inside].mean(0), ours[inside].std(0)
    to_mean, to_spread = theirs[inside].mean(0), theirs[inside].std(0)
    gain = np.clip(to_spread / np.maximum(from_spread, 1e-3), 1 / steepest, steepest)
    # The change of the mean is the same for every picture; the spread grows around its own mean.
    mean = lab[inside].mean(0)
    matched = (lab - mean) * gain + mean + (to_mean - from_mean)
    rgb = cv2.cvtColor(matched.astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.clip(np.asarray(rgb, np.float32), 0, 1)


COLOURS: Final[dict[str, ColourMatcher]] = {
    "lab": match_face,
    "light": match_light,
    "none": keep,
}
"""The matchers by the names that settings use."""
