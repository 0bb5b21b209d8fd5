"""Jobs that follow each other, and going on with what failed.

A retry is a new job with the arguments of one that failed, was stopped or crashed: the verbs go on
from what was saved. The jobs that would have come after it, and never began because it ended, are
made anew after the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from projects.errors import CommandError, SwapdeckError
from projects.files import inside, locked, remove_folder
from projects.jobfiles import Job, ended_because, load_job, read_events, read_spec, write_exit
from projects.joblock import lock_record
from projects.jobs import create_job, launch, list_jobs
from projects.jobstate import state
from projects.workspace import Workspace

_LEAST_MINUTES = 0.01  # so that a training that had only to be finished saves, and ends


@dataclass(frozen=True)
class Link:
    """One job of a chain, as `create_job` takes it."""

    verb: str
    subject: str
    arguments: Mapping[str, Any]


def create_chain(ws: Workspace, links: Sequence[Link]) -> list[Job]:
    """Jobs of which each begins when the one before it is done; all of them or none. Start them
    with `start_chain`.

    Raises:
        SwapdeckError: one cannot be written.
    """
    made: list[Job] = []
    try:
        for number, link in enumerate(links, 1):
            title = f"{link.verb} {link.subject} ({number} of {len(links)})"
            after = made[-1].id if made else ""
            arguments = link.arguments
            made.append(
                create_job(ws, link.verb, link.subject, arguments, title=title, after=after)
            )
    except SwapdeckError:
        for job in made:
            remove_folder(job.root)
        raise
    return made


def start_chain(jobs: Sequence[Job], start: Callable[[Job], None] = launch) -> None:
    """Start the jobs of a chain, the first one first. Where one does not start, those after it
    are ended with a sentence.

    Raises:
        SwapdeckError: one does not start.
    """
    for number, job in enumerate(jobs):
        try:
            start(job)
        except SwapdeckError as error:
            for later in jobs[number + 1 :]:
                write_exit(later, 1, f"It did not begin. {error}", because=jobs[number].id)
            raise


def before(ws: Workspace, job: Job) -> Job | None:
    """The job that this one waits for or waited for; None when there is none any more."""
    root = inside(ws.jobs, job.after) if job.after else None
    return load_job(root) if root is not None and root.is_dir() else None


def followers(ws: Workspace, job: Job) -> list[Job]:
    """The jobs of the chain that come after this one, the next first."""
    known = list_jobs(ws, [])[::-1]
    found = [job]
    for one in found:
        found += [other for other in known if other.after == one.id and other not in found]
    return found[1:]


def retried_as(ws: Workspace, job: Job) -> Job | None:
    """The newest job that goes on with this one's work; None when none does."""
    newest = None
    for other in list_jobs(ws, [])[::-1]:
        if other.retry_of == (newest or job).id:
            newest = other
    return newest


def retry(ws: Workspace, job: Job, start: Callable[[Job], None] = launch) -> list[Job]:
    """Go on with a job that failed, was stopped or crashed; the jobs that `start` has started, in
    their order.

    Where it never began because another one before it ended, that one is gone on with, and where
    it was retried before, the newest retry is.

    Raises:
        CommandError: it is done, has not ended, or a retry of it runs or is done.
        SwapdeckError: a job cannot be written or started.
    """
    with locked(ws.jobs):  # two dashboards must not both go on with it
        made = _made_again(ws, job)
    start_chain(made, start)
    return made


def _made_again(ws: Workspace, job: Job) -> list[Job]:
    job, follows = _first_to_retry(ws, retried_as(ws, job) or job)
    now = state(job)
    if now.name == "done":
        raise CommandError(f"The job {job.id} is done. There is nothing to go on with.")
    if not now.ended:
        raise CommandError(
            f"The job {job.id} has not ended: it is {now.name}. Watch it with: swapdeck jobs "
            f"attach {job.id}"
        )
    waiting = [one for one in followers(ws, job) if _never_began(one)]
    made = [_again(ws, job, follows)]
    named = {job.id: made[0].id}
    for one in waiting:
        if one.after in named:
            made.append(_again(ws, one, named[one.after]))
            named[one.id] = made[-1].id
    return made


def _first_to_retry(ws: Workspace, job: Job) -> tuple[Job, str]:
    """The first job of its chain that has to run again, and what it is to follow."""
    while (earlier := before(ws, job)) is not None:
        newest = retried_as(ws, earlier) or earlier
        now = state(newest)
        if now.name == "done":
            break
        if not now.ended:
            return job, newest.id
        job = newest
    return job, ""


def _never_began(job: Job) -> bool:
    """Whether its chain ended before its turn, or is about to; what was stopped by hand while it
    waited is another matter."""
    now = state(job)
    if now.name == "crashed":
        return lock_record(job)[1] is None
    return now.name == "waiting" or bool(ended_because(job))


def _again(ws: Workspace, job: Job, after: str) -> Job:
    spec = read_spec(job)
    arguments = _what_is_left(job, spec["arguments"])
    title = str(spec.get("title", ""))
    return create_job(
        ws, job.verb, job.subject, arguments, title=title, after=after, retry_of=job.id
    )


def _what_is_left(job: Job, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments without the minutes that a training has trained and saved already; every
    other verb finds out by itself what is done."""
    minutes = arguments.get("minutes")
    if job.verb != "train" or not isinstance(minutes, int | float):
        return arguments
    seconds = saved = 0.0
    for event in read_events(job)[0]:
        if event.get("kind") == "step" and isinstance(event.get("seconds"), int | float):
            seconds = float(event["seconds"])
        elif event.get("kind") == "checkpoint":
            saved = seconds
    return {**arguments, "minutes": max(minutes - saved / 60, _LEAST_MINUTES)}


def earlier_results(job: Job) -> list[dict[str, Any]]:
    """The `result` events of the jobs whose work this one goes on with, the oldest first."""
    found: list[dict[str, Any]] = []
    seen = {job.id}
    while job.retry_of and job.retry_of not in seen:
        root = inside(job.root.parent, job.retry_of)
        if not root.is_dir():
            break
        try:
            job = load_job(root)
        except SwapdeckError:
            break
        seen.add(job.id)
        found[:0] = [e for e in read_events(job)[0] if e.get("kind") == "result"]
    return found
