"""Surprises in the footage behind a dataset: colour spaces, frame rates, missing colour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from engine.datasets.checkup import Dataset, Finding
from engine.faces.dataset import load_crop
from engine.media import MediaError
from engine.media.info import open_video
from projects.errors import DamagedError
from projects.face_query import of_ids
from projects.faces import FaceIndex
from projects.people import Person
from projects.sources import Source, list_sources

_HDR: Final = {16: "PQ", 18: "HLG"}
"""Transfer characteristics of ITU-T H.273 that ordinary screens do not show."""
_WIDE: Final = {9: "BT.2020", 11: "DCI-P3", 12: "Display P3"}
"""Its colour primaries with more colours than sRGB."""
_FAST: Final = 50.0
_SLOW: Final = 15.0
_GREY: Final = 3.0
"""Mean distance from grey, in CIELAB, below which a picture has no colour."""
_CAST: Final = 14.0
"""Distance in CIELAB's a and b between two people's mean faces that is worth a look."""
_LOOKED_AT: Final = 32
_NAMED: Final = 3


@dataclass(frozen=True)
class _Clip:
    name: str
    rate: float | None
    steady: bool
    transfer: int
    primaries: int


def surprises(who: Dataset, person: Person) -> Iterator[Finding]:
    """What about a person's sources may surprise."""
    try:
        sources = list_sources(person)
    except DamagedError as error:
        yield Finding("footage", "doubt", f"The sources were not looked at. {error}")
        return
    used = set(who.kept.sources)
    clips = [
        clip
        for source in sources
        if source.kind == "video" and source.digest in used
        for clip in [_clip(source)]
        if clip is not None
    ]
    for names, text in (
        (
            [f"{clip.name} ({_HDR[clip.transfer]})" for clip in clips if clip.transfer in _HDR],
            "is HDR, whose light is not converted: faces come out flat and grey. Convert it to "
            "BT.709 and gather that.",
        ),
        (
            [f"{clip.name} ({_WIDE[clip.primaries]})" for clip in clips if clip.primaries in _WIDE],
            "has wide colours, which are read as ordinary ones: skin comes out pale. Convert it to "
            "BT.709 and gather that.",
        ),
        (
            [f"{c.name} ({c.rate:.4g}/s)" for c in clips if c.rate is not None and c.rate > _FAST],
            "has many frames a second, which show almost the same: extract with --every 2 or more.",
        ),
        (
            [f"{c.name} ({c.rate:.4g}/s)" for c in clips if c.rate is not None and c.rate < _SLOW],
            "has few frames a second: faces are hard to follow from one to the next.",
        ),
        (
            [clip.name for clip in clips if not clip.steady],
            "has frames at uneven times: they are kept exactly, and other programs may show them "
            "shifted.",
        ),
    ):
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            listed = ", ".join(names[:_NAMED])
            yield Finding(
                "footage", "doubt", f"{who.name}: {listed}{more} {text}", {"sources": names}
            )


def colours(
    source: Dataset, target: Dataset | None, places: list[tuple[Person, FaceIndex]]
) -> Iterator[Finding]:
    """Faces without colour, and two people whose faces have very different colours."""
    datasets = [source, target] if target is not None else [source]
    means = []
    for who, (person, index) in zip(datasets, places, strict=True):
        mean = _mean_colour(who, person, index)
        if mean is None:
            return
        means.append(mean)
        if mean[2] < _GREY:
            yield Finding(
                "colour",
                "problem" if target is not None else "doubt",
                f"{who.name}'s faces have no colour. A swap needs colour on both sides, or on "
                "none.",
                {"chroma": mean[2]},
            )
    if len(means) == 2 and min(mean[2] for mean in means) >= _GREY and target is not None:
        apart = float(np.hypot(means[0][0] - means[1][0], means[0][1] - means[1][1]))
        if apart > _CAST:
            yield Finding(
                "colour",
                "doubt",
                f"{source.name}'s and {target.name}'s faces have very different colours "
                f"({apart:.0f} apart in CIELAB): one of them may be filmed in coloured light or "
                "with a wrong white balance.",
                {"distance": apart},
            )


def _clip(source: Source) -> _Clip | None:
    try:
        with open_video(source.path) as (_, stream):
            average, guessed = stream.average_rate, stream.guessed_rate
            steady = not average or not guessed or abs(float(average / guessed) - 1) < 0.01
            codec = stream.codec_context
            rate = float(average) if average else None
            return _Clip(
                source.name, rate, steady, int(codec.color_trc), int(codec.color_primaries)
            )
    except MediaError:
        return None


def _mean_colour(
    who: Dataset, person: Person, index: FaceIndex
) -> tuple[float, float, float] | None:
    """CIELAB a and b of the middle of some faces, and their mean distance from grey."""
    ids = who.kept.ids.tolist()
    places = np.unique(np.linspace(0, max(0, len(ids) - 1), _LOOKED_AT).astype(int))
    found = []
    for face in index.faces(where=of_ids(ids[place] for place in places if ids)):
        try:
            crop = load_crop(person, face)
        except DamagedError:
            continue
        middle = crop[88:192, 80:176].astype(np.float32) / 255
        lab = cv2.cvtColor(middle, cv2.COLOR_RGB2LAB)
        chroma = float(np.hypot(lab[..., 1], lab[..., 2]).mean())
        found.append((float(lab[..., 1].mean()), float(lab[..., 2].mean()), chroma))
    if not found:
        return None
    a, b, chroma = np.mean(found, axis=0)
    return float(a), float(b), float(chroma)
