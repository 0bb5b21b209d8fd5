"""What one dataset shows and another lacks: pose, expression, light, sharpness.

The source, whose face will be seen, has to show whatever the target does: a decoder learns only
what it saw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from engine.datasets.checkup import Dataset, Finding
from engine.datasets.coverage import ENOUGH, lacking, own_pitch
from engine.datasets.measures import Measures
from projects.face_groups import EYES_CLOSED

_EDGE: Final = 2.0
"""Per cent of the faces at each end that are not counted as what a person shows."""
_SHARE: Final = 0.01
"""Part of the target's faces that has to need something before it is asked for."""


@dataclass(frozen=True)
class _Range:
    """A quantity of which the source should reach as far as the target."""

    about: str
    slack: float
    unit: str
    above: str
    """What the target shows beyond the source's upper end; {t} and {s} are the ends."""
    below: str
    gather_above: str
    gather_below: str
    values: Callable[[Measures], Any]


_RANGES: Final = (
    _Range(
        *("yaw", 8.0, "°"),
        "turns {t} to the picture's right, {source} {s}",
        "turns {t} to the picture's left, {source} {s}",
        "looks further to the right of the picture",
        "looks further to the left of the picture",
        lambda faces: faces["yaw"],
    ),
    _Range(
        *("pitch", 7.0, "°"),
        "looks {t} further up than usual, {source} {s}",
        "looks {t} further down than usual, {source} {s}",
        "looks up",
        "looks down",
        own_pitch,
    ),
    _Range(
        *("mouth", 0.08, ""),
        "opens the mouth by {t} of the distance of the eyes, {source} {s}",
        "",
        "talks, laughs or shouts with the mouth wide open",
        "",
        lambda faces: faces["mouth"],
    ),
    _Range(
        *("light", 0.12, ""),
        "is lit up to {t} of full brightness, {source} {s}",
        "is as dark as {t} of full brightness, {source} {s}",
        "is in brighter light",
        "is in darker light",
        lambda faces: faces["brightness"],
    ),
)


def against(source: Dataset, target: Dataset) -> Iterator[Finding]:
    """What the target shows and the source lacks."""
    if not len(source.kept) or not len(target.kept):
        return
    for wanted in _RANGES:
        yield from _reach(wanted, source, target)
    yield from _gaps(source, target)
    yield from _blinks(source, target)
    yield from _softer(source, target)


def _reach(wanted: _Range, source: Dataset, target: Dataset) -> Iterator[Finding]:
    own, theirs = (_known(wanted.values(who.kept)) for who in (source, target))
    if not len(own) or not len(theirs):
        return
    s_low, s_high = np.percentile(own, (_EDGE, 100 - _EDGE))
    t_low, t_high = np.percentile(theirs, (_EDGE, 100 - _EDGE))
    found = False
    for beyond, t_end, s_end, sign, sentence, gather in (
        (theirs > s_high + wanted.slack, t_high, s_high, 1, wanted.above, wanted.gather_above),
        (theirs < s_low - wanted.slack, t_low, s_low, -1, wanted.below, wanted.gather_below),
    ):
        share = float(beyond.mean())
        if share < _SHARE or not sentence:
            continue
        found = True
        far = _far(float(s_end), sign, wanted.unit)
        says = sentence.format(t=_shown(float(t_end), wanted.unit), s=far, source=source.name)
        yield Finding(
            wanted.about,
            "problem" if share >= 5 * _SHARE else "doubt",
            f"{target.name} {says} ({share:.0%} of {target.name}'s faces are beyond). Gather "
            f"footage in which {source.name} {gather}.",
            {"source": [s_low, s_high], "target": [t_low, t_high], "share": share},
        )
    if not found:
        yield Finding(
            wanted.about,
            "good",
            f"{wanted.about.capitalize()}: {source.name} shows what {target.name} does.",
            {"source": [s_low, s_high], "target": [t_low, t_high], "share": 0.0},
        )


