"""Ending a job's processes, and only those: each is known by its pid, start time and boot."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Sequence

from projects.errors import CommandError, SwapdeckError
from projects.jobfiles import Job, ask_to_kill, write_exit
from projects.joblock import is_held, lock_record
from projects.processes import Process, is_alive


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
    if not is_held(job):
        write_exit(job, 128 + signal.SIGKILL, "It was killed on request.")


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
            _signal(process, number)


def _signal(process: Process, number: int) -> None:
    """Signal this very process: what is looked at between is held by its descriptor."""
    with contextlib.suppress(ProcessLookupError):
        if not hasattr(os, "pidfd_open"):
            os.kill(process.pid, number)
            return
        descriptor = os.pidfd_open(process.pid)
        try:
            if is_alive(process):
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)


def _wait_gone(processes: Sequence[Process | None], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(is_alive(process) for process in processes):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True
