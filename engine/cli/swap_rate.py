"""`swapdeck swap find-rate`: how high a swap's learning rate can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from engine.cli.described import described_options
from engine.cli.follow import run_job
from engine.cli.options import detach_option
from engine.cli.output import Column
from engine.cli.session import Session, Verb, pass_session
from projects.training_options import FINDER, finder_arguments

ROWS = 16
BAR = 30  # cells of the largest loss that is shown whole
COLUMNS = (
    Column("rate", "learning rate", right=True),
    Column("loss", "loss", right=True),
    Column("bar", ""),
)


@click.command("find-rate", cls=Verb)
@click.argument("name", metavar="SWAP")
@described_options(FINDER)
@detach_option
@pass_session
def find_rate(session: Session, name: str, detach: bool, **said: Any) -> None:
    """Find a learning rate for SWAP: train a copy of it at rates that rise until the loss does.

    Shows the curve and a rate a tenth of that where the loss was lowest. Nothing is changed unless
    --apply puts that rate into the swap's settings.
    """
    from projects.swaps import get_swap, require_consent

    workspace = session.open()
    one = get_swap(workspace, name)
    require_consent(workspace, one, "training")
    arguments = finder_arguments(one.slug, said)
    outcome = run_job(session, workspace, "find-rate", one.slug, arguments, detach=detach)
    if session.json:
        return
    for result in outcome.results:
        rows = curve_rows(result["rates"], result["losses"], result["suggested"])
        session.output.table(COLUMNS, rows, "There is no curve.")
        rate = f"{result['suggested']:g}"
        session.output.remark(
            f"{one.slug} now learns at {rate}, where it was {result['before']:g}."
            if result["applied"]
            else f"Suggested: {rate}; it is {result['before']:g}. "
            f"Use it with: swapdeck swap set {one.slug} learning_rate={rate}"
        )


def curve_rows(
    rates: Sequence[float], losses: Sequence[float], suggested: float
) -> list[Mapping[str, str]]:
    """Some of the curve, evenly spread, with a bar each; the row next to the suggestion says so."""
    if not rates:
        return []
    count = min(ROWS, len(rates))
    chosen = sorted({round(i * (len(rates) - 1) / max(1, count - 1)) for i in range(count)})
    tallest = max(losses[0], min(losses)) * 1.2 or 1.0
    near = min(chosen, key=lambda i: abs(rates[i] / suggested - 1))
    return [
        {
            "rate": f"{rates[i]:.1e}",
            "loss": f"{losses[i]:.4f}",
            "bar": "█" * max(1, min(BAR, round(BAR * losses[i] / tallest)))
            + ("…" if losses[i] > tallest else "")
            + ("  suggested" if i == near else ""),
        }
        for i in chosen
    ]
