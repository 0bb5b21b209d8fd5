"""Telling that a job has ended while the dashboard was open: a line, and a bell for a long one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from projects import jobs
from projects.errors import SwapdeckError
from projects.files import inside
from projects.workspace import open_workspace
from tui.snapshot import JobRow, Snapshot
from tui.states import ENDED, LIVE
from tui.text import clean


@dataclass(frozen=True)
class End:
    """What is told. `ringing` is what makes the terminal ring and notify, "" for nothing."""

    sentence: str
    bad: bool
    ringing: str


def just_ended(before: Snapshot | None, now: Snapshot) -> Iterator[JobRow]:
    """The jobs that were alive in the snapshot before and have ended in this one."""
    if before is None:
        return
    alive = {row.id for row in before.jobs if row.state in LIVE}
    yield from (row for row in now.jobs if row.id in alive and row.state in ENDED)


def read_end(root: Path, row: JobRow) -> End | None:
    """What is to be told of a job that has ended; None for nothing, as for one that never began
    because another one failed, and for a short one that went well."""
    from projects.notices import Notify, is_an_end, read_notify, ringing, sentence

    try:
        job = jobs.load_job(inside(open_workspace(root).jobs, row.id))
        if not is_an_end(job):
            return None
    except (SwapdeckError, OSError):  # it has gone meanwhile
        return None
    try:
        notify, wrong = read_notify(), ""
    except SwapdeckError as error:
        notify, wrong = Notify(), f" Your settings are left aside: {error}"
    long = (row.ended or 0.0) - row.created >= notify.after
    bad = row.state in ("failed", "crashed")
    if not (long or bad):
        return None
    words = sentence(job)
    rings = ringing(words) if long and notify.bell else ""
    return End(clean(words.removeprefix("swapdeck: ") + "." + wrong), bad, rings)
