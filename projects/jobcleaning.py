"""Taking away the folders of jobs that have ended, and never of one that lives."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from projects.errors import CommandError
from projects.files import remove_folder, sweep
from projects.jobfiles import Job
from projects.joblock import holding_lock
from projects.jobs import list_jobs
from projects.jobstate import state
from projects.workspace import Workspace


def cleanable(ws: Workspace, *, older_than: float = 0.0, failed: bool = False) -> list[Job]:
    """The jobs that have ended more than `older_than` seconds ago, the oldest first; with `failed`
    only those that failed or crashed. Those that a living job waits for are left out.

    Jobs whose files cannot be read are left for somebody to look at.
    """
    known = [(job, state(job)) for job in list_jobs(ws, [])]
    waited_for = {job.after for job, now in known if not now.ended}
    found = []
    for job, now in reversed(known):
        if not now.ended or job.id in waited_for:
            continue
        if failed and now.name not in ("failed", "crashed"):
            continue
        if time.time() - (now.at or _last_sign(job)) >= older_than:
            found.append(job)
    return found


def remove_jobs(ws: Workspace, jobs: Sequence[Job]) -> None:
    """Delete the folders of jobs that have ended, for good.

    Raises:
        CommandError: one has not ended, or a job waits for it; those before it are deleted.
        SwapdeckError: one cannot be deleted.
    """
    sweep(ws.jobs)
    waited_for = {job.after for job in list_jobs(ws, []) if not state(job).ended}
    for job in jobs:
        with holding_lock(job) as held:
            if held is None or not state(job).ended or job.id in waited_for:
                raise CommandError(
                    f"The job {job.id} has not ended, or another one waits for it. End it first "
                    f"with: swapdeck jobs stop {job.id}"
                )
            remove_folder(job.root)


def size(job: Job) -> int:
    """Bytes that its files take."""
    total = 0
    for folder, _, names in os.walk(job.root):
        for name in names:
            try:
                total += Path(folder, name).lstat().st_size
            except OSError:
                continue
    return total


def _last_sign(job: Job) -> float:
    """When it was last heard of."""
    for path in (job.events_path, job.lock_path, job.spec_path):
        try:
            return path.stat().st_mtime
        except OSError:
            continue
    return time.time()
