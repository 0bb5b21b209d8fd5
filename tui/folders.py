"""What is in a folder: names, kinds, sizes, times. Reads no file's contents."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui.text import clean

Kind = Literal["folder", "picture", "video", "sound", "text", "data", "link", "special"]

MOST_ENTRIES = 5_000
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif"})
VIDEOS = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mts", ".m2ts", ".ts"})
VIDEOS |= {".mpg", ".mpeg", ".wmv", ".flv", ".ogv", ".3gp", ".mxf"}
SOUNDS = frozenset({".wav", ".mp3", ".m4a", ".aac", ".flac", ".ogg", ".opus"})
TEXTS = frozenset({".toml", ".json", ".jsonl", ".txt", ".log", ".md", ".csv", ".html", ".xml"})
TEXTS |= {".yaml", ".yml", ".ini", ".srt", ".vtt", ".pem", ".py", ".sh"}


@dataclass(frozen=True)
class Entry:
    """One line of a folder. `name` is clean, `path` is not; `size` in bytes, `written` in seconds
    since the epoch. A "link" leads out of where one may look, or nowhere."""

    path: Path
    name: str
    kind: Kind
    size: int = 0
    written: float = 0.0


@dataclass(frozen=True)
class Folder:
    """A folder's entries, folders first; `more` of them are not listed. `problem` says why it
    cannot be read, "" when it can."""

    path: Path
    entries: tuple[Entry, ...] = ()
    more: int = 0
    problem: str = ""


def kind_of(path: Path) -> Kind:
    """What a file is, by its name alone."""
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        return "picture"
    if suffix in VIDEOS:
        return "video"
    if suffix in SOUNDS:
        return "sound"
    return "text" if suffix in TEXTS else "data"


def list_folder(folder: Path, within: Path | None = None) -> Folder:
    """What `folder` holds. Hidden entries are left out. With `within`, symbolic links that lead out
    of that folder are listed as links and nothing is said of what they lead to."""
    try:
        with os.scandir(folder) as scanned:
            found = [entry for entry in scanned if not entry.name.startswith(".")]
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        return Folder(
            folder, problem=f"{clean(folder.name or folder)} cannot be read: {clean(why)}."
        )
    entries = [_entry(entry, within) for entry in found]
    entries.sort(key=lambda entry: (entry.kind != "folder", natural(entry.name)))
    return Folder(folder, tuple(entries[:MOST_ENTRIES]), max(0, len(entries) - MOST_ENTRIES))


def natural(name: str) -> list[tuple[int, str]]:
    """A key by which frame9 comes before frame10."""
    parts = re.split(r"([0-9]{1,18})", name.casefold())
    return [(int(part), "") if part[0] in "0123456789" else (0, part) for part in parts if part]


def _entry(entry: os.DirEntry[str], within: Path | None) -> Entry:
    path, name = Path(entry.path), clean(entry.name)
    try:
        if entry.is_symlink() and within is not None:
            target = path.resolve()
            if not target.is_relative_to(within.resolve()):
                return Entry(path, name, "link")
        found = entry.stat()
    except (OSError, RuntimeError, ValueError):  # nowhere, or round in circles
        return Entry(path, name, "link")
    if stat.S_ISDIR(found.st_mode):
        return Entry(path, name, "folder", 0, found.st_mtime)
    if not stat.S_ISREG(found.st_mode):
        return Entry(path, name, "special", 0, found.st_mtime)
    return Entry(path, name, kind_of(path), found.st_size, found.st_mtime)
