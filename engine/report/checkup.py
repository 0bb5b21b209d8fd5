"""The dataset doctor's picture: poses, expression and light of one or two people, and words."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine.datasets.checkup import Dataset, Finding
from engine.datasets.coverage import PoseCell, lacking_steps, pose_cells
from engine.report.posemap import pose_map, reach
from engine.report.sheet import REJECTED
from engine.report.stills import INK, PAPER, Picture
from projects.face_query import of_ids
from projects.faces import FaceIndex, FaceRow

COLOURS = ((86, 180, 233), (230, 159, 0))
"""Of the source and the target; told apart by the colour-blind too (Okabe, Ito)."""
_DOUBT = (240, 196, 84)
_QUIET = (140, 146, 156)
_PANEL = (230, 130)
_PANELS = (
    ("mouth", "mouth: opening", 0.0, 0.6),
    ("eyes", "eyes: opening", 0.0, 0.5),
    ("brightness", "light: brightness", 0.0, 1.0),
    ("sharpness", "sharpness", 0.0, 20.0),
    ("size", "size: pixels", 0.0, 400.0),
)
_BINS = 24
_GAP = 12
_WORDS = 9


def checkup_picture(
    datasets: Sequence[Dataset], folders: Sequence[Path], findings: Sequence[Finding]
) -> Picture:
    """uint8 [H, W, 3] RGB. datasets: the source, and the target where there is one.

    folders: of their crops; the indexes lie beside them. Places that the source lacks are framed.
    """
    cells = [pose_cells(who.kept) for who in datasets]
    wanted = lacking_steps(*(who.kept for who in datasets)) if len(datasets) == 2 else []
    reaches = [reach(cells[0], wanted), *(reach(other) for other in cells[1:])]
    extent = max(wide for wide, _ in reaches), max(high for _, high in reaches)
    maps = []
    for number, (who, folder) in enumerate(zip(datasets, folders, strict=True)):
        role = ("source", "target")[number] if len(datasets) == 2 else "dataset"
        title = f"{who.name} ({role}): {len(who.kept)} kept faces"
        if wanted and not number:
            title += "; framed: what the target needs"
        rows = _best_rows(folder.parent / "faces.sqlite", cells[number])
        framed = wanted if not number else []
        maps.append(pose_map(folder, cells[number], rows, title, wanted=framed, extent=extent))
    words = [finding for finding in findings if finding.level != "good"][:_WORDS]
    return _together(maps, _panels(datasets), words, findings)


def _together(
    maps: Sequence[Picture],
    panels: Sequence[Image.Image],
    words: Sequence[Finding],
    findings: Sequence[Finding],
) -> Picture:
    row = _GAP + len(panels) * (_PANEL[0] + _GAP)
    width = max(sum(one.shape[1] for one in maps) + _GAP, row)
    lines: list[tuple[str, tuple[int, int, int]]] = []
    for finding in words:
        colour = REJECTED if finding.level == "problem" else _DOUBT
        mark = "x" if finding.level == "problem" else "!"
        wrapped = textwrap.wrap(finding.text, max(40, width // 7))
        lines += [(f"{mark if not n else ' '} {line}", colour) for n, line in enumerate(wrapped)]
    if not words:
        lines = [("Nothing is missing.", INK)] if findings else []
    top = max(one.shape[0] for one in maps)
    height = top + _PANEL[1] + 2 * _GAP + 20 * len(lines) + _GAP
    sheet = Image.new("RGB", (width, height), PAPER)
    left = 0
    for one in maps:
        sheet.paste(Image.fromarray(one), (left, 0))
        left += one.shape[1] + _GAP
    for number, panel in enumerate(panels):
        sheet.paste(panel, (_GAP + number * (_PANEL[0] + _GAP), top + _GAP))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=14)
    for number, (line, colour) in enumerate(lines):
        draw.text((_GAP, top + _PANEL[1] + 2 * _GAP + 20 * number), line, colour, font)
    return np.asarray(sheet, dtype=np.uint8)


def _panels(datasets: Sequence[Dataset]) -> list[Image.Image]:
    """How often each value occurs, for both people over one another."""
    return [_panel(datasets, *panel) for panel in _PANELS]


def _panel(
    datasets: Sequence[Dataset], name: str, title: str, low: float, high: float
) -> Image.Image:
    panel = Image.new("RGB", _PANEL, (32, 34, 39))
    draw, small = ImageDraw.Draw(panel), ImageFont.load_default(size=11)
    draw.text((6, 9), title, INK, small, anchor="lm")
    base, reach_up = _PANEL[1] - 18, _PANEL[1] - 40
    step = (_PANEL[0] - 12) / _BINS
    for number, who in enumerate(datasets):
        values = who.kept[name][np.isfinite(who.kept[name])]
        if not len(values):
            continue
        counted, _ = np.histogram(np.clip(values, low, high), _BINS, (low, high))
        tops = base - reach_up * counted / counted.max()
        points: list[tuple[float, float]] = []
        for place, y in enumerate(tops.tolist()):
            points += [(6 + place * step, y), (6 + (place + 1) * step, y)]
        if number == 0:
            draw.polygon([(6, base), *points, (6 + _BINS * step, base)], fill=(40, 84, 110))
        draw.line(points, COLOURS[number], 2)
        draw.text((_PANEL[0] - 6, 9 + 13 * number), who.name[:12], COLOURS[number], small, "rm")
    draw.text((6, _PANEL[1] - 8), f"{low:g}", _QUIET, small, anchor="lm")
    draw.text((_PANEL[0] - 6, _PANEL[1] - 8), f"{high:g} or more", _QUIET, small, anchor="rm")
    return panel


def _best_rows(index_path: Path, cells: Sequence[PoseCell]) -> dict[int, FaceRow]:
    with FaceIndex(index_path, readonly=True) as index:
        return {row.id: row for row in index.rows(of_ids(cell.best for cell in cells))}
