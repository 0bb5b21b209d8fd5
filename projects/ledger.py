"""The workspace's ledger: what was done with people's faces, in a chain that shows tampering.

ledger.jsonl       one entry a line, each with the SHA-256 of the one before and its own
ledger.head.json   the number and the hash of the last entry, so that a missing end is noticed

Entries are only ever appended. An entry's hash covers its canonical JSON (keys sorted, no white
space, ASCII) without `sha256`. The `previous` of the first entry is random, and names the ledger.
How far the ledger had come is also remembered outside of the workspace, in the user's own state
folder: whoever rewrites the whole chain and its head is found out on the computer that wrote it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
from pathlib import Path
from typing import Any

from projects.files import read_errors, write_errors
from projects.ledgercheck import Verification as Verification
from projects.ledgercheck import verify as verify
from projects.ledgerfile import (
    HEAD,
    MOST,
    NAME,
    Head,
    line_of,
    lines,
    locked_file,
    new_entry,
    parse,
    parse_loosely,
    read_head,
    remember,
    write_head,
)
from projects.ledgerfile import Entry as Entry
from projects.texts import jsonable
from projects.workspace import Workspace, now


def append(workspace: Workspace, kind: str, **values: Any) -> Entry:
    """Append an entry and return it; it is on the disk then. Any number of processes may do so.

    A torn line that a crash left at the end, and that nobody was ever told is there, is removed. A
    ledger that was tampered with is never mended: the new entry follows the last one known, and
    `verify` goes on finding what happened.

    Raises:
        SwapdeckError: it could not be written; the ledger is as it was.
    """
    with locked_file(workspace, os.O_RDWR | os.O_CREAT | os.O_APPEND, fcntl.LOCK_EX) as descriptor:
        path = workspace.root / NAME
        whole, torn = _tail(path, descriptor)
        head = read_head(workspace.root / HEAD)
        last = None if whole is None else parse(whole)
        if last is not None and (head is None or last.sequence >= head.sequence):
            sequence, previous = last.sequence, last.sha256
        elif head is not None:
            sequence, previous, last = head.sequence, head.sha256, None
        else:
            sequence, previous = 0, secrets.token_hex(32)
        entry = new_entry(sequence + 1, now(), kind, jsonable(values), previous)
        line = line_of(entry)
        if len(line) > MOST:
            raise ValueError(f"an entry of {len(line)} bytes does not belong in a ledger")
        never_finished = last is not None or (head is None and whole is None)
        with write_errors(path):
            end = os.fstat(descriptor).st_size
            if torn and never_finished:
                end -= len(torn)
                os.ftruncate(descriptor, end)
            _write(descriptor, line if not torn or never_finished else b"\n" + line, end)
        known = head.ledger if head is not None else _first(path)
        here = Head(known or entry.previous, entry.sequence, entry.sha256)
        write_head(workspace.root / HEAD, here)
        remember(workspace, here)
    return entry


def entries(workspace: Workspace) -> list[Entry]:
    """Every entry that can be read, in the file's order; see `verify` for trust."""
    return [entry for _, line in lines(workspace) if (entry := parse(line)) is not None]


def _tail(path: Path, descriptor: int) -> tuple[bytes | None, bytes]:
    """The last whole line, None when there is none, and what follows it without a newline."""
    with read_errors(path):
        size = os.fstat(descriptor).st_size
        start = max(0, size - 3 * MOST)
        data = os.pread(descriptor, size - start, start)
    end = data.rfind(b"\n") + 1
    if end == 0:
        return None, data
    return data[data.rfind(b"\n", 0, end - 1) + 1 : end], data[end:]


def _first(path: Path) -> str:
    """The name of a ledger whose head is gone, from its first line; "" when that is unreadable."""
    with read_errors(path), path.open("rb") as file:
        entry = parse_loosely(file.readline(MOST + 1))
    return "" if entry is None else entry.previous


def _write(descriptor: int, line: bytes, end: int) -> None:
    try:
        if os.write(descriptor, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, end)
        raise
