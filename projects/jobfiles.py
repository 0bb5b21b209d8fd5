"""The files of a job, which is one run of the engine.

jobs/20261123-101502-train-ada-as-ben/
    spec.json      what to do; written once
    control.json   what was asked of it since: stop, pause, save, preview
    events.jsonl   what it says, one object a line, with a sequence number
    output.log     whatever it and its libraries print
    exit.json      how it ended; absent while it runs
    lock           held with flock by the supervisor, and who that is; with room for the end
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from projects.errors import CommandError, DamagedError, SwapdeckError
from projects.files import write_errors
from projects.names import printable
from projects.texts import append_line, check_version, read_json, read_jsonl, write_json
from projects.workspace import now

VERSION = 1
LOCK_PART = 8192  # bytes
Asked = Literal["stop", "pause", "resume", "save", "preview"]
_ASKED = ("stop", "pause", "resume", "save", "preview")


@dataclass(frozen=True)
class Job:
    root: Path
    id: str
    verb: str
    subject: str  # what it works on, for example a swap's slug
    created: str
    after: str = ""  # id of the job that must have succeeded before this one begins
    retry_of: str = ""  # id of the job whose work this one goes on with

    @property
    def spec_path(self) -> Path:
        return self.root / "spec.json"

    @property
    def control_path(self) -> Path:
        return self.root / "control.json"

    @property
    def events_path(self) -> Path:
        return self.root / "events.jsonl"

    @property
    def output_path(self) -> Path:
        return self.root / "output.log"

    @property
    def exit_path(self) -> Path:
        return self.root / "exit.json"

    @property
    def lock_path(self) -> Path:
        return self.root / "lock"


@dataclass(frozen=True)
class Requests:
    """What is asked of a job. `save` and `preview` count how often; from a Reporter, how often
    since they were last returned."""

    stop: bool = False
    pause: bool = False
    save: int = 0
    preview: int = 0
    kill: bool = False


def load_job(root: Path) -> Job:
    """The job in the folder `root`.

    Raises:
        DamagedError, NewerVersionError: its spec.json.
    """
    spec = _read_spec(root / "spec.json")
    return Job(
        root,
        root.name,
        spec["verb"],
        spec["subject"],
        *(str(spec.get(key) or "") for key in ("created", "after", "retry_of")),
    )


def read_spec(job: Job) -> dict[str, Any]:
    """spec.json: version, verb, subject, title, created, arguments, and after and retry_of for
    those that have one.

    Raises:
        DamagedError, NewerVersionError: it cannot be trusted.
    """
    return _read_spec(job.spec_path)


class EventLog:
    """Appends to a job's events.jsonl. One process writes at a time; threads may share a log."""

    def __init__(self, job: Job) -> None:
        self._path = job.events_path
        self._lock = threading.Lock()
        last, _ = read_jsonl(self._path, -65536)
        self._next = 1 + max((e["seq"] for e in last if isinstance(e.get("seq"), int)), default=0)

    def emit(self, kind: str, **fields: Any) -> None:
        """Append {seq, at, kind, **fields}; `at` is Unix time in seconds.

        Raises:
            SwapdeckError: it cannot be written.
        """
        if reserved := {"seq", "at"} & fields.keys():
            raise ValueError(f"an event's {', '.join(reserved)} cannot be given")
        with self._lock:
            append_line(
                self._path,
                {"seq": self._next, "at": round(time.time(), 3), "kind": kind, **fields},
            )
            self._next += 1


