"""What the Jobs mode does with jobs that exist, each in a thread of its own."""

from __future__ import annotations

from pathlib import Path

from projects import jobs
from projects.errors import CommandError
from projects.jobchain import retry as retry_chain
from projects.jobcleaning import cleanable
from projects.workspace import Workspace, move_to_trash, open_workspace, restore_from_trash
from tui.text import plural


def retry(root: Path, identity: str) -> list[jobs.Job]:
    """Go on with a job, and with those that were to come after it; the jobs that were started."""
    workspace = open_workspace(root)
    return retry_chain(workspace, jobs.get_job(workspace, identity))


def kill(root: Path, identity: str) -> None:
    """End a job's processes."""
    jobs.kill(jobs.get_job(open_workspace(root), identity))


def adopt(root: Path, identity: str) -> None:
    """Watch over an orphan again."""
    jobs.launch(jobs.get_job(open_workspace(root), identity))


def to_trash(workspace: Workspace, identity: str) -> Path:
    """Move the folder of a job that has ended to the trash; the path there.

    Raises:
        CommandError: it lives, or a living job waits for it.
    """
    job = jobs.get_job(workspace, identity)
    if job.id not in {one.id for one in cleanable(workspace)}:
        raise CommandError(
            f"The job {job.id} has not ended, or another one waits for it, so its record stays."
        )
    return _move(workspace, job)


def _move(workspace: Workspace, job: jobs.Job) -> Path:
    with jobs.holding_lock(job) as held:
        if held is None:
            raise CommandError(f"The job {job.id} has begun again, so its record stays.")
        return move_to_trash(workspace, job.root)


def clean(root: Path) -> list[Path]:
    """Move every job that has ended and that nobody waits for to the trash; the paths there."""
    workspace = open_workspace(root)
    return [_move(workspace, job) for job in cleanable(workspace)]


def restore_all(root: Path, trashed: list[Path]) -> str:
    """Put back what `clean` moved; the sentence to be shown."""
    workspace = open_workspace(root)
    for path in trashed:
        restore_from_trash(workspace, path)
    return f"{plural(len(trashed), 'record')} of jobs are back."
