"""`swapdeck bench quality`: every choice of a conversion against the exact truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.output import Column
from engine.cli.session import Session, Verb, pass_session

if TYPE_CHECKING:
    from engine.bench.quality.run import Row

_COLUMNS = (
    Column("name", "choice"),
    Column("psnr", "PSNR dB", right=True),
    Column("change", "change", right=True),
    Column("ssim", "SSIM", right=True),
    Column("edge", "edge dB", right=True),
    Column("landmarks", "landmarks", right=True),
    Column("identity", "identity", right=True),
    Column("target", "from target", right=True),
    Column("flicker", "flicker", right=True),
)


@click.command("quality", cls=Verb)
@click.argument("stages", nargs=-1, metavar="[CHOICE]…")
@click.option(
    "--decoder",
    type=click.Choice(("oracle", "trained")),
    default="oracle",
    show_default=True,
    help="The truth's own chips, so that only the conversion is judged, or a trained model.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=4.0,
    show_default=True,
    help="To train each pair's model for, with --decoder trained.",
)
@click.option(
    "--model",
    metavar="SWAP",
    help="With --decoder trained and one --pair: a swap of the workspace, instead of training one.",
)
@click.option("--pair", "pairs", multiple=True, help="Like 'anna on bruno'.  [default: all]")
@click.option("--frames", type=click.IntRange(8, 96), default=32, show_default=True)
@click.option(
    "--size",
    type=click.IntRange(32, 512),
    default=128,
    show_default=True,
    help="Side of the oracle's chips in pixels.",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="NAME=VALUE",
    help="Start from another setting than the default, as colour=light. Again for each.",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where pairs are rendered, once.  [default: in the user's cache folder]",
)
@pass_session
def quality(
    session: Session,
    stages: tuple[str, ...],
    decoder: str,
    minutes: float,
    model: str | None,
    pairs: tuple[str, ...],
    frames: int,
    size: int,
    changes: tuple[str, ...],
    cache: Path | None,
) -> None:
    """Every choice of a conversion against the exact truth of rendered swaps.

    One choice at a time is changed from the defaults. Name CHOICEs, as mask or colour, to try only
    those.
    """
    from engine.bench.quality.run import Bench, Wanted
    from engine.bench.quality.scenes import default_cache, pairs_named
    from projects.errors import CommandError
    from projects.swaps import get_swap

    if model is not None and (decoder != "trained" or len(pairs) != 1):
        raise CommandError("--model goes with --decoder trained and the one --pair it is of.")
    wanted = Wanted(
        cache=cache or default_cache(),
        pairs=pairs_named(pairs),
        only=stages,
        frames=frames,
        size=size,
        minutes=minutes if decoder == "trained" else None,
        model=None if model is None else get_swap(session.open(), model),
        changes=_parsed(changes),
    )
    rows: list[Row] = []
    for row in Bench(wanted, session.output.remark).rows():
        rows.append(row)
        if session.json:
            session.output.line({"decoder": decoder, **_fields(row)})
        else:
            session.output.remark(f"measured: {row.variant.name}")
    if not session.json:
        session.output.table(_COLUMNS, _shown(rows), "")
        _say_verdicts(session, rows)


def _parsed(changes: tuple[str, ...]) -> dict[str, Any]:
    from projects.conversion_options import PICTURE_OPTIONS
    from projects.errors import CommandError

    known = {option.name: option for option in PICTURE_OPTIONS}
    parsed = {}
    for change in changes:
        name, _, value = change.partition("=")
        if name not in known:
            raise CommandError(f"There is no choice of '{name}'. Name some of: {', '.join(known)}.")
        parsed[name] = known[name].parse(value)
    return parsed


def _fields(row: Row) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "stage": row.variant.stage,
        "choice": row.variant.choice,
        **asdict(row.mean),
        "scenes": {name: asdict(figures) for name, figures in row.scenes.items()},
    }


def _shown(rows: list[Row]) -> list[dict[str, str]]:
    default = _default(rows)
    return [
        {
            "name": row.variant.name,
            "psnr": f"{row.mean.psnr:.2f}",
            "change": "" if row is default else f"{row.mean.psnr - default.mean.psnr:+.2f}",
            "ssim": f"{row.mean.ssim:.3f}",
            "edge": f"{row.mean.edge:.2f}",
            "landmarks": f"{row.mean.landmarks:.4f}",
            "identity": f"{row.mean.identity:.3f}",
            "target": f"{row.mean.target:.3f}",
            "flicker": f"{row.mean.flicker:.2f}",
        }
        for row in rows
    ]


def _default(rows: list[Row]) -> Row:
    from engine.bench.quality.variants import DEFAULTS

    return next(row for row in rows if row.variant.stage == DEFAULTS)


def _say_verdicts(session: Session, rows: list[Row]) -> None:
    from engine.bench.quality.variants import NAIVE
    from engine.bench.quality.verdict import verdicts

    for verdict in verdicts(rows):
        if verdict.default_is_best:
            text = f"{verdict.stage}: the default is the best."
        else:
            text = (
                f"{verdict.stage}: {verdict.choice} is {verdict.gain:.2f} dB better than the "
                f"default, at {verdict.flicker:.0%} of its flicker."
            )
        session.output.remark(text)
    default = _default(rows).mean
    for row in rows:
        if row.variant.stage == NAIVE:
            gain = default.psnr - row.mean.psnr
            share = default.flicker / row.mean.flicker
            session.output.remark(
                f"The defaults are {gain:+.2f} dB against {row.variant.name}, at {share:.0%} of "
                "its flicker."
            )