def read_events(job: Job, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The events from byte `offset` on, and the offset to go on from. A negative `offset` reads
    only about that many bytes at the end."""
    return read_jsonl(job.events_path, offset)


def ask(job: Job, what: Asked) -> None:
    """Write a request into control.json; see `request` of `jobstate` for what comes of it.

    Raises:
        CommandError: the job has ended, or `what` is unknown.
        SwapdeckError: it cannot be written.
    """
    if what not in _ASKED:
        raise CommandError(f"A job cannot be asked to '{what}'. Use one of: {', '.join(_ASKED)}.")
    if has_ended(job):
        raise CommandError(f"The job {job.id} has ended. There is nothing to {what}.")
    match what:
        case "stop":
            _change(job, lambda r: {"stop": True, "pause": False})
        case "pause" | "resume":
            _change(job, lambda r: {"pause": what == "pause"})
        case "save":
            _change(job, lambda r: {"save": r.save + 1})
        case "preview":
            _change(job, lambda r: {"preview": r.preview + 1})


def requested(job: Job) -> Requests:
    """All that was asked of the job since it was made."""
    return ControlFile(job).read()


class ControlFile:
    """Reads control.json, again only when it changed: a poll costs one stat."""

    def __init__(self, job: Job) -> None:
        self._path = job.control_path
        self._seen: tuple[int, int, int] | None = None
        self._requests = Requests()

    def read(self) -> Requests:
        """All that was asked so far.

        Raises:
            DamagedError, NewerVersionError: the file cannot be trusted.
        """
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return self._requests
        seen = (found.st_mtime_ns, found.st_size, found.st_ino)
        if seen != self._seen:
            document = read_json(self._path)
            check_version(self._path, document, VERSION)
            values = {k: document.get(k, getattr(Requests, k)) for k in _KINDS}
            if any(type(values[k]) is not kind for k, kind in _KINDS.items()):
                raise DamagedError(f"{self._path} is damaged. Delete it, and ask the job again.")
            self._requests = Requests(**values)
            self._seen = seen
        return self._requests


def write_exit(job: Job, code: int, reason: str, *, because: str = "") -> None:
    """Record how the job ended, in exit.json. The first record stands.

    `because` is the id of the job before it, when that is why this one never began. When the disk
    is full it goes into the room that the lock file keeps for it.

    Raises:
        SwapdeckError: it cannot be written anywhere.
    """
    if has_ended(job):
        return
    record = {"version": VERSION, "code": code, "reason": reason, "ended": now()}
    if because:
        record["because"] = because
    try:
        write_json(job.exit_path, record)
    except SwapdeckError:
        if not job.lock_path.is_file() or job.lock_path.stat().st_size < 2 * LOCK_PART:
            raise
        with write_errors(job.lock_path), job.lock_path.open("r+b", buffering=0) as file:
            os.pwrite(file.fileno(), lock_part({**record, "reason": reason[:1000]}), LOCK_PART)


def has_ended(job: Job) -> bool:
    """Whether there is a record, damaged or not, of how it ended."""
    return job.exit_path.exists() or bool(read_lock_part(job, LOCK_PART))


@dataclass(frozen=True)
class End:
    """How a job ended. `because` is the id of the job before it, when that one's end is why this
    one never began; else ""."""

    code: int
    reason: str
    at: float | None  # seconds since the epoch
    because: str


def read_end(job: Job) -> End | None:
    """How the job ended; None while there is no record.

    Raises:
        DamagedError: the record cannot be read.
    """
    try:
        try:
            record = read_json(job.exit_path)
        except DamagedError:
            if os.path.lexists(job.exit_path):
                raise
            record = read_lock_part(job, LOCK_PART)
        if not record:
            return None
        reason = printable(str(record["reason"]))
        because = str(record.get("because", ""))
        return End(int(record["code"]), reason, _moment(record.get("ended")), because)
    except (SwapdeckError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedError(
            f"{job.exit_path} is damaged: how the job ended is not known. What it printed is in "
            f"{job.output_path}."
        ) from error


def read_exit(job: Job) -> tuple[int, str] | None:
    """The exit code and the reason; as `read_end`."""
    end = read_end(job)
    return None if end is None else (end.code, end.reason)


def ended_because(job: Job) -> str:
    """`because` of how the job ended; "" also when that is not known."""
    try:
        end = read_end(job)
    except DamagedError:
        return ""
    return "" if end is None else end.because


def lock_part(record: Mapping[str, Any]) -> bytes:
    """The record as one line of LOCK_PART bytes, so that a single write replaces it whole.

    The lock file has two such parts: who holds it, and room for how the job ended.
    """
    return json.dumps(record).encode().ljust(LOCK_PART - 1)[: LOCK_PART - 1] + b"\n"


def read_lock_part(job: Job, offset: int) -> dict[str, Any]:
    """The record at `offset` of the lock file; empty when there is none."""
    try:
        with job.lock_path.open("rb") as file:
            file.seek(offset)
            record = json.loads(file.read(LOCK_PART))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


_KINDS = {"stop": bool, "pause": bool, "save": int, "preview": int, "kill": bool}


def ask_to_kill(job: Job) -> None:
    """Record that the job is about to be killed on purpose, so that its end says so."""
    _change(job, lambda r: {"kill": True})


def _change(job: Job, change: Callable[[Requests], dict[str, Any]]) -> None:
    with write_errors(job.control_path), _folder_lock(job.root):
        before = requested(job)
        after = {k: getattr(before, k) for k in _KINDS} | change(before)
        write_json(job.control_path, {"version": VERSION, **after})


@contextlib.contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _moment(text: object) -> float | None:
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None


def _read_spec(path: Path) -> dict[str, Any]:
    spec = read_json(path)
    check_version(path, spec, VERSION)
    expected = {"verb": str, "subject": str, "arguments": dict}
    for key, kind in expected.items():
        if not isinstance(spec.get(key), kind):
            raise DamagedError(f"{path} is damaged: its '{key}' cannot be right. Start a new job.")
    return dict(spec)
