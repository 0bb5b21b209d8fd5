"""Loss curves as a picture in a report."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

POINTS = 400  # more would only make the file larger
WIDTH, HEIGHT = 7.2, 3.0  # inches


def loss_curves(history: Sequence[Mapping[str, Any]]) -> str:
    """An SVG of every loss against the step; "" when there is nothing to draw.

    `history`: the lines of a swap's history, with `step`, `loss` and `losses` {name: value}. Where
    there are many, each point is the mean of its neighbours.
    """
    names = sorted({name for line in history for name in line.get("losses") or {}})
    series = {"loss": [(line["step"], line.get("loss")) for line in history if "step" in line]}
    for name in names:
        series[name] = [
            (line["step"], (line.get("losses") or {}).get(name))
            for line in history
            if "step" in line
        ]
    drawn = {name: thin(points) for name, points in series.items()}
    if len(drawn["loss"]) < 2:
        return ""
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    axes = figure.subplots()
    for name, points in drawn.items():
        if len(points) > 1:
            steps, values = zip(*points, strict=True)
            axes.plot(steps, values, label=name, linewidth=2.0 if name == "loss" else 1.0)
    axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.grid(alpha=0.3, which="both", linewidth=0.5)
    axes.legend(frameon=False, fontsize="small", ncols=4)
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def thin(points: Sequence[tuple[int, float | None]]) -> list[tuple[float, float]]:
    """At most POINTS points, each the mean of as many neighbours as needed; what a logarithm
    cannot show is left out."""
    shown = [(x, y) for x, y in points if y is not None and math.isfinite(y) and y > 0]
    group = max(1, math.ceil(len(shown) / POINTS))
    return [
        (
            sum(x for x, _ in chunk) / len(chunk),
            sum(y for _, y in chunk) / len(chunk),
        )
        for chunk in (shown[i : i + group] for i in range(0, len(shown), group))
    ]
