"""`swapdeck bench accelerator`: all figures of a graphics card in one call."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.session import Session, Verb, pass_session


@click.command("accelerator", cls=Verb)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for figures.json, figures.md and output.log, written as it goes.",
)
@click.option(
    "--budget",
    type=click.FloatRange(min=10),
    default=540.0,
    show_default=True,
    help="Seconds for all of it; what comes last is left out.",
)
@click.option(
    "--train-minutes",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Train standard-128 on the shipped pair at the end, and compare it with the exact truth.",
)
@click.option(
    "--only",
    "names",
    multiple=True,
    metavar="STAGE",
    help="As 'step', or 'step hd-256'. Again for each.  [default: all]",
)
@click.option("--rehearse", is_flag=True, help="All stages at tiny sizes, to try them on a CPU.")
@pass_session
def accelerator(
    session: Session,
    out: Path,
    budget: float,
    train_minutes: float,
    names: tuple[str, ...],
    rehearse: bool,
) -> None:
    """All figures of this machine's graphics card in one call under ten minutes.

    The training step of each preset beside the card's own matrix products and beside PyTorch where
    that is installed, where its time goes, and how exactly a training goes on.
    """
    from engine.bench.accelerator.plan import FULL, REHEARSAL, only, with_training
    from engine.bench.accelerator.run import run
    from projects.errors import SwapdeckError

    plan = only(with_training(REHEARSAL if rehearse else FULL, train_minutes), names)
    account = run(plan, out, budget, session.output.remark)
    if session.json:
        for one in account.results:
            fields = {"name": one.stage.name, "outcome": one.outcome, "seconds": one.seconds}
            session.output.line({**fields, "rows": one.rows, "said": one.said})
    else:
        click.echo(account.markdown())
    if failed := account.failed:
        raise SwapdeckError(f"Not done: {', '.join(failed)}. {out / 'output.log'} says why.")
