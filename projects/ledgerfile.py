"""The files of the ledger: how an entry is written, and what a line or a head says."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from projects.errors import DamagedError, SwapdeckError
from projects.files import inside, read_errors, sweep, write_errors
from projects.texts import check_version, read_json, write_json
from projects.workspace import Workspace

VERSION = 1
NAME = "ledger.jsonl"
HEAD = "ledger.head.json"
MOST = 1_000_000  # bytes of an entry, so that a file of others cannot fill the memory
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Entry:
    """One entry. `sequence` counts from 1; `time` is ISO 8601 in UTC; hashes are lower-case hex."""

    sequence: int
    time: str
    kind: str
    values: dict[str, Any]
    previous: str
    sha256: str


@dataclass(frozen=True)
class Head:
    """How far a ledger had come when somebody wrote it down."""

    ledger: str  # the `previous` of its first entry
    sequence: int
    sha256: str


@contextlib.contextmanager
def locked_file(workspace: Workspace, flags: int, kind: int) -> Iterator[int]:
    """The ledger's descriptor, opened with `flags` and locked as `kind` of flock says."""
    path = inside(workspace.root, NAME)
    wrong = read_errors(path) if flags == os.O_RDONLY else write_errors(path)
    with wrong:
        # Not to be held up by a pipe in the ledger's place.
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DamagedError(f"{path} is no ordinary file. Put back a good copy.")
        fcntl.flock(descriptor, kind)
        yield descriptor
    finally:
        os.close(descriptor)


def lines(workspace: Workspace) -> Iterator[tuple[int, bytes]]:
    """The file's lines with their newlines, numbered from 1. An endless one is cut at MOST bytes.

    Nobody appends while they are read.
    """
    if not os.path.lexists(workspace.root / NAME):
        return
    with (
        locked_file(workspace, os.O_RDONLY, fcntl.LOCK_SH) as descriptor,
        os.fdopen(os.dup(descriptor), "rb") as file,
        read_errors(workspace.root / NAME),
    ):
        number = 0
        while line := file.readline(MOST + 1):
            number += 1
            part = line
            while len(part) > MOST and not part.endswith(b"\n"):
                part = file.readline(MOST + 1)
            yield number, line if part is line else line + part[-1:]


def parse(line: bytes) -> Entry | None:
    """The entry in a line, when every byte of the line is as its hash says; otherwise None."""
    entry = parse_loosely(line)
    return entry if entry is not None and line_of(entry) == line else None


def parse_loosely(line: bytes) -> Entry | None:
    """What a line says, though its hash may not be right; None when it is no entry at all."""
    if len(line) > MOST:
        return None
    try:
        record = json.loads(line)
        entry = Entry(**{name: record[name] for name in Entry.__dataclass_fields__})
    except (ValueError, RecursionError, TypeError, KeyError):
        return None
    texts = (entry.time, entry.kind, entry.previous, entry.sha256)
    if not all(isinstance(text, str) for text in texts) or not isinstance(entry.values, dict):
        return None
    if type(entry.sequence) is not int or record.get("version") != VERSION:
        return None
    hashes = _HASH.fullmatch(entry.previous) and _HASH.fullmatch(entry.sha256)
    return entry if hashes and entry.sequence >= 1 else None


def read_heads(workspace: Workspace, ledger: str) -> tuple[Head | None, Head | None]:
    """What the head beside the ledger says, and what this computer's user remembers of it."""
    return read_head(workspace.root / HEAD), read_head(_memory(workspace, ledger))


def new_entry(sequence: int, time: str, kind: str, values: dict[str, Any], previous: str) -> Entry:
    """An entry with its hash."""
    entry = Entry(sequence, time, kind, values, previous, "")
    return replace(entry, sha256=_digest(entry))


def _digest(entry: Entry) -> str:
    return hashlib.sha256(_canonical(entry, hashed=False)).hexdigest()


def line_of(entry: Entry) -> bytes:
    """The line that holds `entry`; that of an entry with a wrong hash differs from its own."""
    right = replace(entry, sha256=_digest(entry))
    return _canonical(right, hashed=True) + b"\n"


def _canonical(entry: Entry, *, hashed: bool) -> bytes:
    record = {"version": VERSION, **vars(entry)}
    if not hashed:
        del record["sha256"]
    try:
        text = json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):  # numbers or depths that `append` never writes
        return b""
    return text.encode()


def read_head(path: Path) -> Head | None:
    """None when there is none, or what is there says nothing."""
    try:
        record = read_json(path)
        check_version(path, record, VERSION)
        head = Head(**{name: record[name] for name in Head.__dataclass_fields__})
    except (DamagedError, KeyError):
        return None
    right = type(head.sequence) is int and head.sequence >= 1
    texts = all(isinstance(t, str) and _HASH.fullmatch(t) for t in (head.ledger, head.sha256))
    return head if right and texts else None


def write_head(path: Path, head: Head) -> None:
    sweep(path.parent)
    write_json(path, {"version": VERSION, **vars(head)})


def remember(workspace: Workspace, head: Head) -> None:
    """Best effort: a home that cannot be written must not stop anybody's work."""
    with contextlib.suppress(OSError, SwapdeckError, RuntimeError):
        path = _memory(workspace, head.ledger)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_head(path, head)


def _memory(workspace: Workspace, ledger: str) -> Path:
    # By the place too: a copy of a workspace goes its own way, and neither is false.
    place = hashlib.sha256(os.fsencode(workspace.root.resolve())).hexdigest()[:16]
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state, "swapdeck", "ledgers", f"{ledger}-{place}.json").expanduser()
