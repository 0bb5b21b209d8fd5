"""`swapdeck bench train` and `dataset`: how fast steps are, and what many faces need."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.output import Column
from engine.cli.session import Session, Verb, pass_session
from projects.presets import PRESETS


@click.command("train", cls=Verb)
@click.option(
    "--preset",
    "presets",
    type=click.Choice(list(PRESETS)),
    multiple=True,
    help="[default: all; on a CPU, those that it trains in any useful time]",
)
@click.option("--batch", type=click.IntRange(min=1), help="[default: each preset's own]")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=15.0,
    show_default=True,
    help="How long the steps of each are timed.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    help="In one call to the device.  [default: as many as a training makes; 1 on a CPU]",
)
@pass_session
def train(
    session: Session,
    presets: tuple[str, ...],
    batch: int | None,
    seconds: float,
    steps: int | None,
) -> None:
    """Steps a second, GFLOP/s, and the share of this machine's own matrix-product peak."""
    from engine.bench.training import run

    run(presets, batch=batch, seconds=seconds, steps=steps, output=session.output)


@click.command("dataset", cls=Verb)
@click.option("--faces", type=click.IntRange(min=4), default=20_000, show_default=True)
@click.option("--size", type=int, default=256, show_default=True, help="Side of a chip in pixels.")
@click.option("--steps", type=click.IntRange(min=2), default=50, show_default=True)
@click.option(
    "--dataset",
    "where",
    type=click.Choice(["stream", "device", "auto"]),
    default="stream",
    show_default=True,
    help="Where the faces are while it trains.",
)
@click.option(
    "--limit",
    type=click.FloatRange(min=0),
    default=8.0,
    show_default=True,
    help="Gigabytes of private memory beyond which a training on the CPU fails; 0 for none.",
)
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where there is room for the faces.  [default: the system's temporary folder]",
)
@pass_session
def dataset_(
    session: Session,
    faces: int,
    size: int,
    steps: int,
    where: str,
    limit: float,
    folder: Path | None,
) -> None:
    """How much memory a training on many faces holds, and whether it waits for them."""
    from dataclasses import asdict

    from engine.bench.dataset import run

    measured = run(
        faces,
        size,
        steps,
        where,
        limit or None,
        folder,
        lambda words: session.output.remark(f"{words} …"),
    )
    if session.json:
        session.output.line(asdict(measured))
        return
    columns = (
        Column("what", f"{measured.faces:,} faces at {measured.size} px, {measured.mode}"),
        Column("value", measured.device, right=True),
    )
    bound = "" if measured.limit is None else f" of {measured.limit / 1e9:.1f}"
    rows = [
        {"what": "peak of resident memory", "value": f"{measured.peak / 1e9:.2f}{bound} GB"},
        {"what": "all crops together", "value": f"{measured.crops / 1e9:.2f} GB"},
        {"what": "their files in the cache", "value": f"{measured.cached / 1e9:.2f} GB"},
        {"what": "finding and cutting the faces", "value": f"{measured.loading:.1f} s"},
        {
            "what": f"steps of {measured.batch} + {measured.batch}",
            "value": f"{measured.rate:.2f}/s",
        },
        {"what": "the device waited for input", "value": f"{measured.stall:.2%}"},
    ]
    session.output.table(columns, rows, "Nothing was measured.")
