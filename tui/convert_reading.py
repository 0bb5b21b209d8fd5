"""Reads what conversions left: results with their records, the report's figures, previews, tracks.

A key is SWAP/JOB/FOOTAGE: the swap's slug, the id of the job that is watched ("" for none), and the
stem of the footage whose tracks are wanted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from projects import jobs
from projects.errors import SwapdeckError
from projects.files import inside
from projects.swaps import Swap, load_swap
from projects.texts import read_json
from projects.workspace import Workspace
from tui import text
from tui.convert_details import ConvertDetail, Drawn, LookJob, Result, TrackRow, Worst
from tui.footage import Footage, describe, sources_of
from tui.progress import Buckets, Progress, fold, number, whole
from tui.snapshot import Detail
from tui.text import clean

if TYPE_CHECKING:
    from tui.reading import Reader

RECORD = ".conversion.json"
REPORT = "report.json"
PREVIEWS = Path("previews", "convert")
MOST_LEFT = 20
# What is shown of a report, in this order; the heading, and how a value is written.
_FIGURES: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("to_source", "distance to source", lambda v: f"{v:.3f}"),
    ("to_target", "distance to target", lambda v: f"{v:.3f}"),
    ("still_target", "frames still the target", lambda v: f"{v:.0%}"),
    ("landmark_error", "landmark error", lambda v: f"{v:.3f}"),
    ("pose_error", "pose error", lambda v: f"{v:.1f}°"),
    ("mouth_correlation", "mouth follows", lambda v: f"{v:.2f}"),
    ("eye_correlation", "eyes follow", lambda v: f"{v:.2f}"),
    ("flicker", "flicker", lambda v: f"{v:.2f}"),
    ("seam", "seam", lambda v: f"{v:.2f}"),
    ("missed", "faces not found", lambda v: f"{v:.0%}"),
    ("in_place_psnr", "PSNR in place", lambda v: f"{v:.2f} dB"),
    ("in_place_ssim", "SSIM in place", lambda v: f"{v:.3f}"),
    ("background_loss", "background lost", lambda v: f"{v:.2f} dB"),
)


def read_convert(reader: Reader, ws: Workspace, key: str) -> Detail:
    """What the screens of a conversion show. Raises SwapdeckError when nothing can be read."""
    slug, _, rest = key.partition("/")
    job, _, stem = rest.partition("/")
    try:
        swap = load_swap(inside(ws.swaps, slug))
    except SwapdeckError as error:
        return ConvertDetail(slug, problem=clean(error))
    results = _results(swap)
    return ConvertDetail(
        slug,
        _footage(ws, swap, results),
        results,
        _job(ws, swap, job) if job else None,
        _tracks(swap, stem) if stem else None,
    )


def _footage(ws: Workspace, swap: Swap, results: tuple[Result, ...]) -> tuple[Footage, ...]:
    """The target's own sources, and what was converted before."""
    sources = sources_of(ws.people / swap.target)
    known = {str(one.path) for one in sources}
    others = dict.fromkeys(one.input for one in results if one.input not in known)
    return (*sources, *(describe(Path(path)) for path in others if path))


# Jobs.


def _job(ws: Workspace, swap: Swap, identity: str) -> LookJob | None:
    try:
        job = jobs.get_job(ws, identity)
        events = jobs.read_events(job)[0]
        state = jobs.state(job)
    except SwapdeckError:
        return None
    progress = fold(Progress(), events, Buckets())
    drawn = []
    for event in events:
        frame = whole(event.get("frame"))
        if event.get("kind") == "preview" and frame is not None:
            with suppress(SwapdeckError, ValueError):
                path = inside(swap.root, str(event.get("path")))
                named = event.get("close")
                close = inside(swap.root, named) if isinstance(named, str) else None
                drawn.append(Drawn(frame, path, whole(event.get("faces")), close))
    return LookJob(
        job.id, state.name, clean(state.detail), progress, tuple(drawn), progress.warnings
    )


# Tracks.


def _tracks(swap: Swap, stem: str) -> tuple[TrackRow, ...] | None:
    try:
        folder = inside(swap.root, str(PREVIEWS / f"{stem}-tracks"))
        rows = read_json(folder / "tracks.json")["tracks"]
        return tuple(row for row in (_track(folder, one) for one in rows) if row is not None)
    except (SwapdeckError, KeyError, TypeError, ValueError):
        return None


