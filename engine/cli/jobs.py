"""`swapdeck jobs`: what runs and what ran."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, get_args

import click

from engine.cli.follow import Interrupts, watch
from engine.cli.jobs_clean import clean_
from engine.cli.jobs_log import log
from engine.cli.output import Column
from engine.cli.session import Session, Verbs, pass_session
from engine.text import count, duration
from projects.errors import CommandError, SwapdeckError
from projects.jobs import (
    Job,
    StateName,
    get_job,
    launch,
    list_jobs,
    request,
    stalled,
    state,
)

JOBS = (
    Column("job", "job"),
    Column("verb", "verb"),
    Column("subject", "on"),
    Column("state", "state"),
    Column("took", "time", right=True),
    Column("detail", "detail"),
)
FAILED = ("failed", "crashed")


@click.group(cls=Verbs)
def jobs() -> None:
    """What runs and what ran."""


jobs.add_command(log)
jobs.add_command(clean_)


@jobs.command("list")
@click.option("--running", is_flag=True, help="Only those that have not ended, waiting ones too.")
@click.option("--failed", is_flag=True, help="Only those that failed or crashed.")
@click.option("--state", "states", type=click.Choice(get_args(StateName)), multiple=True)
@click.option("--verb", "verbs", multiple=True, metavar="VERB", help="Only trainings: --verb train")
@click.option("--on", "subject", metavar="NAME", help="Only those on this person or swap.")
@click.option("--newest", type=click.IntRange(min=1), metavar="N", help="Only the newest N.")
@pass_session
def list_(
    session: Session,
    running: bool,
    failed: bool,
    states: tuple[str, ...],
    verbs: tuple[str, ...],
    subject: str | None,
    newest: int | None,
) -> None:
    """List the jobs of this workspace, newest last."""
    problems: list[SwapdeckError] = []
    found = list_jobs(session.open(), problems)
    retries = {job.retry_of: job.id for job in reversed(found) if job.retry_of}
    rows: list[dict[str, Any]] = []
    for job in found:
        if (verbs and job.verb not in verbs) or (subject and job.subject != subject):
            continue
        row = describe(job)
        if (running and row["ended"]) or (failed and row["state"] not in FAILED):
            continue
        if states and row["state"] not in states:
            continue
        row["retried_as"] = retries.get(job.id, "")
        if row["retried_as"]:
            row["detail"] = f"{row['detail']} Retried as {row['retried_as']}.".strip()
        rows.append(row)
        if len(rows) == newest:
            break
    nothing = "No such jobs." if found else "No jobs yet."
    session.output.table(JOBS, rows[::-1], nothing)
    session.output.problems(problems)


@jobs.command()
@click.argument("job")
@pass_session
def attach(session: Session, job: str) -> None:
    """Watch a job from its first event, from as many terminals as you like.

    Ctrl-C leaves the job running; `swapdeck jobs stop` ends it. An orphan, which nobody watches
    over any more, is taken over.
    """
    one = get_job(session.open(), job)
    if state(one).name == "orphaned":
        _adopt(session, one)
    with Interrupts() as interrupts:
        watch(session, one, interrupts, only_watches=True)


@jobs.command()
@click.argument("job")
@click.option("--wait", is_flag=True, help="Come back when it has saved and ended.")
@pass_session
def stop(session: Session, job: str, wait: bool) -> None:
    """Ask a job to save and stop. Those that wait for it end with it."""
    from projects.jobchain import followers

    workspace = session.open()
    one = get_job(workspace, job)
    with_it = [other for other in followers(workspace, one) if not state(other).ended]
    request(one, "stop")
    while wait and not all(state(other).ended for other in (one, *with_it)):
        time.sleep(0.1)
    more = f"; {count(len(with_it), 'job')} that would follow will not begin" if with_it else ""
    session.output.done(describe(one), f"{one.id}: {state(one).name}{more}")


@jobs.command()
@click.argument("job")
@pass_session
def pause(session: Session, job: str) -> None:
    """Ask a job to pause; `resume` lets it go on. It keeps its device meanwhile."""
    _ask(session, job, "pause")


@jobs.command()
@click.argument("job")
@pass_session
def resume(session: Session, job: str) -> None:
    """Let a paused job go on."""
    _ask(session, job, "resume")


@jobs.command()
@click.argument("job")
@pass_session
def save(session: Session, job: str) -> None:
    """Ask a training for a checkpoint now."""
    _ask(session, job, "save")


@jobs.command()
@click.argument("job")
@pass_session
def preview(session: Session, job: str) -> None:
    """Ask a training for a preview picture now."""
    _ask(session, job, "preview")


@jobs.command()
@click.argument("job")
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="Seconds between asking and ending.",
)
@pass_session
def kill(session: Session, job: str, grace: float) -> None:
    """End a job that does not answer: SIGTERM, then SIGKILL after GRACE seconds.

    Only the very processes of the job are signalled: their start time and boot are compared.
    """
    from projects.jobs import kill as kill_job

    one = get_job(session.open(), job)
    kill_job(one, grace)
    session.output.done(describe(one), f"{one.id}: {state(one).name}")


@jobs.command()
@click.argument("job")
@click.option("--attach", "attached", is_flag=True, help="Watch it.")
@pass_session
def retry(session: Session, job: str, attached: bool) -> None:
    """Go on with a job that failed, was stopped or crashed.

    It runs again with the same arguments and goes on from what was saved, and so do the jobs that
    would have come after it.
    """
    from projects.jobchain import retry as retry_job

    workspace = session.open()
    with Interrupts() as interrupts:
        made = retry_job(workspace, get_job(workspace, job))
        first, *rest = made
        more = f", and {count(len(rest), 'job')} after it" if rest else ""
        session.output.done(
            {**describe(first), "then": [other.id for other in rest]},
            f"Going on with {first.retry_of} as {first.id}{more}. Watch: swapdeck jobs attach "
            f"{first.id}",
        )
        if attached:
            watch(session, first, interrupts, only_watches=True)


@jobs.command()
@click.argument("job")
@pass_session
def adopt(session: Session, job: str) -> None:
    """Watch over an orphan again: a job whose supervising process was killed.

    The work goes on untouched; from now on its end is accounted for, whatever it is.
    """
    one = get_job(session.open(), job)
    now = state(one)
    if now.name != "orphaned":
        raise CommandError(f"The job {one.id} is no orphan: it is {now.name}.")
    _adopt(session, one)


def describe(job: Job) -> dict[str, Any]:
    """A job's row. `created` and `ended_at` are ISO 8601 in UTC, `took` is in words."""
    now = state(job)
    silent = stalled(job, now)
    detail = now.detail
    if silent is not None:
        detail = f"Stalled: nothing was heard of it for {duration(silent)}. {detail}".strip()
    ended = now.at
    return {
        "job": job.id,
        "verb": job.verb,
        "subject": job.subject,
        "state": now.name,
        "detail": detail,
        "exit_code": now.exit_code,
        "stalled": silent is not None,
        "created": job.created,
        "ended": now.ended,
        "ended_at": None if ended is None else datetime.fromtimestamp(ended, UTC).isoformat(),
        "took": _took(job, ended),
        "after": job.after,
        "retry_of": job.retry_of,
    }


def _took(job: Job, ended: float | None) -> str:
    try:
        begun = datetime.fromisoformat(job.created).timestamp()
    except ValueError:
        return ""
    return "" if ended is None else duration(max(0.0, ended - begun))


def _adopt(session: Session, job: Job) -> None:
    launch(job)
    session.output.done(describe(job), f"{job.id} is watched over again.")


def _ask(session: Session, name: str, what: Any) -> None:
    one = get_job(session.open(), name)
    if what in ("save", "preview") and one.verb != "train":
        raise CommandError(f"The job {one.id} is no training: there is nothing to {what}.")
    request(one, what)
    session.output.done({"job": one.id, "asked": what}, f"Asked {one.id} to {what}.")
