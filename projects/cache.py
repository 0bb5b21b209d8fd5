"""What can be worked out again and is kept to save the time: WORKSPACE/cache, a folder a kind.

An entry is one file, complete or absent, that begins with the SHA-256 of the rest: what is damaged
is not there. Entries too large for the memory are written by `writing` and read in parts by those
who wrote them, who check the parts. Deleting any of it, or all, costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from projects.errors import CommandError, SwapdeckError
from projects.files import inside, remove_tree, replacing, sweep, write_bytes, write_errors
from projects.workspace import Workspace

KINDS = {
    "faces": "where the faces are in footage that was converted",
    "chips": "what models answered for those faces",
    "segments": "encoded parts of conversions that are not finished",
    "crops": "faces cut for trainings whose faces do not fit in the memory",
}
"""The folders, and what is in them."""
LIMIT = 20 << 30
"""Bytes that all entries may have together; SWAPDECK_CACHE_GB says otherwise."""
_FREE = 0.05
"""The part of the disk that the cache leaves free."""
_IN_USE = 24 * 3600
"""Seconds since it was last touched within which part of an unfinished conversion is kept."""
_KEY = re.compile(r"[0-9a-f]{16,64}(?:-[0-9a-z]{1,20})?")
_DIGEST = 32


@dataclass(frozen=True)
class Usage:
    """How much of a kind there is."""

    kind: str
    entries: int
    bytes: int


def limit() -> int:
    """Bytes that all entries may have together.

    Raises:
        CommandError: SWAPDECK_CACHE_GB is no number.
    """
    text = os.environ.get("SWAPDECK_CACHE_GB")
    if not text:
        return LIMIT
    try:
        wanted = float(text)
    except ValueError:
        wanted = -1.0
    if not 0 <= wanted < 1e6:
        raise CommandError(f"SWAPDECK_CACHE_GB is '{text}', and must be a number of gigabytes.")
    return int(wanted * (1 << 30))


def load(ws: Workspace, kind: str, key: str) -> bytes | None:
    """What was stored; None where nothing was, or where it was damaged, which deletes it."""
    path = _path(ws, kind, key)
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
        remove_tree(path)
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # what is used stays longest
    return data[_DIGEST:]


def store(ws: Workspace, kind: str, key: str, data: bytes) -> None:
    """Keep `data`, and drop what was not used for longest where that is too much.

    Raises:
        SwapdeckError: it cannot be written, as on a full disk.
    """
    path = _path(ws, kind, key)
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    _make_room(ws, len(data))
    write_bytes(path, hashlib.sha256(data).digest() + data)


@contextlib.contextmanager
def writing(ws: Workspace, kind: str, key: str, size: int) -> Iterator[Path]:
    """Yield a path to write an entry of `size` bytes to, which is kept when the body ends well.

    Raises:
        SwapdeckError: it is larger than the cache may be or than the disk has room, or it cannot
            be written.
    """
    path = _path(ws, kind, key)
    require_limit(size)
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    _make_room(ws, size)
    with write_errors(path):
        disk = os.statvfs(path.parent)
        if size > disk.f_bavail * disk.f_frsize:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with replacing(path) as temporary:
        yield temporary


def require_limit(size: int) -> None:
    """Raise SwapdeckError unless the cache may have so many bytes."""
    if size > limit():
        raise SwapdeckError(
            f"What is to be kept needs {size / 1e9:.1f} GB, and the cache may have "
            f"{limit() / 1e9:.1f} GB. Set SWAPDECK_CACHE_GB to more gigabytes."
        )


def find(ws: Workspace, kind: str, key: str) -> Path | None:
    """Where an entry that `writing` made is, if it is there; it counts as used now."""
    path = _path(ws, kind, key)
    try:
        os.utime(path)
    except OSError:
        return None
    return path


def discard(ws: Workspace, kind: str, key: str) -> None:
    """Forget one entry, if it is there."""
    remove_tree(_path(ws, kind, key))


def usage(ws: Workspace) -> list[Usage]:
    """How much there is of each kind."""
    found = {kind: [0, 0] for kind in KINDS}
    for kind, _, status in _entries(ws):
        found[kind][0] += 1
        found[kind][1] += status.st_size
    return [Usage(kind, count, size) for kind, (count, size) in found.items()]


def clear(ws: Workspace, kinds: tuple[str, ...] = ()) -> list[Usage]:
    """Delete everything of some kinds, of all by default; what was there.

    Raises:
        CommandError: a kind that there is not.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise CommandError(f"The cache has no '{kind}'. It has: {', '.join(KINDS)}.")
    there = [one for one in usage(ws) if not kinds or one.kind in kinds]
    for one in there:
        remove_tree(_folder(ws, one.kind))
    return there


def _make_room(ws: Workspace, wanted: int) -> None:
    """Drop the oldest until `wanted` bytes more are within the limit and leave the disk room."""
    entries = sorted(_entries(ws), key=lambda entry: entry[2].st_mtime)
    held = sum(status.st_size for _, _, status in entries)
    most = limit()
    with contextlib.suppress(OSError):
        disk = os.statvfs(ws.root)
        spare = (disk.f_bavail - disk.f_blocks * _FREE) * disk.f_frsize
        most = min(most, max(0, held + int(spare)))
    now = time.time()
    for kind, path, status in entries:
        if held + wanted <= most:
            return
        if kind == "segments" and now - status.st_mtime < _IN_USE:
            continue
        remove_tree(path)
        held -= status.st_size


def _entries(ws: Workspace) -> Iterator[tuple[str, Path, os.stat_result]]:
    for kind in KINDS:
        folder = _folder(ws, kind)
        sweep(folder)
        with contextlib.suppress(OSError):
            for path in list(folder.iterdir()):
                with contextlib.suppress(OSError):
                    if _KEY.fullmatch(path.name):
                        yield kind, path, path.stat()


def _folder(ws: Workspace, kind: str) -> Path:
    return inside(ws.root, "cache", kind)


def _path(ws: Workspace, kind: str, key: str) -> Path:
    if kind not in KINDS or not _KEY.fullmatch(key):
        raise SwapdeckError(f"The cache has no place for {kind}/{key}.")
    return inside(ws.root, "cache", kind, key)
