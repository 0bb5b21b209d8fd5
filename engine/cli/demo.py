"""`swapdeck demo`: the whole job on two people who do not exist."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from engine.cli.follow import run_job
from engine.cli.session import Session, Verb, pass_session
from engine.text import duration, short_path

FOLDER = "swapdeck-demo"


@click.command(cls=Verb)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="Train this long, or this much longer  [default: what is left of 6 minutes]",
)
@click.option("--fresh", is_flag=True, help="Start over; what was there goes to the trash.")
@click.option(
    "--reference",
    is_flag=True,
    help="Also train the plain classic recipe as long, and show its figures beside.",
)
@pass_session
def demo(session: Session, minutes: float | None, fresh: bool, reference: bool) -> None:
    """Do the whole job on two synthetic people.

    Gathers, extracts, trains, converts and measures, in ./swapdeck-demo unless --workspace says
    otherwise. A second run skips what is done; with --minutes it trains on.
    """
    from projects.errors import CommandError
    from projects.jobs import is_held, list_jobs, state

    session.workspace = session.workspace or Path(FOLDER)
    workspace = session.open(create=True)
    for job in list_jobs(workspace):
        if job.verb == "demo" and (is_held(job) or state(job).name == "orphaned"):
            raise CommandError(
                f"The demo runs already. Watch it: swapdeck jobs attach {job.id} "
                f"--workspace {session.workspace}"
            )
    arguments = {"minutes": minutes, "fresh": fresh, "reference": reference}
    outcome = run_job(session, workspace, "demo", "synthetic people", arguments)
    if not session.json and not session.quiet:
        for result in outcome.results:
            show(result)


def show(result: Mapping[str, Any]) -> None:
    """The demo's table, and where everything lies."""
    from rich.console import Console
    from rich.table import Table

    from engine.quality.table import MEASURES, QualityTable, written

    console = Console(highlight=False, markup=False)
    work = Table("stage", "wall time", "what", title="what was done", title_justify="left")
    for stage in result["stages"]:
        work.add_row(stage["name"], duration(stage["seconds"]), stage["what"])
    work.columns[1].justify = "right"
    console.print(work)
    quality = QualityTable.from_dict(result["quality"])
    table = Table(title="measured quality", title_justify="left")
    table.add_column("measure")
    for row in quality.rows:
        table.add_column(row.name, justify="right")
    for measure in MEASURES:
        table.add_row(measure.heading, *(written(row, measure) for row in quality.rows))
    console.print(table)
    drift = quality.sound_drift_ms
    if drift is not None and math.isfinite(drift):
        same = "bit for bit the original" if quality.sound_identical else "not the original"
        console.print(f"sound drift {drift:.3f} ms, packets {same}")
    console.print(
        f"PSNR and SSIM: inside the face, {quality.rows[0].exact_frames} frames that the "
        "training did not see, against the exact truth."
    )
    for name in ("video", "picture", "report"):
        console.print(f"{name:<8} {short_path(result[name])}", soft_wrap=True)
