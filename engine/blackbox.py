"""Which media file a native library works on, noted where it outlives the process.

A codec that crashes takes the worker with it, and one that hangs never comes back. So the worker
keeps a small table in its job's folder, mapped into memory: one entry for each media file that is
open, and whether a call into a library is under way. The supervisor reads it when the worker dies
by a signal, or when one call has lasted longer than PATIENCE. The file to blame is then left out,
and the worker is started again without it. Where no job runs, nothing is noted.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import struct
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from projects.errors import DamagedError
from projects.files import write_errors
from projects.names import printable
from projects.texts import check_version, read_json, write_json

T = TypeVar("T")

PATIENCE = 120.0  # seconds that one call into a library may last before it counts as hung
TABLE = "reading"
LEFT_OUT = "left-out.json"
_VERSION = 1
_SLOTS = 16  # files that are open at once; more are read without being noted
_PATH_BYTES = 1024  # a file with a longer path is not noted either
_COUNTER = struct.Struct("<Q")  # 0: no file; else odd while a call is under way
_COUNTERS = _SLOTS * _COUNTER.size


class Reading:
    """An open media file. `each` and `busy` say when a library works on it."""

    def __init__(self, table: _Table | None, slot: int) -> None:
        self._table = table
        self._slot = slot
        self._count = 2

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """While the body runs, a library is expected to come back within PATIENCE."""
        self._note(1)
        try:
            yield
        finally:
            self._note(0)

    def each(self, values: Iterable[T]) -> Iterator[T]:
        """The same values; `busy` while the next one is worked out."""
        iterator = iter(values)
        while True:
            with self.busy():
                try:
                    value = next(iterator)
                except StopIteration:
                    return
            yield value

    def _note(self, odd: int) -> None:
        if self._table is not None:
            self._count += 1 if self._count % 2 != odd else 2
            self._table.set(self._slot, self._count)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Reading]:
    """Note that `path` is open while the body runs."""
    table = _installed.table
    slot = table.take(path) if table is not None else None
    if table is None or slot is None:
        yield Reading(None, 0)
        return
    try:
        yield Reading(table, slot)
    finally:
        table.release(slot)


def left_out(path: Path) -> str:
    """Why this job leaves `path` out, as a sentence; "" when it does not."""
    name = str(path.absolute())
    reason = _installed.left_out.get(name)
    return left_out_sentence(name, reason) if reason else ""


def all_left_out() -> dict[str, str]:
    """Every file that this job leaves out, with the reason."""
    return dict(_installed.left_out)


def install(folder: Path) -> None:
    """Note from now on in the job's `folder` what is read, and leave out what is listed there.

    Raises:
        SwapdeckError: the table cannot be written.
        DamagedError, NewerVersionError: the list of what is left out.
    """
    _installed.left_out = read_left_out(folder)
    _installed.table = _Table(folder / TABLE)


def remove() -> None:
    """Note nothing any more."""
    _installed.left_out = {}
    _installed.table = None


def read_left_out(folder: Path) -> dict[str, str]:
    """What the job in `folder` leaves out: absolute path and reason.

    Raises:
        DamagedError, NewerVersionError: the list cannot be trusted.
    """
    path = folder / LEFT_OUT
    if not path.exists():
        return {}
    document = read_json(path)
    check_version(path, document, _VERSION)
    files = document.get("files")
    if not isinstance(files, dict) or not all(isinstance(text, str) for text in files.values()):
        raise DamagedError(f"{path} is damaged. Start a new job.")
    return files


def leave_out(folder: Path, files: dict[str, str]) -> None:
    """Add to what the job in `folder` leaves out: absolute paths, each with a reason that follows
    its name, for example "crashed its decoder".

    Raises:
        SwapdeckError: it cannot be written.
    """
    known = read_left_out(folder)
    write_json(folder / LEFT_OUT, {"version": _VERSION, "files": {**known, **files}})


@dataclass
class Watch:
    """The supervisor's view of the table in a job's folder.

    Time is counted in looks, not by a clock: a machine that slept, or a job that was stopped and
    continued, has not hung.
    """

    folder: Path

    def __post_init__(self) -> None:
        self._seen: dict[int, tuple[int, int]] = {}  # slot: its counter, and for how many looks

    def longest(self) -> int:
        """For how many looks in a row one call has been under way. Call it at a steady pace."""
        counters = dict(self._counters())
        self._seen = {
            slot: (counter, seen + 1 if counter == before else 1)
            for slot, counter in counters.items()
            if counter % 2
            for before, seen in [self._seen.get(slot, (0, 0))]
        }
        return max((looks for _, looks in self._seen.values()), default=0)

    def suspects(self, looks: int = 0) -> list[str]:
        """The files with a call under way (for so many looks at least), else all that are open."""
        counters = dict(self._counters())
        busy = [slot for slot, counter in counters.items() if counter % 2]
        if looks:
            busy = [slot for slot in busy if self._seen.get(slot, (0, 0))[1] >= looks]
        return sorted({path for slot in busy or counters if (path := self._path(slot))})

    def _counters(self) -> Iterator[tuple[int, int]]:
        data = self._read(0, _COUNTERS)
        if len(data) == _COUNTERS:
            for slot, (counter,) in enumerate(_COUNTER.iter_unpack(data)):
                if counter:
                    yield slot, counter

    def _path(self, slot: int) -> str:
        data = self._read(_COUNTERS + slot * _PATH_BYTES, _PATH_BYTES)
        return os.fsdecode(data.partition(b"\0")[0])

    def _read(self, offset: int, size: int) -> bytes:
        try:
            with (self.folder / TABLE).open("rb") as file:
                return os.pread(file.fileno(), size, offset)
        except OSError:
            return b""


def left_out_sentence(path: str, reason: str) -> str:
    """That `path` is left out, and why: `reason` is what `leave_out` was given."""
    return (
        f"{printable(path)} {reason} and was left out. It is damaged, or made to do harm: fetch "
        "it again, or export it anew with the program that made it."
    )


class _Table:
    """The mapped file. Several threads may take slots; each slot has one writer."""

    def __init__(self, path: Path) -> None:
        size = _COUNTERS + _SLOTS * _PATH_BYTES
        with write_errors(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                # Written, not only made longer: a page of a sparse file may find the disk full
                # when it is touched, and that would be a crash (SIGBUS) of our own making.
                if os.write(descriptor, bytes(size)) != size:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self._map = mmap.mmap(descriptor, size)
            finally:
                os.close(descriptor)
        self._lock = threading.Lock()
        self._free = list(range(_SLOTS))

    def take(self, path: Path) -> int | None:
        name = os.fsencode(path.absolute())
        if len(name) >= _PATH_BYTES:
            return None
        with self._lock:
            if not self._free:
                return None
            slot = self._free.pop()
        start = _COUNTERS + slot * _PATH_BYTES
        self._map[start : start + len(name) + 1] = name + b"\0"
        self.set(slot, 2)
        return slot

    def set(self, slot: int, counter: int) -> None:
        _COUNTER.pack_into(self._map, slot * _COUNTER.size, counter)

    def release(self, slot: int) -> None:
        self.set(slot, 0)
        with self._lock:
            self._free.append(slot)


@dataclass
class _Installed:
    """One for the process, as the crash that it is for is the process's."""

    table: _Table | None = None
    left_out: dict[str, str] = field(default_factory=dict)


_installed = _Installed()
