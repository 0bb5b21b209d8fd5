"""`swapdeck bench`: measure this machine."""

from __future__ import annotations

import click

from engine.cli.session import Session, Verbs, pass_session
from engine.cli.swaps import PRESETS


@click.group(cls=Verbs)
def bench() -> None:
    """Measure this machine."""


@bench.command()
@click.option(
    "--preset", "presets", type=click.Choice(PRESETS), multiple=True, help="[default: all]"
)
@click.option("--batch", type=click.IntRange(min=1), default=16, show_default=True)
@pass_session
def train(session: Session, presets: tuple[str, ...], batch: int) -> None:
    """Steps a second, GFLOP/s, and the share of this machine's own matrix-product peak."""
    from engine.bench.training import run

    run(presets or PRESETS, batch=batch, output=session.output)
