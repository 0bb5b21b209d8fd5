"""`swapdeck jobs clean`: take away the folders of jobs that have ended."""

from __future__ import annotations

import re

import click

from engine.cli.session import Session, Verb, pass_session
from engine.text import count

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([mhdw])")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
DEFAULT = "30d"


def age(text: object) -> float:
    """A length of time in seconds: 90m, 12h, 30d, 2w."""
    found = _AGE.fullmatch(str(text).strip().lower())
    if found is None:
        raise click.BadParameter(f"'{text}' is no age. Write it as 12h, 30d or 2w.")
    return float(found[1]) * _SECONDS[found[2]]


@click.command("clean", cls=Verb)
@click.option(
    "--older-than", type=age, metavar="AGE", help=f"As in 12h, 30d, 2w.  [default: {DEFAULT}]"
)
@click.option("--all", "every", is_flag=True, help="All that have ended, however long ago.")
@click.option("--failed", is_flag=True, help="Only those that failed or crashed.")
@click.option("--dry-run", is_flag=True, help="Only say what would be taken away.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def clean_(
    session: Session,
    older_than: float | None,
    every: bool,
    failed: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Delete the records of jobs that have ended: what they were to do, said and printed.

    What they made stays where it is: datasets, checkpoints, results. A job that lives, or that
    another one waits for, stays too.
    """
    from projects.jobcleaning import cleanable, remove_jobs, size

    if every and older_than is not None:
        raise click.UsageError("Say --all or --older-than, not both.")
    workspace = session.open()
    least = 0.0 if every else age(DEFAULT) if older_than is None else older_than
    found = cleanable(workspace, older_than=least, failed=failed)
    taken = sum(size(job) for job in found)
    what = f"{count(len(found), 'job')}, {taken / 1e6:.1f} MB"
    fields = {"jobs": [job.id for job in found], "bytes": taken, "deleted": not dry_run}
    if not found:
        session.output.done(fields, "There is nothing to take away.")
        return
    if dry_run:
        for job in found:
            session.output.remark(job.id)
        session.output.done(fields, f"These would be deleted: {what}.")
        return
    session.confirm(f"Delete the records of {what}, for good?", yes)
    remove_jobs(workspace, found)
    session.output.done(fields, f"Deleted the records of {what}.")
