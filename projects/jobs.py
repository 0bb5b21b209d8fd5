"""Starting, finding, judging and ending jobs. What is in a job's folder is in `jobfiles`.

The state of a job is a pure function of its files and of the process table: nothing here needs a
daemon, and any number of programs may look at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from projects.errors import CommandError, DamagedError, SwapdeckError
from projects.files import (
    folder_replacing,
    inside,
    slug,
    sweep_all,
    write_errors,
    write_json,
)
from projects.jobfiles import LOCK_PART, VERSION, lock_part, read_lock_part
from projects.jobfiles import Asked as Asked
from projects.jobfiles import ControlFile as ControlFile
from projects.jobfiles import EventLog as EventLog
from projects.jobfiles import Job as Job
from projects.jobfiles import Requests as Requests
from projects.jobfiles import ask_to_kill as ask_to_kill
from projects.jobfiles import has_ended as has_ended
from projects.jobfiles import load_job as load_job
from projects.jobfiles import read_events as read_events
from projects.jobfiles import read_exit as read_exit
from projects.jobfiles import read_spec as read_spec
from projects.jobfiles import request as request
from projects.jobfiles import requested as requested
from projects.jobfiles import write_exit as write_exit
from projects.listing import folders, load_all
from projects.names import printable
from projects.processes import Process, from_record, identify, is_alive, to_record
from projects.workspace import Workspace, now

StateName = Literal[
    "waiting", "running", "paused", "stopping", "done", "failed", "stopped", "crashed", "orphaned"
]
ALREADY_RUNS = 75  # the supervisor's exit status when another one holds the lock


@dataclass(frozen=True)
class JobState:
    name: StateName
    detail: str  # one sentence, or ""
    exit_code: int | None  # None while it has none

    @property
    def ended(self) -> bool:
        return self.name in ("done", "failed", "stopped", "crashed")


def create_job(
    ws: Workspace, verb: str, subject: str, arguments: Mapping[str, Any], *, title: str = ""
) -> Job:
    """A new job's folder, complete or absent. `arguments` go to engine.verbs; paths among them
    should be absolute, because the job does not run in the caller's folder.

    Raises:
        SwapdeckError: it cannot be written.
    """
    created = now()
    sweep_all(ws.jobs)
    base = f"{datetime.now():%Y%m%d-%H%M%S}-{slug(verb)}-{slug(subject)}"
    for number in range(1, 1000):
        root = inside(ws.jobs, base if number == 1 else f"{base}-{number}")
        if root.exists():
            continue
        try:
            with folder_replacing(root, replace=False) as temporary:
                write_json(
                    temporary / "spec.json",
                    {
                        "version": VERSION,
                        "verb": verb,
                        "subject": subject,
                        "title": title or f"{verb} {subject}",
                        "created": created,
                        "arguments": arguments,
                    },
                )
        except CommandError:  # another process took the same name in the same second
            continue
        return Job(root, root.name, verb, subject, created)
    raise SwapdeckError(f"{ws.jobs} holds too many jobs of this second. Try again in a moment.")


def list_jobs(ws: Workspace, problems: list[SwapdeckError] | None = None) -> list[Job]:
    """Every job, the newest first; `problems` as for `list_people`."""
    roots = sorted(folders(ws.jobs), key=_age, reverse=True)
    return load_all(roots, load_job, problems)


def get_job(ws: Workspace, id: str) -> Job:
    """The job with this id, or the only one whose id contains it.

    Raises:
        CommandError: there is none, or more than one.
    """
    names = [folder.name for folder in folders(ws.jobs)]
    matches = [id] if id in names else sorted(n for n in names if id and id in n)
    if len(matches) == 1:
        return load_job(inside(ws.jobs, matches[0]))
    shown = printable(id)
    if matches:
        raise CommandError(
            f"'{shown}' fits {len(matches)} jobs: {', '.join(matches[-5:])}. Give more of the id."
        )
    raise CommandError(f"There is no job '{shown}'. See them with: swapdeck jobs list")


def launch(job: Job, *, command: Sequence[str] | None = None) -> None:
    """Start the job detached from this process and its terminal.

    Returns once the job's supervisor holds the lock. `command` is what starts the supervisor in
    place of the default; the job's folder is added to it.

    Raises:
        CommandError: the job runs already, or has ended.
        SwapdeckError: it did not start; the sentence says why, and the job has failed.
    """
    import subprocess

    if has_ended(job):
        raise CommandError(f"The job {job.id} has ended. Start a new one.")
    package_root = Path(__file__).resolve().parent.parent
    environment = dict(os.environ)
    if package_root.name not in ("site-packages", "dist-packages"):
        paths = [str(package_root), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    # -P: the job's folder is the working directory, and nothing in it may be imported.
    default = [sys.executable, "-P", "-m", "engine.supervisor", "--detach"]
    with write_errors(job.output_path), job.output_path.open("ab") as log:
        status = subprocess.run(
            [*(command or default), str(job.root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=job.root,
            env=environment,
            start_new_session=True,
            check=False,
        ).returncode
    if status == ALREADY_RUNS:
        raise CommandError(f"The job {job.id} runs already.")
    if status != 0:
        reason = (
            f"The job {job.id} did not start: {_last_line(job.output_path)}. The whole account "
            f"is in {job.output_path}."
        )
        write_exit(job, 1, reason)
        raise SwapdeckError(reason)


def state(job: Job) -> JobState:
    """What the job is doing, from its files and the process table alone. Never raises for a
    damaged file: the detail tells."""
    if (ended := _ended(job)) is not None:
        return ended
    if _is_held(job):
        return _running(job)
    if (ended := _ended(job)) is not None:  # it ended between the two looks
        return ended
    supervisor, worker = lock_record(job)
    if supervisor is None:
        return JobState("waiting", "", None)
    if is_alive(worker):
        return JobState(
            "orphaned",
            "The process that watched over it is gone, but it still works. It can be asked to "
            "stop or be killed.",
            None,
        )
    return JobState(
        "crashed",
        "It was killed, or the machine went down, and it left no word. What it had saved is "
        f"there; what it printed is in {job.output_path}.",
        None,
    )


def kill(job: Job, grace: float = 10.0) -> None:
    """End the job's processes: SIGTERM, then SIGKILL after `grace` seconds.

    A process is signalled only while its start time and boot are the recorded ones. Returns when
    they are gone.

    Raises:
        CommandError: the job does not run.
    """
    supervisor, worker = lock_record(job)
    if not (is_alive(supervisor) or is_alive(worker)):
        raise CommandError(f"The job {job.id} does not run. There is nothing to kill.")
    with contextlib.suppress(SwapdeckError):  # a full disk must not prevent it
        ask_to_kill(job)
    _signal_group(supervisor, worker, signal.SIGTERM)
    if not _wait_gone((supervisor, worker), grace):
        if worker is not None and is_alive(worker):
            _signal(worker, signal.SIGKILL)
        # The supervisor now writes how the worker ended; it is killed only if it cannot.
        if not _wait_gone((supervisor, worker), 5.0):
            _signal_group(supervisor, worker, signal.SIGKILL)
            _wait_gone((supervisor, worker), 5.0)
    if not _is_held(job):
        write_exit(job, 128 + signal.SIGKILL, "It was killed on request.")


@contextlib.contextmanager
def holding_lock(job: Job) -> Iterator[int | None]:
    """Hold the job's lock; yields a descriptor for `record_processes`, None when it is held."""
    with write_errors(job.lock_path):
        descriptor = os.open(job.lock_path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        yield descriptor if _try_lock(descriptor) else None
    finally:
        os.close(descriptor)


def record_processes(job: Job, descriptor: int, worker: int | None) -> None:
    """Write who holds the lock, which is this process, and the worker's pid, into it."""
    supervisor = identify(os.getpid())
    child = identify(worker) if worker is not None else None
    record = {
        "version": VERSION,
        "supervisor": to_record(supervisor) if supervisor else None,
        "worker": to_record(child) if child else None,
    }
    with write_errors(job.lock_path):
        os.pwrite(descriptor, lock_part(record), 0)
        if os.fstat(descriptor).st_size == LOCK_PART:
            os.pwrite(descriptor, lock_part({}), LOCK_PART)


def lock_record(job: Job) -> tuple[Process | None, Process | None]:
    """The supervisor and the worker that the lock file names; None where it names none."""
    record = read_lock_part(job, 0)
    return from_record(record.get("supervisor")), from_record(record.get("worker"))


def _ended(job: Job) -> JobState | None:
    try:
        end = read_exit(job)
    except DamagedError as error:
        return JobState("failed", str(error), None)
    if end is None:
        return None
    code, reason = end
    name: StateName = "done" if code == 0 else "stopped" if code == 130 else "failed"
    return JobState(name, reason, code)


def _running(job: Job) -> JobState:
    try:
        asked = requested(job)
    except SwapdeckError as error:
        return JobState("running", str(error), None)
    if asked.stop or asked.kill:
        return JobState("stopping", "It saves what it has and ends.", None)
    if asked.pause:
        last = read_events(job, -8192)[0][-1:]
        if last and last[0].get("kind") == "request" and last[0].get("what") == "pause":
            return JobState("paused", "", None)
        return JobState("running", "It pauses after the current step.", None)
    return JobState("running", "", None)


def _is_held(job: Job) -> bool:
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
    # `_is_held` of another process takes the lock for an instant, so one refusal proves nothing.
    for _ in range(50):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return True
    return False


def _signal_group(supervisor: Process | None, worker: Process | None, number: int) -> None:
    """Signal the session's process group, which the supervisor leads, or else the worker."""
    for process in (supervisor, worker):
        if process is None or not is_alive(process):
            continue
        with contextlib.suppress(ProcessLookupError):
            group = os.getpgid(process.pid)
            if supervisor is not None and group == supervisor.pid and group != os.getpgrp():
                os.killpg(group, number)
                return
            os.kill(process.pid, number)


def _signal(process: Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, number)


def _wait_gone(processes: Sequence[Process | None], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(is_alive(process) for process in processes):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return "its output cannot be read"
    return next((printable(line) for line in reversed(lines) if line.strip()), "it said nothing")


def _age(root: Path) -> tuple[str, int, int, str]:
    try:
        written = (root / "spec.json").stat().st_mtime_ns
    except OSError:
        written = 0
    return root.name[:15], written, len(root.name), root.name  # …-9 comes before …-10
