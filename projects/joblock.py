"""A job's lock: who watches over it, who works for it, and what it waits for.

The supervisor holds the file `lock` with flock for its whole life, and writes into it which
process it is, which process works for it, and in a sentence what it waits for while it does.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator

from projects.files import write_errors
from projects.jobfiles import LOCK_PART, VERSION, Job, lock_part, read_lock_part
from projects.names import printable
from projects.processes import Process, from_record, identify, to_record


@contextlib.contextmanager
def holding_lock(job: Job) -> Iterator[int | None]:
    """Hold the job's lock; yields a descriptor for `record_processes`, None when it is held."""
    with write_errors(job.lock_path):
        descriptor = os.open(job.lock_path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        yield descriptor if _try_lock(descriptor) else None
    finally:
        os.close(descriptor)


def record_processes(job: Job, descriptor: int, worker: int | None, waits: str = "") -> None:
    """Write who holds the lock, which is this process, and the worker's pid, into it; and, as a
    sentence, what it waits for before there is a worker."""
    supervisor = identify(os.getpid())
    child = identify(worker) if worker is not None else None
    record = {
        "version": VERSION,
        "supervisor": to_record(supervisor) if supervisor else None,
        "worker": to_record(child) if child else None,
        "waits": waits[:1000],
    }
    with write_errors(job.lock_path):
        os.pwrite(descriptor, lock_part(record), 0)
        if os.fstat(descriptor).st_size == LOCK_PART:
            os.pwrite(descriptor, lock_part({}), LOCK_PART)


def lock_record(job: Job) -> tuple[Process | None, Process | None]:
    """The supervisor and the worker that the lock file names; None where it names none."""
    record = read_lock_part(job, 0)
    return from_record(record.get("supervisor")), from_record(record.get("worker"))


def waits_for(job: Job) -> str:
    """The sentence about what the job waits for, or waited for when it ended; "" for nothing."""
    text = read_lock_part(job, 0).get("waits")
    return printable(text) if isinstance(text, str) else ""


def is_held(job: Job) -> bool:
    """Whether a supervisor watches over the job now."""
    try:
        descriptor = os.open(job.lock_path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _try_lock(descriptor: int) -> bool:
    # `is_held` of another process takes the lock for an instant, so one refusal proves nothing.
    for _ in range(50):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return True
    return False
