"""Bringing in files and folders from this machine."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from engine.media import MediaError, MediaInfo, probe
from engine.media.pictures import PICTURE_SUFFIXES
from engine.reporting import Reporter
from projects.errors import SwapdeckError
from projects.people import Person
from projects.sources import Source, add_source

VIDEO_SUFFIXES: Final = frozenset(
    {
        *(".3gp", ".asf", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4"),
        *(".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv"),
    }
)
"""What is taken from a folder as video; a file that is named by itself may have any name."""
_STAGE: Final = "gather"


class GatherError(SwapdeckError):
    """Something that was asked for could not be brought in; the rest was."""


@dataclass(frozen=True)
class Refused:
    """A file that was not brought in, and why, as a sentence."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Gathered:
    """What became of everything that was asked for."""

    added: tuple[Source, ...]
    known: tuple[Source, ...]
    """Sources whose content was there already."""
    refused: tuple[Refused, ...]


@dataclass(frozen=True)
class _Candidate:
    path: Path
    named: bool
    """Asked for by its own name, not found in a folder."""


def gather_paths(person: Person, paths: Sequence[Path], reporter: Reporter) -> Gathered:
    """Copy videos and pictures into a person's sources; folders with all that is below them.

    Each file is opened first, and one that is no video or picture is left out with a warning.
    Raises GatherError at the end when a file that was named itself was left out, or when nothing
    was found at all; what could be brought in stays. Raises SwapdeckError when a copy fails, and
    StopRequested between two files.
    """
    candidates = [candidate for path in paths for candidate in _candidates(path)]
    reporter.event("stage", name=_STAGE, total=len(candidates), unit="files")
    added: dict[str, Source] = {}
    known: dict[str, Source] = {}
    refused: list[Refused] = []
    named_refused: list[Refused] = []
    for done, candidate in enumerate(candidates):
        reporter.check()
        _progress(reporter, done, len(candidates), candidate.path.name)
        try:
            info = probe(candidate.path)
        except MediaError as error:
            refusal = Refused(candidate.path, str(error))
            refused.append(refusal)
            if candidate.named:
                named_refused.append(refusal)
            reporter.event("warning", text=f"Left out: {error}")
            continue
        origin = str(candidate.path.absolute())
        source, new = add_source(person, candidate.path, _kind(info), origin)
        if new:
            added[source.digest] = source
        elif source.digest not in added:
            known[source.digest] = source
    _progress(reporter, len(candidates), len(candidates), "")
    gathered = Gathered(tuple(added.values()), tuple(known.values()), tuple(refused))
    if named_refused or not (added or known):
        raise GatherError(_summary(person, paths, gathered, named_refused))
    return gathered


def _candidates(path: Path) -> Iterator[_Candidate]:
    if not path.is_dir():
        yield _Candidate(path, named=True)
        return
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            file = Path(folder, name)
            suffix = file.suffix.lower()
            if not name.startswith(".") and suffix in PICTURE_SUFFIXES | VIDEO_SUFFIXES:
                yield _Candidate(file, named=False)


def _kind(info: MediaInfo) -> Literal["video", "image"]:
    return "video" if info.kind == "video" else "image"


def _progress(reporter: Reporter, done: int, total: int, text: str) -> None:
    reporter.event("progress", stage=_STAGE, done=done, total=total, rate=None, eta=None, text=text)


def _summary(
    person: Person, paths: Sequence[Path], gathered: Gathered, refused: list[Refused]
) -> str:
    if refused:
        reasons = " ".join(refusal.reason for refusal in refused)
        number = len(gathered.added) + len(gathered.known)
        others = f" The rest was brought in for {person.name}: {number} files." if number else ""
        return f"{reasons}{others}"
    if gathered.refused:
        return (
            f"None of the {len(gathered.refused)} files could be used. The first: "
            f"{gathered.refused[0].reason}"
        )
    listed = ", ".join(str(path) for path in paths)
    return f"There is no video and no picture in {listed}. Name the files, or another folder."
