"""Charts of a report: SVGs that stand in the page itself and take its colours.

Text and axes are drawn in the page's own ink, so that they can be read by day and by night; lines
have colours that people with any colour vision tell apart (after M. Okabe, K. Ito, "Color Universal
Design", 2008), and different dashes besides.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from html import escape
from itertools import cycle
from typing import Any, Literal

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from engine.faces.identity import IDENTITY_THRESHOLD
from engine.quality.frames import FrameFigures

WIDTH, HEIGHT = 4.4, 2.5
"""Inches: as wide as a phone, so that letters keep their size there."""
COLOURS = ("#2f8fd0", "#e07b2a", "#1fa37c", "#c75fa8", "#c9a800", "#8b7fe8")
DASHES: Sequence[Literal["-", "--", ":", "-."]] = ("-", "--", ":", "-.")
_BAR = 0.02
_INK = "#010203"
"""Stands for the page's ink until the SVG is finished."""
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.size": 9.5,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _INK,
    "grid.alpha": 0.15,
    "grid.linewidth": 0.6,
    "axes.grid": True,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
}

Points = Sequence[tuple[float, float]]


def line_chart(
    name: str,
    series: Sequence[tuple[str, Points]],
    *,
    x: str,
    y: str,
    log: bool = False,
    level: tuple[float, str] | None = None,
) -> str:
    """Lines over one another, "" when there is nothing to draw.

    name: what the chart is called where it cannot be seen, and unique on its page. series: a label
    and points (x, y) each; points that are not numbers leave a gap. level: a marked value of y.
    """
    drawn = [(label, points) for label, points in series if _known(points) > 1]
    if not drawn:
        return ""
    with style.context([_STYLE, {"svg.hashsalt": name}]):
        figure, axes = _figure()
        for (label, points), colour, dash in zip(
            drawn, cycle(COLOURS), cycle(DASHES), strict=False
        ):
            xs, ys = zip(*points, strict=True)
            axes.plot(xs, ys, dash, color=colour, label=label, linewidth=1.6)
        if log:
            axes.set_yscale("log")
        if level is not None:
            axes.axhline(level[0], color=_INK, linewidth=1, linestyle=(0, (1, 2)), label=level[1])
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        _legend(axes, len(drawn) + (level is not None))
        return _svg(figure, name)


def identity_chart(name: str, frames: Sequence[FrameFigures]) -> str:
    """How far the result's faces are from both people, and the footage's own from the target."""
    kinds = (
        ("result to source", [f.to_source for f in frames]),
        ("result to target", [f.to_target for f in frames]),
        ("footage to target", [f.own_to_target for f in frames]),
    )
    known = [(label, [v for v in values if math.isfinite(v)]) for label, values in kinds]
    if not all(values for _, values in known):
        return ""
    low = min(min(values) for _, values in known)
    high = max(max(values) for _, values in known)
    first = math.floor(min(low, IDENTITY_THRESHOLD) / _BAR)
    last = math.ceil(max(high, IDENTITY_THRESHOLD) / _BAR)
    edges = [i * _BAR for i in range(first, last + 2)]
    with style.context([_STYLE, {"svg.hashsalt": name}]):
        figure, axes = _figure()
        for (label, values), colour, hatch in zip(known, COLOURS, ("", "//", ".."), strict=False):
            axes.hist(
                values, edges, color=colour, alpha=0.55, label=label, edgecolor=colour, hatch=hatch
            )
        axes.axvline(
            IDENTITY_THRESHOLD,
            color=_INK,
            linewidth=1,
            linestyle=(0, (1, 2)),
            label=f"one person: up to {IDENTITY_THRESHOLD:g}",
        )
        axes.set_xlabel("distance of embeddings")
        axes.set_ylabel("frames")
        _legend(axes, 4)
        return _svg(figure, name)


def _known(points: Points) -> int:
    return sum(math.isfinite(value) for _, value in points)


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.subplots()
    axes.patch.set_alpha(0)
    return figure, axes


def _legend(axes: Axes, entries: int) -> None:
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2 if entries > 1 else 1, borderpad=0.1
    )


def _svg(figure: Figure, name: str) -> str:
    """The figure as an element of a page: no header, only the names that it uses itself."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None}, transparent=True)
    text = file.getvalue()
    text = re.sub(r"<(metadata|style).*?</\1>", "", text[text.index("<svg") :], flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda known: known[0] if known[1] in used else "", text)
    text = text.replace(_INK, "currentColor")
    text = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", text)
    box = f'viewBox="0 0 {figure.get_figwidth() * 72:g} {figure.get_figheight() * 72:g}"'
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    label = f'role="img" aria-label="{escape(name)}"'
    return re.sub(r"^<svg[^>]*>", lambda _: f"<svg {names} {box} {label}>", text)
