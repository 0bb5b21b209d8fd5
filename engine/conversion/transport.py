"""Colour matching as transport: how the colours of one face become those of another.

A matcher reduces what it sees in one frame to a few numbers, so that those of neighbouring frames
can be averaged before they are used, and nothing pulses. Colours are CIE L*a*b*, pixels float32
[N, 3] with L* from 0 to 100.
"""

from typing import Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]

_STEEPEST: Final = 2.0
"""By what factor a spread changes at most, so that a flat face is not blown up into noise."""
_GENTLEST: Final = 1.25
_QUANTILES: Final = np.linspace(0.005, 0.995, 33)
_TURNS: Final = 6
"""Rotations of a sliced transport, three directions each."""


class Matcher(Protocol):
    """One way to match colours; a new one is a function pair in MATCHERS."""

    def measure(self, new: Pixels, own: Pixels, old: Pixels) -> Numbers:
        """What one frame says, [K]; a mean over frames must be of the same meaning.

        new: pixels inside the new face. own: those of the old face as the model renders it.
        old: those of the old face in the frame.
        """
        ...

    def change(self, new: Pixels, numbers: Numbers) -> Pixels:
        """The new face's pixels, all of the chip's, in their new colours."""
        ...


class Spread:
    """Mean and standard deviation of each channel.

    E. Reinhard et al., "Color transfer between images", IEEE CG&A 21(5), 2001.
    """

    def measure(self, new: Pixels, own: Pixels, old: Pixels) -> Numbers:
        return np.concatenate([*_mean_and_spread(new), *_mean_and_spread(old)])

    def change(self, new: Pixels, numbers: Numbers) -> Pixels:
        mean, spread, wanted, wanted_spread = numbers.reshape(4, 3)
        gain = _gain(wanted_spread, spread, _STEEPEST)
        return _scaled(new, gain, wanted - mean * gain)


class Light:
    """Only what the model missed of the light: the new face keeps its complexion.

    What the frame shows and how the model renders that same face differ by light and exposure that
    the model does not know; the new face is changed by that difference.
    """

    def measure(self, new: Pixels, own: Pixels, old: Pixels) -> Numbers:
        centre, _ = _mean_and_spread(new)
        return np.concatenate([centre, *_mean_and_spread(own), *_mean_and_spread(old)])

    def change(self, new: Pixels, numbers: Numbers) -> Pixels:
        centre, mean, spread, wanted, wanted_spread = numbers.reshape(5, 3)
        gain = _gain(wanted_spread, spread, _GENTLEST)
        return _scaled(new, gain, centre - centre * gain + wanted - mean)


class Linear:
    """The linear map of least displacement that carries over mean and covariance (MKL).

    F. Pitié and A. Kokaram, "The linear Monge-Kantorovitch linear colour mapping for example-based
    colour transfer", CVMP 2007.
    """

    def measure(self, new: Pixels, own: Pixels, old: Pixels) -> Numbers:
        seen = [new.mean(0), np.cov(new.T).ravel(), old.mean(0), np.cov(old.T).ravel()]
        return np.concatenate(seen).astype(float)

    def change(self, new: Pixels, numbers: Numbers) -> Pixels:
        mean, wanted = numbers[:3], numbers[12:15]
        ours, theirs = numbers[3:12].reshape(3, 3), numbers[15:].reshape(3, 3)
        little = 0.05 * np.eye(3)
        root = _root(ours + little)
        inverse = np.linalg.inv(root)
        carry = inverse @ _root(root @ (theirs + little) @ root) @ inverse
        values, axes = np.linalg.eigh(carry)
        carry = axes @ np.diag(np.clip(values, 1 / _STEEPEST, _STEEPEST)) @ axes.T
        return np.asarray((new - mean) @ carry + wanted, np.float32)


class Histogram:
    """Each channel's whole distribution, by its quantiles.

    Gonzalez and Woods, "Digital Image Processing", histogram specification.
    """

    def measure(self, new: Pixels, own: Pixels, old: Pixels) -> Numbers:
        return np.concatenate([_quantiles(new), _quantiles(old)]).ravel().astype(float)

    def change(self, new: Pixels, numbers: Numbers) -> Pixels:
        return _along(new, numbers.reshape(2, len(_QUANTILES), 3))


