"""What a job is doing: a pure function of its files and of the process table."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from projects.errors import CommandError, DamagedError, SwapdeckError
from projects.jobfiles import (
    Asked,
    Job,
    ask,
    has_ended,
    read_end,
    read_events,
    requested,
    write_exit,
)
from projects.joblock import holding_lock, is_held, lock_record, waits_for
from projects.processes import is_alive

StateName = Literal[
    "waiting", "running", "paused", "stopping", "done", "failed", "stopped", "crashed", "orphaned"
]
SILENT_AFTER = 120.0  # seconds without an event after which a running job counts as stalled
_NOT_BEGUN = "Stopped as asked, before it began."


@dataclass(frozen=True)
class JobState:
    name: StateName
    detail: str  # one sentence, or ""
    exit_code: int | None  # None while it has none
    at: float | None = None  # when it ended, in seconds since the epoch, where that is recorded

    @property
    def ended(self) -> bool:
        return self.name in ("done", "failed", "stopped", "crashed")


def state(job: Job) -> JobState:
    """What the job is doing, from its files and the process table alone. Never raises for a
    damaged file: the detail tells."""
    if (ended := _ended(job)) is not None:
        return ended
    if is_held(job):
        return _watched(job)
    if (ended := _ended(job)) is not None:  # it ended between the two looks
        return ended
    supervisor, worker = lock_record(job)
    if supervisor is None:
        return JobState("waiting", "Nobody has started it yet.", None)
    if is_alive(worker):
        return JobState(
            "orphaned",
            "The process that watched over it is gone, but it still works. Take it over with: "
            f"swapdeck jobs adopt {job.id}, or ask it to stop.",
            None,
        )
    if worker is None and waits_for(job):
        return JobState(
            "crashed",
            "It was killed, or the machine went down, while it waited for its turn; nothing had "
            f"begun. Start it again with: swapdeck jobs retry {job.id}",
            None,
        )
    return JobState(
        "crashed",
        "It was killed, or the machine went down, and it left no word. What it had saved is "
        f"there: swapdeck jobs retry {job.id} goes on from it. What it printed is in "
        f"{job.output_path}.",
        None,
    )


def request(job: Job, what: Asked) -> None:
    """Ask the job to stop, pause, resume, save a checkpoint or make a preview.

    A job that nobody has started yet is ended by `stop` at once.

    Raises:
        CommandError: the job has ended, or `what` is unknown.
        SwapdeckError: it cannot be written.
    """
    now = state(job)
    if now.name == "crashed":
        raise CommandError(f"The job {job.id} has crashed. There is nothing to {what}.")
    ask(job, what)
    if what == "stop" and now.name == "waiting":
        with holding_lock(job) as descriptor:
            if descriptor is not None and not has_ended(job):
                write_exit(job, 130, _NOT_BEGUN)


def stalled(job: Job, now: JobState) -> float | None:
    """Seconds since a running job last said anything, when that is long; else None. Silence tells
    something about a job, and never decides its state."""
    if now.name != "running":
        return None
    last = read_events(job, -8192)[0][-1:]
    at = last[0].get("at") if last else None
    silent = time.time() - at if isinstance(at, int | float) else 0.0
    return silent if silent > SILENT_AFTER else None


def _ended(job: Job) -> JobState | None:
    try:
        end = read_end(job)
    except DamagedError as error:
        return JobState("failed", str(error), None)
    if end is None:
        return None
    name: StateName = "done" if end.code == 0 else "stopped" if end.code == 130 else "failed"
    return JobState(name, end.reason, end.code, end.at)


def _watched(job: Job) -> JobState:
    waits = waits_for(job)
    name: StateName = "waiting" if waits else "running"
    try:
        asked = requested(job)
    except SwapdeckError as error:
        return JobState(name, str(error), None)
    if asked.stop or asked.kill:
        return JobState("stopping", "It saves what it has and ends.", None)
    if waits:
        return JobState("paused" if asked.pause else "waiting", waits, None)
    if asked.pause:
        last = read_events(job, -8192)[0][-1:]
        if last and last[0].get("kind") == "request" and last[0].get("what") == "pause":
            return JobState("paused", "", None)
        return JobState("running", "It pauses after the current step.", None)
    return JobState("running", "", None)
