"""Where downloads lie until they are whole: a folder each, kept for the next run when cut short.

They are in a person's `downloads` folder, beside `sources`, and so never taken for sources.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from projects.errors import SwapdeckError
from projects.files import inside, remove_tree, write_errors
from projects.people import Person

KEPT: Final = 14 * 86_400  # seconds that an unfinished download waits for the next run
_LOCK: Final = "lock"


@contextlib.contextmanager
def place_for(person: Person, what: str) -> Iterator[Path]:
    """A folder for the download that `what` stands for, with what an earlier run left of it.

    Nobody else uses it meanwhile. It is removed unless the body raises: then call `discard` where
    going on later makes no sense.

    Raises:
        SwapdeckError: another job downloads the same, or the folder cannot be written.
    """
    root = inside(person.root, "downloads")
    place = root / hashlib.sha256(what.encode()).hexdigest()[:16]
    with write_errors(place):
        place.mkdir(parents=True, exist_ok=True)
    with _locked(place) as held:
        if not held:
            raise SwapdeckError("Another job is downloading this. Wait for it, or stop it.")
        try:
            yield place
            discard(place)
        finally:
            if [entry.name for entry in place.iterdir()] == [_LOCK]:
                remove_tree(place)
                with contextlib.suppress(OSError):  # other downloads are there
                    root.rmdir()


def discard(place: Path) -> None:
    """Forget what has been downloaded into a folder of `place_for`."""
    for entry in place.iterdir():
        if entry.name != _LOCK:
            remove_tree(entry)


def sweep_downloads(person: Person) -> None:
    """Remove unfinished downloads that nobody came back for."""
    root = inside(person.root, "downloads")
    if not root.is_dir():
        return
    for place in sorted(root.iterdir()):
        with contextlib.suppress(OSError, SwapdeckError):
            newest = max((e.stat().st_mtime for e in place.rglob("*")), default=0.0)
            if max(newest, place.stat().st_mtime) < time.time() - KEPT:
                with _locked(place) as held:
                    if held:
                        remove_tree(place)
    with contextlib.suppress(OSError):
        root.rmdir()


@contextlib.contextmanager
def _locked(place: Path) -> Iterator[bool]:
    with write_errors(place):
        descriptor = os.open(place / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
