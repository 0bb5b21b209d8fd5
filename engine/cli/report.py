"""`swapdeck report`: measure a swap's results and write them up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.follow import Outcome, run_job
from engine.cli.options import detach_option
from engine.cli.session import Session, Verb, pass_session
from engine.text import short_path


@click.command(cls=Verb)
@click.argument("swap")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where the HTML file goes.")
@click.option("--compare", metavar="SWAP", multiple=True, help="Also measure this swap's results.")
@detach_option
@pass_session
def report(
    session: Session, swap: str, output: Path | None, compare: tuple[str, ...], detach: bool
) -> None:
    """Measure SWAP's results and write them up.

    The report is one HTML file that opens anywhere, with the values beside it as JSON.
    """
    from projects.swaps import get_swap

    workspace = session.open()
    one = get_swap(workspace, swap)
    arguments: dict[str, Any] = {
        "swap": one.slug,
        "output": None if output is None else str(output.absolute()),
        "compare": [get_swap(workspace, other).slug for other in compare],
    }
    outcome = run_job(session, workspace, "report", one.slug, arguments, detach=detach)
    _say_report(session, outcome)


def _say_report(session: Session, outcome: Outcome) -> None:
    for result in outcome.results:
        session.output.remark(f"Report: {short_path(result['report'])}")