def _gaps(source: Dataset, target: Dataset) -> Iterator[Finding]:
    """Poses inside of what the source reaches, where it has next to no faces."""
    missing = lacking(source.kept, target.kept)
    yaw, pitch = target.kept["yaw"], own_pitch(target.kept)
    inside = np.ones(len(missing), np.bool_)
    for theirs, own, slack in (
        (yaw, source.kept["yaw"], 8.0),
        (pitch, own_pitch(source.kept), 7.0),
    ):
        low, high = np.nanpercentile(own, (_EDGE, 100 - _EDGE))
        inside &= (theirs >= low - slack) & (theirs <= high + slack)
    gaps = missing & inside
    share = float(gaps.mean())
    figures = {"share": share, "lacking": float(missing.mean())}
    if share < 3 * _SHARE and figures["lacking"] < 5 * _SHARE:
        yield Finding(
            "poses",
            "good",
            f"{1 - figures['lacking']:.0%} of {target.name}'s poses are among {source.name}'s.",
            figures,
        )
    if share < 3 * _SHARE:
        return
    across, up = float(np.median(yaw[gaps])), float(np.median(pitch[gaps]))
    yield Finding(
        "poses",
        "doubt",
        f"{share:.0%} of {target.name}'s faces look where {source.name} has fewer than {ENOUGH}: "
        f"mostly {_direction(across, up)}. Gather footage of {source.name} that moves through all "
        "poses, or keep rejected faces that show them.",
        figures,
    )


def _blinks(source: Dataset, target: Dataset) -> Iterator[Finding]:
    shares = []
    for who in (source, target):
        eyes = _known(who.kept["eyes"])
        if len(eyes) < 20:
            return
        # Some eyes are narrow: what counts is how far they close from what is usual for them.
        usual = float(np.percentile(eyes, 80))
        shares.append(float((eyes < min(EYES_CLOSED, 0.6 * usual)).mean()))
    figures = {"source": shares[0], "target": shares[1]}
    if shares[1] >= _SHARE and shares[0] < shares[1] / 10:
        yield Finding(
            "eyes",
            "problem" if shares[0] == 0 else "doubt",
            f"{target.name}'s eyes are closed in {shares[1]:.0%} of the faces, {source.name}'s in "
            f"{shares[0]:.1%}: blinks would stay open. Keep those of {source.name}'s faces, or "
            "gather footage with blinks.",
            figures,
        )
    else:
        yield Finding(
            "eyes", "good", "Eyes: both people are seen with closed eyes as well.", figures
        )


def _softer(source: Dataset, target: Dataset) -> Iterator[Finding]:
    for about, what, least in (("sharpness", "less sharp", 0.6), ("size", "smaller", 0.6)):
        own, theirs = (_known(who.kept[about]) for who in (source, target))
        if not len(own) or not len(theirs):
            continue
        middle, other = float(np.median(own)), float(np.median(theirs))
        figures = {"source": middle, "target": other}
        if about == "size" and middle >= 256:
            other = min(other, middle)  # larger than any model's chips
        if middle < least * other:
            yield Finding(
                about,
                "doubt",
                f"{source.name}'s faces are {what} than {target.name}'s ({middle:.3g} against "
                f"{figures['target']:.3g}): the new face will look soft. Gather closer or better "
                f"footage of {source.name}.",
                figures,
            )
        else:
            yield Finding(
                about,
                "good",
                f"{about.capitalize()}: {source.name}'s {middle:.3g} against {target.name}'s "
                f"{figures['target']:.3g}.",
                figures,
            )


def _known(values: Any) -> Any:
    return values[np.isfinite(values)]


def _shown(value: float, unit: str) -> str:
    return f"{abs(value):.0f}{unit}" if unit else f"{value:.2f}"


def _far(value: float, sign: int, unit: str) -> str:
    if unit and sign * value < 3:
        return "hardly at all"
    if not unit and sign < 0:
        return f"never below {value:.2f}"
    return f"only {_shown(value, unit)}"


def _direction(yaw: float, pitch: float) -> str:
    words = [
        "to the right" if yaw > 7 else "to the left" if yaw < -7 else "straight ahead",
        "up" if pitch > 5 else "down" if pitch < -5 else "",
    ]
    return f"{' and '.join(word for word in words if word)} ({yaw:+.0f}°, {pitch:+.0f}°)"
