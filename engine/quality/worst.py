"""Which frames of a result are the worst, and why.

A frame is as bad as its worst figure, and a figure is as bad as it lies far from the middle of its
own kind: in robust standard deviations (1.4826 times the median absolute deviation, after F.
Hampel, "The Influence Curve and its Role in Robust Estimation", JASA 69, 1974), of which none is
taken to be smaller than what an eye sees. Frames in which no face is found any more come first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.quality.frames import FrameFigures

MOST = 10
APART = 3
"""Frames nearer than this to a worse one show the same thing."""
NOTABLE = 1.0
"""Deviations from which a frame is worth being shown."""
_MISSED = 1e3


@dataclass(frozen=True)
class Worst:
    """A frame, the measure that makes it bad, by how many deviations, and a sentence."""

    frame: int
    time: float
    measure: str
    badness: float
    why: str


@dataclass(frozen=True)
class _Kind:
    """A figure that is bad when large. `least`: the smallest deviation that counts as one."""

    measure: str
    value: Callable[[FrameFigures], float]
    least: float
    why: str  # {value} and {middle}


_KINDS = (
    _Kind(
        "to_target",
        lambda f: -f.to_target,
        0.03,
        "It looks like the target person: {value:.2f} from them, half of the frames {middle:.2f} "
        "or more.",
    ),
    _Kind(
        "to_source",
        lambda f: f.to_source,
        0.03,
        "It looks little like the source person: {value:.2f} from them, half of the frames "
        "{middle:.2f} or less.",
    ),
    _Kind(
        "landmark_error",
        lambda f: f.landmark_error,
        0.01,
        "The features are off: {value:.3f} eye distances, half of the frames {middle:.3f} or less.",
    ),
    _Kind(
        "pose_error",
        lambda f: f.pose_error,
        1.5,
        "The head is turned otherwise: by {value:.1f}°, half of the frames {middle:.1f}° or less.",
    ),
    _Kind(
        "mouth",
        lambda f: abs(f.mouth - f.own_mouth),
        0.02,
        "The mouth is opened otherwise: by {value:.2f} eye distances, half of the frames "
        "{middle:.2f} or less.",
    ),
    _Kind(
        "eyes",
        lambda f: abs(f.eyes - f.own_eyes),
        0.02,
        "The eyes are opened otherwise: by {value:.2f} of their width, half of the frames "
        "{middle:.2f} or less.",
    ),
    _Kind(
        "flicker",
        lambda f: f.flicker - f.own_flicker,
        0.3,
        "It jumps: {value:.1f} levels more than the footage does, half of the frames {middle:.1f} "
        "or less.",
    ),
    _Kind(
        "seam",
        lambda f: f.seam - f.own_seam,
        0.15,
        "The edge shows: {value:.2f} levels a pixel more than before, half of the frames "
        "{middle:.2f} or less.",
    ),
)
_EXACT = _Kind(
    "in_place_psnr",
    lambda f: math.nan,
    0.7,
    "It is far from the truth: {value:.1f} dB inside the face, half of the frames {middle:.1f} or "
    "more.",
)


def worst_frames(
    frames: Sequence[FrameFigures], exact: Mapping[int, float], most: int = MOST
) -> list[Worst]:
    """At most `most` frames, the worst first. `exact`: PSNR in place by frame, where known."""
    bad: dict[int, Worst] = {}
    seen = [frame for frame in frames if frame.face]
    for frame in seen:
        if frame.missed:
            why = "No face is found in it any more, though the footage shows one there."
            bad[frame.frame] = Worst(frame.frame, frame.time, "missed", _MISSED, why)
    kinds = [(kind, {f.frame: kind.value(f) for f in seen}) for kind in _KINDS]
    kinds.append((_EXACT, {f.frame: -exact.get(f.frame, math.nan) for f in seen}))
    for kind, values in kinds:
        for frame, badness, why in _judged(kind, values, seen):
            known = bad.get(frame.frame)
            if badness >= NOTABLE and (known is None or badness > known.badness):
                bad[frame.frame] = Worst(frame.frame, frame.time, kind.measure, badness, why)
    return _apart(sorted(bad.values(), key=lambda one: (-one.badness, one.frame)), most)


def _judged(
    kind: _Kind, values: Mapping[int, float], frames: Sequence[FrameFigures]
) -> list[tuple[FrameFigures, float, str]]:
    known = np.array([value for value in values.values() if math.isfinite(value)])
    if len(known) < 3:
        return []
    middle = float(np.median(known))
    spread = max(kind.least, 1.4826 * float(np.median(np.abs(known - middle))))
    return [
        (
            frame,
            (values[frame.frame] - middle) / spread,
            kind.why.format(value=_told(kind, values[frame.frame]), middle=_told(kind, middle)),
        )
        for frame in frames
        if math.isfinite(values[frame.frame])
    ]


def _told(kind: _Kind, value: float) -> float:
    """The figure as it was measured; some are turned round to be bad when large."""
    return -value if kind.measure in ("to_target", "in_place_psnr") else value


def _apart(ordered: Sequence[Worst], most: int) -> list[Worst]:
    chosen: list[Worst] = []
    for one in ordered:
        if len(chosen) < most and all(abs(one.frame - other.frame) >= APART for other in chosen):
            chosen.append(one)
    return chosen
