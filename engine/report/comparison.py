"""Trainings side by side: their curves in one picture, their figures in one table."""

from __future__ import annotations

import io
import statistics
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from engine.media.errors import MediaError
from engine.media.pictures import Image, read_picture
from engine.report.charts import COLOURS, DASHES
from engine.report.curves import grouped
from engine.text import clean
from projects.errors import SwapdeckError
from projects.runs import Moment, Training

_WIDTH = 11.0
_ROW, _STRIP = 2.3, 3.4
"""Inches: of a pair of charts, of the previews."""
_MOST_PARTS, _LONGEST = 12, 40
"""Parts of a loss, and letters of their names; what a file says beyond is damage."""


def figures(training: Training) -> dict[str, Any]:
    """What a training came to; None for what is not known.

    steps_per_second is the median, stall that of the newest run, memory the most in bytes, loss
    the mean of the last twentieth.
    """
    history, best = training.history, training.best
    last = history[-1] if history else None
    lately = history[-max(1, len(history) // 20) :]
    scored = training.scores[-1] if training.scores else None
    return {
        "swap": training.label,
        "source": training.swap.source,
        "target": training.swap.target,
        "step": None if last is None else last.step,
        "seconds": None if last is None else last.seconds,
        "steps_per_second": _known(history, "rate", statistics.median),
        "stall": _known(history[-1:], "stall", max),
        "memory": _known(history, "memory", max),
        "device": training.device,
        "loss": _known(lately, "loss", statistics.fmean),
        "score": None if scored is None else scored.values.get("value"),
        "best_score": None if best is None else best.values["value"],
        "best_step": None if best is None else best.step,
        "best_seconds": None if best is None else best.seconds,
        "best_parts": {}
        if best is None
        else {k: v for k, v in best.values.items() if k != "value"},
        "runs": list(training.runs),
    }


def differing(trainings: Sequence[Training]) -> dict[str, list[Any]]:
    """Settings that are not the same in all of them: the value in each, None where it has none."""
    names = dict.fromkeys(name for one in trainings for name in one.settings)
    values = {name: [one.settings.get(name) for one in trainings] for name in names}
    return {name: each for name, each in values.items() if any(v != each[0] for v in each)}


def differing_faces(trainings: Sequence[Training]) -> dict[str, list[str | None]]:
    """Roles whose dataset is not the same in all: its fingerprint in each."""
    roles = dict.fromkeys(role for one in trainings for role in one.fingerprints)
    prints = {role: [one.fingerprints.get(role) for one in trainings] for role in roles}
    return {role: each for role, each in prints.items() if any(p != each[0] for p in each)}


def comparison_picture(trainings: Sequence[Training]) -> bytes:
    """A PNG: every curve against steps and against time, then the newest previews side by side.

    Raises SwapdeckError when none of them has a curve.
    """
    charts = _charts(trainings)
    if not charts:
        names = ", ".join(one.label for one in trainings)
        raise SwapdeckError(
            f"There is nothing to draw: {names} have no history of a training here. Train them "
            "first: swapdeck train SWAP"
        )
    shown = [(one, picture) for one in trainings if (picture := _preview(one)) is not None]
    height = _ROW * len(charts)
    strip = _STRIP if shown else 0.0
    figure = Figure(figsize=(_WIDTH, 0.5 + height + strip), layout="constrained")
    heights = [_ROW] * len(charts) + [strip] * bool(shown)
    grid = figure.add_gridspec(len(heights), 2 * max(1, len(shown)), height_ratios=heights)
    half = max(1, len(shown))
    for row, (name, keys) in enumerate(charts):
        left = figure.add_subplot(grid[row, :half])
        right = figure.add_subplot(grid[row, half:])
        _draw(left, trainings, name, keys, lambda moment: float(moment.step))
        _draw(right, trainings, name, keys, _minutes)
        if row == len(charts) - 1:
            left.set_xlabel("steps")
            right.set_xlabel("minutes of training")
    _legend(figure, trainings)
    for number, (training, picture) in enumerate(shown):
        place = figure.add_subplot(grid[len(charts), 2 * number : 2 * number + 2])
        place.imshow(picture)
        place.set_axis_off()
        place.set_title(f"{training.label}, step {training.previews[-1][0]:,}", fontsize=9)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()


def _charts(trainings: Sequence[Training]) -> list[tuple[str, tuple[str, ...]]]:
    """Titles, and which values each chart shows."""
    there = {
        name for one in trainings for row in (*one.history, *one.scores) for name in row.values
    }
    parts = sorted(name for name in there if name.startswith("losses."))[:_MOST_PARTS]
    wanted = [
        ("loss", ("loss",)),
        *((f"loss: {_plain(name.removeprefix('losses.'))}", (name,)) for name in parts),
        ("held-out score", ("value",)),
        ("SSIM of source (thick) and target", ("ssim.source", "ssim.target")),
        ("distance to source", ("identity",)),
        ("landmark error", ("landmarks",)),
        ("steps a second", ("rate",)),
    ]
    return [(title, keys) for title, keys in wanted if there.intersection(keys)]


def _plain(name: str) -> str:
    """A name from a file, of which no letter is a formula to matplotlib."""
    return clean(name)[:_LONGEST].replace("$", r"\$")


def _draw(
    axes: Axes,
    trainings: Sequence[Training],
    title: str,
    keys: Sequence[str],
    place: Callable[[Moment], float | None],
) -> None:
    logarithmic = title.startswith("loss")
    for training, colour, dash in zip(trainings, cycle(COLOURS), cycle(DASHES), strict=False):
        for number, key in enumerate(keys):
            points = _points((*training.history, *training.scores), key, place)
            if logarithmic:
                points = [point for point in points if point[1] > 0]
            xs, ys = [x for x, _ in points], [y for _, y in points]
            mark = "o" if len(points) == 1 else ""
            axes.plot(xs, ys, dash, marker=mark, color=colour, linewidth=(1.6, 0.8)[number % 2])
    if logarithmic:
        axes.set_yscale("log")
    axes.set_title(title, fontsize=9, loc="left")
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.2)
    axes.spines[["top", "right"]].set_visible(False)


def _points(
    moments: Sequence[Moment], key: str, place: Callable[[Moment], float | None]
) -> list[tuple[float, float]]:
    found = [
        (x, one.values[key])
        for one in moments
        if key in one.values and (x := place(one)) is not None
    ]
    return grouped(found)


def _minutes(moment: Moment) -> float | None:
    return None if moment.seconds is None else moment.seconds / 60


def _legend(figure: Figure, trainings: Sequence[Training]) -> None:
    lines, labels = [], []
    for one, colour, dash in zip(trainings, cycle(COLOURS), cycle(DASHES), strict=False):
        lines.append(Line2D([], [], color=colour, linestyle=dash))
        labels.append(one.label if one.history or one.scores else f"{one.label} (no history)")
    figure.legend(
        lines, labels, loc="outside upper center", ncols=min(4, len(labels)), frameon=False
    )


def _preview(training: Training) -> Image | None:
    """The newest preview, uint8 [H, W, 3] RGB; None where there is none that can be read."""
    if not training.previews:
        return None
    try:
        return read_picture(training.previews[-1][1])
    except MediaError:
        return None


def _known(
    moments: Sequence[Moment], name: str, taken: Callable[[list[float]], float]
) -> float | None:
    values = [one.values[name] for one in moments if name in one.values]
    return taken(values) if values else None
