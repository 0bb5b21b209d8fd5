"""Whether each default is the measured best."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.bench.quality.run import Row
from engine.bench.quality.variants import DEFAULTS, NO_CHOICES

SAME = 0.05
"""Decibels by which a choice must be better to count as better."""


@dataclass(frozen=True)
class Verdict:
    """One stage: its best other choice, how many dB that gains over the default (less than 0 where
    it loses), and how its flicker compares (1 is the same)."""

    stage: str
    choice: str
    gain: float
    flicker: float

    @property
    def default_is_best(self) -> bool:
        return self.gain <= SAME


def verdicts(rows: Iterable[Row]) -> list[Verdict]:
    """One for each stage, by PSNR in place."""
    by_stage: dict[str, list[Row]] = {}
    for row in rows:
        by_stage.setdefault(row.variant.stage, []).append(row)
    [default] = by_stage[DEFAULTS]
    return [
        Verdict(
            stage,
            best.variant.choice,
            best.mean.psnr - default.mean.psnr,
            best.mean.flicker / default.mean.flicker,
        )
        for stage, tried in by_stage.items()
        if stage not in NO_CHOICES
        for best in [max(tried, key=lambda row: row.mean.psnr)]
    ]
