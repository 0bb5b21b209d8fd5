"""A training's curves as pictures in a report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from engine.report.charts import line_chart

POINTS = 400  # more would only make the file larger

Rows = Sequence[Mapping[str, Any]]


def training_curves(history: Rows, scores: Rows) -> list[tuple[str, str]]:
    """Captions and SVGs of what a training did; none for what there is too little of.

    history: the lines of a swap's history, with `step`, `loss` and `losses` {name: value}. scores:
    the lines of its held-out scores, with `step`, `value`, `identity`, `landmarks` and `ssim` of
    each person.
    """
    drawn = [
        ("Losses", _losses(history)),
        ("Scores on held-out faces", _scores(scores)),
    ]
    return [(caption, svg) for caption, svg in drawn if svg]


def _losses(history: Rows) -> str:
    """Every loss against the step. Where there are many points, each is the mean of neighbours."""
    lines = [line for line in history if "step" in line]
    names = sorted({name for line in lines for name in line.get("losses") or {}})
    series = {"loss": thin([(line["step"], line.get("loss")) for line in lines])}
    for name in names:
        values = [(line["step"], (line.get("losses") or {}).get(name)) for line in lines]
        series[name] = thin(values)
    return line_chart("losses against steps", list(series.items()), x="step", y="loss", log=True)


def _scores(scores: Rows) -> str:
    rows = [row for row in scores if "step" in row]
    series = [
        (label, [(float(row["step"]), _number(row.get(key))) for row in rows])
        for label, key in (
            ("score", "value"),
            ("identity distance", "identity"),
            ("landmark error", "landmarks"),
        )
    ]
    people = dict.fromkeys(("source", "target"))
    for row in rows:
        people |= dict.fromkeys(row.get("ssim") or ())
    for person in people:
        points = [(float(r["step"]), _number((r.get("ssim") or {}).get(person))) for r in rows]
        series.append((f"SSIM of the {person}", points))
    return line_chart("held-out scores against steps", series, x="step", y="value")


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def thin(points: Sequence[tuple[int, float | None]]) -> list[tuple[float, float]]:
    """As `grouped`; what a logarithm cannot show is left out."""
    return grouped([(x, y) for x, y in points if y is not None and math.isfinite(y) and y > 0])


def grouped(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most POINTS points, each the mean of as many neighbours as needed."""
    group = max(1, math.ceil(len(points) / POINTS))
    return [
        (
            sum(x for x, _ in chunk) / len(chunk),
            sum(y for _, y in chunk) / len(chunk),
        )
        for chunk in (points[i : i + group] for i in range(0, len(points), group))
    ]
