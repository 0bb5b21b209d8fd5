"""`swapdeck jobs`: what runs and what ran."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from engine.cli.follow import Interrupts, watch
from engine.cli.output import Column
from engine.cli.session import Session, Verbs, pass_session
from engine.text import clean

if TYPE_CHECKING:
    from projects.errors import SwapdeckError
    from projects.jobs import Job

JOBS = (
    Column("job", "job"),
    Column("verb", "verb"),
    Column("subject", "on"),
    Column("state", "state"),
    Column("detail", "detail"),
)


@click.group(cls=Verbs)
def jobs() -> None:
    """What runs and what ran."""


@jobs.command("list")
@pass_session
def list_(session: Session) -> None:
    """List the jobs of this workspace, newest last."""
    from projects.jobs import list_jobs

    problems: list[SwapdeckError] = []
    rows = [describe(job) for job in reversed(list_jobs(session.open(), problems))]
    session.output.table(JOBS, rows, "No jobs yet.")
    session.output.problems(problems)


@jobs.command()
@click.argument("job")
@pass_session
def attach(session: Session, job: str) -> None:
    """Watch a job from its first event. Ctrl-C asks it to stop; closing the terminal does not."""
    with Interrupts() as interrupts:
        watch(session, _job(session, job), interrupts)


@jobs.command()
@click.argument("job")
@click.option("--wait", is_flag=True, help="Come back when it has saved and ended.")
@pass_session
def stop(session: Session, job: str, wait: bool) -> None:
    """Ask a job to save and stop."""
    from projects.jobs import request, state

    one = _job(session, job)
    request(one, "stop")
    while wait and not state(one).ended:
        time.sleep(0.1)
    session.output.done(describe(one), f"{one.id}: {describe(one)['state']}")


@jobs.command()
@click.argument("job")
@pass_session
def pause(session: Session, job: str) -> None:
    """Ask a job to pause; `resume` lets it go on."""
    _ask(session, job, "pause")


@jobs.command()
@click.argument("job")
@pass_session
def resume(session: Session, job: str) -> None:
    """Let a paused job go on."""
    _ask(session, job, "resume")


@jobs.command()
@click.argument("job")
@click.option("--grace", type=click.FloatRange(min=0), default=10.0, show_default=True)
@pass_session
def kill(session: Session, job: str, grace: float) -> None:
    """End a job that does not answer: SIGTERM, then SIGKILL after GRACE seconds."""
    from projects.jobs import kill as kill_job

    one = _job(session, job)
    kill_job(one, grace)
    session.output.done(describe(one), f"{one.id}: {describe(one)['state']}")


@jobs.command()
@click.argument("job")
@pass_session
def log(session: Session, job: str) -> None:
    """Print what a job's processes wrote."""
    one = _job(session, job)
    path = one.output_path
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    for line in text.splitlines():
        if session.json:
            session.output.line({"line": line})
        else:
            click.echo(clean(line))


def describe(job: Job) -> dict[str, Any]:
    """A job's row."""
    from projects.jobs import state

    now = state(job)
    return {
        "job": job.id,
        "verb": job.verb,
        "subject": job.subject,
        "state": now.name,
        "detail": now.detail,
        "exit_code": now.exit_code,
    }


def _job(session: Session, name: str) -> Job:
    from projects.jobs import get_job

    return get_job(session.open(), name)


def _ask(session: Session, name: str, what: Any) -> None:
    from projects.jobs import request

    one = _job(session, name)
    request(one, what)
    session.output.done({"job": one.id, "asked": what}, f"Asked {one.id} to {what}.")
