"""Footage to be converted: what a file or folder is, how long it is, where to look for more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from projects.errors import SwapdeckError
from projects.people import load_person
from projects.sources import list_sources
from tui.folders import kind_of, list_folder
from tui.text import clean
from tui.videoheader import UnreadableError, read_video

MOST_SOURCES = 50
UNKNOWN_STEP = 25
"""Frames that a step goes on where nobody knows how many there are."""


@dataclass(frozen=True)
class Footage:
    """Something that can be converted. `frames` is 0 where its header does not say; `problem` is a
    sentence about a file that cannot be read."""

    path: Path
    name: str
    frames: int = 0
    seconds: float = 0.0
    problem: str = ""

    @property
    def stride(self) -> int:
        """How many frames a step through it goes on: a twentieth of it."""
        return max(1, self.frames // 20) if self.frames else UNKNOWN_STEP


def describe(path: Path, name: str = "") -> Footage:
    """What is at `path`, from its header alone; never raises."""
    shown = clean(name or path.name)
    try:
        found = path.stat()
        if path.is_dir():
            pictures = [one for one in list_folder(path).entries if one.kind == "picture"]
            problem = "" if pictures else "The folder holds no pictures."
            return Footage(path, f"{shown}/", len(pictures), problem=problem)
        if kind_of(path) == "picture":
            return Footage(path, shown, 1)
        return replace(_video(path, found.st_mtime_ns, found.st_size), name=shown)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "that is no path"
        return Footage(path, shown, problem=f"It cannot be read: {clean(why)}.")


def sources_of(root: Path) -> tuple[Footage, ...]:
    """The videos among the sources of the person in the folder `root`, by their own names."""
    try:
        sources = list_sources(load_person(root))
    except SwapdeckError:
        return ()
    videos = [source for source in sources if source.kind == "video"]
    return tuple(describe(source.path, source.name) for source in videos[:MOST_SOURCES])


@lru_cache(maxsize=256)
def _video(path: Path, changed: int, size: int) -> Footage:
    try:
        video = read_video(path)
    except UnreadableError:
        return Footage(path, path.name)  # the engine may know its kind
    tracks = [track for track in video.tracks if track.kind == "video"]
    frames = tracks[0].frames if tracks else 0
    if tracks and not frames and tracks[0].rate:
        frames = int(video.seconds * tracks[0].rate)
    return Footage(path, path.name, max(0, frames), video.seconds)
