"""The dataset doctor: what is missing before a training, in sentences that say what to gather."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from engine.datasets.duplicates import duplicates
from engine.datasets.measures import Measures
from engine.text import count

Level = Literal["problem", "doubt", "good"]
FEW: Final = 100
"""Kept faces below which a training cannot become good."""
SOME: Final = 500
"""Kept faces below which a training would gain from more."""
_SAME: Final = 0.6
"""Part of the faces that may look like another before it is said."""
_REJECTED: Final = 0.5
_SHOT: Final = 0.9


@dataclass(frozen=True)
class Dataset:
    """A person's name and slug, their kept faces, and why how many others are not."""

    name: str
    slug: str
    kept: Measures
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """Something about the datasets: what it is about, how bad it is, a sentence, and figures."""

    about: str
    level: Level
    text: str
    figures: dict[str, Any] = field(default_factory=dict)


def alone(who: Dataset) -> Iterator[Finding]:
    """What can be said about one dataset by itself."""
    kept = len(who.kept)
    figures = {"kept": kept, "rejected": who.reasons}
    if kept < FEW:
        yield Finding(
            "number",
            "problem",
            f"{who.name} has {count(kept, 'kept face')}. That is too few: bring in more footage, "
            f"at least {FEW} faces and better {SOME}.",
            figures,
        )
    elif kept < SOME:
        yield Finding(
            "number",
            "doubt",
            f"{who.name} has {count(kept, 'kept face')}. More footage in other light and poses "
            f"helps up to {SOME} and beyond.",
            figures,
        )
    else:
        yield Finding("number", "good", f"{who.name} has {count(kept, 'kept face')}.", figures)
    yield from _rejected(who)
    if not kept:
        return
    yield from _duplicates(who)
    yield from _one_shot(who)
    yield from _unmeasured(who)


def _rejected(who: Dataset) -> Iterator[Finding]:
    total = len(who.kept) + sum(who.reasons.values())
    if total and sum(who.reasons.values()) > _REJECTED * total:
        most = max(who.reasons, key=lambda reason: who.reasons[reason])
        yield Finding(
            "rejected",
            "doubt",
            f"Of {who.name}'s {total} faces {1 - len(who.kept) / total:.0%} are rejected, most of "
            f'them as "{most}". Look at them: swapdeck faces sheet {who.slug} --rejected',
            {"reasons": who.reasons},
        )


def _duplicates(who: Dataset) -> Iterator[Finding]:
    extra = sum(map(len, duplicates(who.kept).values()))
    share = extra / len(who.kept)
    if share > _SAME:
        yield Finding(
            "duplicates",
            "doubt",
            f"{share:.0%} of {who.name}'s faces look like another of them: there is less to learn "
            f"from than their number says. swapdeck faces dedupe {who.slug} leaves one of each.",
            {"share": share, "different": len(who.kept) - extra},
        )


def _one_shot(who: Dataset) -> Iterator[Finding]:
    shots: dict[tuple[str, int], int] = {}
    for source, track in zip(who.kept.sources, who.kept.tracks.tolist(), strict=True):
        shots[source, track] = shots.get((source, track), 0) + 1
    largest = max(shots.values()) / len(who.kept)
    if largest > _SHOT and len(who.kept) >= FEW:
        yield Finding(
            "shots",
            "doubt",
            f"{largest:.0%} of {who.name}'s faces come from one shot, in one light. Footage of "
            "another day makes the model hold in more scenes.",
            {"shots": len(shots), "largest": largest},
        )


def _unmeasured(who: Dataset) -> Iterator[Finding]:
    missing = int(np.isnan(who.kept["mouth"]).sum())
    if missing:
        yield Finding(
            "measures",
            "doubt",
            f"{count(missing, 'face')} of {who.name} were found by an older swapdeck, which did "
            "not measure light and expression: they are left out of what is said about these. "
            f"swapdeck extract {who.slug} --again measures them.",
            {"faces": missing},
        )


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Problems, then doubts, then what is good; otherwise in their order."""
    order: tuple[Level, ...] = ("problem", "doubt", "good")
    return sorted(findings, key=lambda finding: order.index(finding.level))