class Sliced:
    """Sliced optimal transport: distributions are matched along directions that turn.

    F. Pitié, A. Kokaram and R. Dahyot, "N-dimensional probability density function transfer and its
    application to colour transfer", ICCV 2005. The directions are always the same, so that the
    quantiles of neighbouring frames can be averaged.
    """

    def measure(self, new: Pixels, own: Pixels, old: Pixels) -> Numbers:
        moved, steps = new, []
        for turn in _rotations():
            pair = np.stack([_quantiles(moved @ turn), _quantiles(old @ turn)])
            steps.append(pair)
            moved = _along(moved @ turn, pair) @ turn.T
        return np.concatenate([step.ravel() for step in steps]).astype(float)

    def change(self, new: Pixels, numbers: Numbers) -> Pixels:
        moved = new
        steps = numbers.reshape(_TURNS, 2, len(_QUANTILES), 3)
        for turn, step in zip(_rotations(), steps, strict=True):
            moved = np.asarray(_along(moved @ turn, step) @ turn.T, np.float32)
        return moved


class Keep:
    """The decoded colours as they are."""

    def measure(self, new: Pixels, own: Pixels, old: Pixels) -> Numbers:
        return np.zeros(0)

    def change(self, new: Pixels, numbers: Numbers) -> Pixels:
        return new


def _mean_and_spread(pixels: Pixels) -> tuple[Numbers, Numbers]:
    mean, spread = cv2.meanStdDev(pixels[:, None])
    return np.asarray(mean, np.float64)[:, 0], np.asarray(spread, np.float64)[:, 0]


def _scaled(pixels: Pixels, gain: Numbers, offset: Numbers) -> Pixels:
    """Each channel times its gain, and moved."""
    moved = cv2.transform(pixels[:, None], np.column_stack([np.diag(gain), offset]))
    return np.asarray(moved, np.float32)[:, 0]


def _gain(wanted: Numbers, spread: Numbers, steepest: float) -> Numbers:
    return np.clip(wanted / np.maximum(spread, 1e-3), 1 / steepest, steepest)


def _root(matrix: Numbers) -> Numbers:
    """The square root of a symmetric positive matrix."""
    values, axes = np.linalg.eigh(matrix)
    return np.asarray(axes @ np.diag(np.sqrt(np.maximum(values, 0))) @ axes.T, np.float64)


def _quantiles(pixels: npt.NDArray[np.floating]) -> Numbers:
    ordered = np.sort(pixels, axis=0)
    at = _QUANTILES * (len(ordered) - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(ordered) - 1)
    part = (at - low)[:, None]
    return np.asarray(ordered[low] * (1 - part) + ordered[high] * part, np.float64)


def _along(pixels: npt.NDArray[np.floating], pair: Numbers) -> Pixels:
    """Every channel from its own quantiles to the wanted ones; beyond them, shifted as the last."""
    ours, theirs = pair
    moved = np.empty(pixels.shape, np.float32)
    for channel in range(3):
        start = np.maximum.accumulate(ours[:, channel] + np.arange(len(ours)) * 1e-6)
        shift = theirs[:, channel] - ours[:, channel]
        moved[:, channel] = pixels[:, channel] + np.interp(pixels[:, channel], start, shift)
    return moved


def _rotations() -> Numbers:
    """float64 [_TURNS, 3, 3]: the axes first, then the same random turns every time."""
    rng = np.random.default_rng(7)
    turns = [np.eye(3)]
    while len(turns) < _TURNS:
        turn, upper = np.linalg.qr(rng.normal(size=(3, 3)))
        turns.append(turn * np.sign(np.diag(upper)))
    return np.stack(turns)


MATCHERS: Final[dict[str, Matcher]] = {
    "lab": Spread(),
    "light": Light(),
    "mkl": Linear(),
    "histogram": Histogram(),
    "sliced": Sliced(),
    "none": Keep(),
}
"""The matchers by the names that settings use."""
