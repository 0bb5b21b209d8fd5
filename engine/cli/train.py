"""`swapdeck train`: train a swap's model."""

from __future__ import annotations

import click

from engine.cli.follow import run_job
from engine.cli.options import detach_option
from engine.cli.session import Session, Verb, pass_session
from engine.text import duration


@click.command(cls=Verb)
@click.argument("swap")
@click.option(
    "--steps", type=click.IntRange(min=1), help="Train to this step, counted from the first run."
)
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Train this long now.")
@detach_option
@pass_session
def train(
    session: Session, swap: str, steps: int | None, minutes: float | None, detach: bool
) -> None:
    """Train SWAP's model.

    Goes on from its newest checkpoint. Without a limit it trains until Ctrl-C, which saves.
    """
    from projects.swaps import get_swap, require_consent

    workspace = session.open()
    one = get_swap(workspace, swap)
    require_consent(workspace, one, "training")
    arguments = {"swap": one.slug, "steps": steps, "minutes": minutes}
    outcome = run_job(session, workspace, "train", one.slug, arguments, detach=detach)
    for result in outcome.results:
        session.output.remark(
            f"{one.slug} is at step {result['step']} after {duration(result['seconds'])}. "
            f"Next: swapdeck convert {one.slug} VIDEO"
        )
