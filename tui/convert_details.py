"""What the screens around a conversion know: plain values, every text in them clean."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tui.footage import Footage
from tui.progress import Progress


@dataclass(frozen=True)
class Drawn:
    """A preview that a job drew: the frame, its picture, how many faces were replaced, and the
    picture of those alone."""

    frame: int
    path: Path
    faces: int | None = None
    close: Path | None = None


@dataclass(frozen=True)
class LookJob:
    """A job that draws previews or lists tracks; `detail` is its reason, or what it waits for."""

    id: str
    state: str
    detail: str = ""
    progress: Progress = field(default_factory=Progress)
    drawn: tuple[Drawn, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Worst:
    """One of the worst frames of a result, and why it is."""

    frame: int
    why: str
    picture: Path | None


@dataclass(frozen=True)
class Result:
    """A conversion that is done, and what a report measured of it.

    `figures` are rows of a heading and a value for each of `compared`; none where no report was
    written since. `left` are heads that were left alone, and why.
    """

    name: str
    path: Path
    input: str
    there: bool
    written: float
    frames: int = 0
    faces: int = 0
    step: int = 0
    seconds: float = 0.0
    cast: tuple[tuple[str, str], ...] = ()
    left: tuple[str, ...] = ()
    anonymity: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    figures: tuple[tuple[str, ...], ...] = ()
    worst: tuple[Worst, ...] = ()
    measured: str = ""


@dataclass(frozen=True)
class TrackRow:
    """Somebody in the footage, from a search of all of it."""

    name: str
    first: int
    last: int
    seen: int
    nearest: str
    sure: float | None
    becomes: str
    why: str
    picture: Path | None


@dataclass(frozen=True)
class ConvertDetail:
    """A swap's footage and results, and the job that is watched."""

    slug: str
    footage: tuple[Footage, ...] = ()
    results: tuple[Result, ...] = ()
    job: LookJob | None = None
    tracks: tuple[TrackRow, ...] | None = None
    """None where nobody looked for them yet."""
    problem: str = ""
