"""A face in words: its figures, whether it is in the dataset, and why not."""

from __future__ import annotations

import math
from collections.abc import Mapping

from textual.content import Content

from projects.faces import FaceRow
from tui.text import clean

WHY = {
    "stranger": "it shows somebody else",
    "too small": "it is less wide than the smallest that was asked for",
    "too dark": "it is too dark to learn from",
    "blurred": "it is not sharp enough",
    "covered": "something covers a part of it",
    "false face": "it is no face",
    "eyes off frame": "an eye is beyond the frame's border",
    "duplicate": "another face looks the same",
    "not judged yet": "the search has not ended",
    "source removed": "its source was taken away",
}


def measured(value: float, digits: int = 2, unit: str = "") -> str:
    """A figure with its unit; "-" when it was not measured."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}{unit}"


def state(row: FaceRow) -> Content:
    """Kept or rejected, and why, as glyph + word + colour."""
    if row.kept:
        words = f"kept {clean(row.reason)}".rstrip()
        return Content.styled(f"✓ {words}", "$success")
    return Content.styled(f"✗ {clean(row.reason)}", "$error")


def why(row: FaceRow) -> str:
    """Why a face was rejected, as a sentence; "" for one that is kept."""
    if row.kept:
        return ""
    reason = clean(row.reason)
    if reason == "by hand":
        return "Rejected by hand."
    if reason.startswith(("by hand: ", "rule: ")):
        kind, _, words = reason.partition(": ")
        return f"Rejected by {'hand' if kind == 'by hand' else 'the rule'}: {words}"
    explained = WHY.get(reason)
    figure = {
        "blurred": f" (sharpness {measured(row.sharpness)})",
        "too small": f" ({measured(row.size, 0)} px)",
        "too dark": f" (light {measured(row.brightness)})",
        "covered": f" (covered {measured(row.covered)})",
        "stranger": f" ({measured(row.likeness)} apart)",
    }.get(reason, "")
    return f"Rejected as {reason}{figure}" + (f": {explained}." if explained else ".")


def caption(row: FaceRow, sort: str) -> str:
    """The one figure that stands under a face: what it is sorted by."""
    if sort in ("state", "track", "id"):
        return str(row.track if sort == "track" else row.id)
    if sort in ("yaw", "pitch", "roll"):
        return f"{getattr(row, sort):+.0f}°"
    if sort == "size":
        return measured(row.size, 0, " px")
    if sort == "time":
        return clock(row.time)
    return measured(getattr(row, sort))


def clock(seconds: float) -> str:
    """A moment in a video: 1:02:03, 4:05.2."""
    if not math.isfinite(seconds):
        return "-"
    minutes, rest = divmod(max(0.0, seconds), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:02.0f}" if hours else f"{minutes}:{rest:04.1f}"


def figures(row: FaceRow, sources: Mapping[str, str]) -> list[tuple[str, str]]:
    """Everything that is known of a face: names and values."""
    left, top, right, bottom = row.box
    return [
        ("face", f"{row.id}"),
        ("source", sources.get(row.source, row.source[:12])),
        ("frame", f"{row.frame:,} at {clock(row.time)}"),
        ("track", "unknown" if row.track < 0 else str(row.track)),
        ("place", f"{right - left} by {bottom - top} at {left}, {top}"),
        ("yaw", f"{row.yaw:+.1f}°"),
        ("pitch", f"{row.pitch:+.1f}°"),
        ("roll", f"{row.roll:+.1f}°"),
        ("sharpness", measured(row.sharpness)),
        ("size", measured(row.size, 0, " px")),
        ("light", measured(row.brightness)),
        ("mouth", measured(row.mouth)),
        ("eyes", measured(row.eyes)),
        ("apart", measured(row.likeness, 3)),
        ("landmarks", measured(row.confidence)),
        ("covered", measured(row.covered)),
    ]


def line(row: FaceRow, sources: Mapping[str, str]) -> Content:
    """A face in one line, for under the gallery."""
    source = sources.get(row.source, row.source[:12])
    parts = [
        f"{row.id}  {source} {clock(row.time)}",
        f"yaw {row.yaw:+.0f}° pitch {row.pitch:+.0f}°",
        f"sharp {measured(row.sharpness)}",
        measured(row.size, 0, " px"),
        f"apart {measured(row.likeness)}",
    ]
    return Content.styled(" · ".join(parts), "$quiet")
