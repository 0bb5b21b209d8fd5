"""`swapdeck train`: train a swap's model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from engine.cli.described import described_options
from engine.cli.follow import run_job
from engine.cli.options import detach_option
from engine.cli.session import Session, Verb, pass_session
from engine.text import duration
from projects.together import OPTIONS as TOGETHER
from projects.together import meeting_of
from projects.training_options import RUN, train_arguments


@click.command(cls=Verb)
@click.argument("swap")
@described_options(RUN)
@described_options(TOGETHER)
@detach_option
@pass_session
def train(
    session: Session,
    swap: str,
    detach: bool,
    **said: Any,
) -> None:
    """Train SWAP's model.

    Goes on from its newest checkpoint. Without a limit it trains until Ctrl-C, which saves. While
    another training has the device, this one waits, says for whom, and starts by itself.

    Several processes may train together, each started by this command; docs/devices.md says how.
    """
    from projects.swaps import get_swap, require_consent

    workspace = session.open()
    one = get_swap(workspace, swap)
    require_consent(workspace, one, "training")
    arguments = train_arguments(one.slug, said)
    meeting = meeting_of(arguments)
    if meeting is not None and not meeting.leads:
        from engine.cli.partner import help_train

        help_train(session, workspace, arguments)
        return
    if meeting is not None and detach and meeting.coordinator is None:
        raise click.UsageError("Leave out --detach: Slurm ends what its tasks leave behind.")
    outcome = run_job(session, workspace, "train", one.slug, arguments, detach=detach)
    for result in outcome.results:
        session.output.remark(
            f"{one.slug} is at step {result['step']} after {duration(result['seconds'])}"
            f"{_best(result)}. "
            f"Next: swapdeck convert {one.slug} VIDEO"
        )


def _best(result: Mapping[str, Any]) -> str:
    """What is said about the checkpoint with the best held-out score."""
    best = result.get("best")
    return "" if best is None else f", and was best at step {best}"
