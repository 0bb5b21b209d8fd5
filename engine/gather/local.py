"""Files, folders and patterns of names on this machine."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.gather.intake import VIDEO_SUFFIXES, Arrival, GatherError, Intake
from engine.media.pictures import PICTURE_SUFFIXES
from engine.reporting import Reporter
from projects.names import printable

_STAGE: Final = "gather"
_TAKEN: Final = PICTURE_SUFFIXES | VIDEO_SUFFIXES


@dataclass(frozen=True)
class _Candidate:
    path: Path
    named: bool
    """Asked for by its own name, not found in a folder."""


def take_paths(paths: Sequence[Path], patterns: Sequence[str], intake: Intake) -> None:
    """Copy videos and pictures into the sources: files, folders with all that is below them, and
    what the patterns (`*`, `?`, `[…]`, `**`) match.

    A file that is no video or picture is refused; of folders and patterns, only files whose names
    say that they are one are looked at. Raises SwapdeckError when a copy fails, and StopRequested
    between two files.
    """
    candidates = [one for path in paths for one in _candidates(path, intake)]
    for pattern in patterns:
        found = [
            one for path in _matches(pattern) for one in _candidates(path, intake, named=False)
        ]
        if not found:
            shown = printable(pattern)
            nothing = GatherError(f"There is no video and no picture that matches {shown}.")
            intake.refuse(shown, nothing, named=True)
        candidates += found
    reporter = intake.reporter
    reporter.event("stage", name=_STAGE, total=len(candidates), unit="files")
    for done, candidate in enumerate(candidates):
        reporter.check()
        _progress(reporter, done, len(candidates), candidate.path.name)
        origin = str(candidate.path.absolute())
        arrival = Arrival(candidate.path, origin, candidate.named)
        intake.attempt(arrival, intake.settings.duplicates or "keep")
    _progress(reporter, len(candidates), len(candidates), "")


def _candidates(path: Path, intake: Intake, *, named: bool = True) -> Iterator[_Candidate]:
    if not path.is_dir():
        if named or path.suffix.lower() in _TAKEN:
            yield _Candidate(path, named)
        return

    def refuse(error: OSError) -> None:
        what = f"The folder {printable(str(error.filename))} cannot be read ({error.strerror})."
        top = named and str(error.filename) == str(path)
        intake.refuse(str(error.filename), GatherError(what), top)

    for folder, folders, files in os.walk(path, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            file = Path(folder, name)
            if not name.startswith(".") and file.suffix.lower() in _TAKEN:
                yield _Candidate(file, named=False)


def _matches(pattern: str) -> list[Path]:
    return [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207


def _progress(reporter: Reporter, done: int, total: int, text: str) -> None:
    reporter.event("progress", stage=_STAGE, done=done, total=total, rate=None, eta=None, text=text)