def _track(folder: Path, row: Any) -> TrackRow | None:
    if not isinstance(row, dict):
        return None
    picture = None
    if isinstance(row.get("picture"), str):
        with suppress(SwapdeckError, ValueError):
            picture = inside(folder, row["picture"])
    return TrackRow(
        clean(row.get("name") or "", 40),
        whole(row.get("first")) or 0,
        whole(row.get("last")) or 0,
        whole(row.get("seen")) or 0,
        clean(row.get("nearest") or "", 80),
        number(row.get("confidence")),
        clean(row.get("role") or "", 80),
        clean(row.get("why") or "", 80),
        picture,
    )


# Results.


def _results(swap: Swap) -> tuple[Result, ...]:
    """The conversions whose record can be read, the newest first."""
    try:
        records = [p for p in swap.results_dir.iterdir() if p.name.endswith(RECORD)]
    except OSError:
        return ()
    report = swap.results_dir / REPORT
    measured = _measured(report, _changed(report))
    found = []
    for path in records:
        if path.name.startswith("."):
            continue
        values = _values(path, _changed(path))
        if values and isinstance(values.get("output"), str):
            found.append(_result(swap, path, values, measured))
    return tuple(sorted(found, key=lambda one: one.written, reverse=True))


def _result(
    swap: Swap, record: Path, values: dict[str, Any], measured: tuple[str, dict[str, Any]]
) -> Result:
    output = Path(str(values["output"]))
    at, parts = measured
    part = parts.get(str(values["output"]), {})
    compared, figures = _figures(part)
    return Result(
        clean(output.name),
        output,
        str(values.get("input") or ""),
        _is_there(output),
        _changed(record) / 1e9,
        whole(values.get("frames")) or 0,
        whole(values.get("faces")) or 0,
        whole(values.get("step")) or 0,
        number(values.get("seconds")) or 0.0,
        _cast(values.get("cast")),
        _left(values.get("tracks")),
        _anonymity(values.get("anonymity")),
        compared,
        figures,
        _worst(swap, part),
        at if part else "",
    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _cast(cast: Any) -> tuple[tuple[str, str], ...]:
    pairs = cast if isinstance(cast, list) else []
    return tuple(
        (clean(pair[0], 60), clean(pair[1], 60))
        for pair in pairs
        if isinstance(pair, list) and len(pair) == 2
    )


def _left(tracks: Any) -> tuple[str, ...]:
    """Who was left as they were, and why."""
    rows = tracks if isinstance(tracks, list) else []
    return tuple(
        f"track:{whole(row.get('track')) or 0}: {clean(row.get('why') or 'not cast', 80)}"
        for row in rows
        if isinstance(row, dict) and row.get("role") is None
    )[:MOST_LEFT]


def _anonymity(found: Any) -> tuple[str, ...]:
    people = found.items() if isinstance(found, dict) else ()
    return tuple(
        f"{clean(who, 60)}: "
        + ", ".join(
            f"{clean(name, 30).replace('_', ' ')} {text.figure(value)}"
            for name, value in values.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        )
        for who, values in people
        if isinstance(values, dict)
    )


def _figures(part: dict[str, Any]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """What rows a report compares, and their figures a line each."""
    try:
        rows = [row for row in part["quality"]["rows"] if isinstance(row, dict)][:3]
    except (KeyError, TypeError):
        return (), ()
    lines = []
    for key, heading, show in _FIGURES:
        values = [number(row.get(key)) for row in rows]
        if any(value is not None and math.isfinite(value) for value in values):
            lines.append((heading, *("-" if v is None else show(v) for v in values)))
    return tuple(clean(row.get("name") or "", 24) for row in rows), tuple(lines)


def _worst(swap: Swap, part: dict[str, Any]) -> tuple[Worst, ...]:
    found = []
    rows = part.get("worst")
    for row in rows if isinstance(rows, list) else []:
        if not isinstance(row, dict):
            continue
        picture = None
        if isinstance(row.get("picture"), str):
            with suppress(SwapdeckError, ValueError):
                picture = inside(swap.results_dir, row["picture"])
        found.append(Worst(whole(row.get("frame")) or 0, clean(row.get("why") or ""), picture))
    return tuple(found)


def _measured(report: Path, changed: int) -> tuple[str, dict[str, Any]]:
    """When the report was written, and its conversions by their output."""
    values = _values(report, changed)
    rows = values.get("conversions")
    parts = {
        str(row["output"]): row
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and isinstance(row.get("output"), str)
    }
    return clean(values.get("written") or "", 40), parts


@lru_cache(maxsize=64)
def _values(path: Path, changed: int) -> dict[str, Any]:
    """A record; nothing where it cannot be read. Read once for each time it was written."""
    try:
        values = read_json(path) if changed else {}
    except SwapdeckError:
        return {}
    return values if isinstance(values, dict) else {}


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
