"""`swapdeck bench jobs` and `tui`: many jobs, and the dashboard beside them."""

from __future__ import annotations

import click

from engine.cli.output import Column
from engine.cli.session import Session, Verb, pass_session


@click.command("jobs", cls=Verb)
@click.option("--jobs", "number", type=click.IntRange(min=1), default=1000, show_default=True)
@pass_session
def jobs_(session: Session, number: int) -> None:
    """How fast many finished jobs are listed, made, and gone through for what is old."""
    from dataclasses import asdict

    from engine.bench.jobs import run

    answers = [asdict(answer) for answer in run(number)]
    columns = (
        Column("what", f"of {number:,} finished jobs"),
        Column("milliseconds", "ms", right=True),
        Column("slowest", "slowest", right=True),
        Column("processor", "of them at work", right=True),
    )
    if not session.json:
        for row in answers:
            row.update({n: f"{row[n]:.0f}" for n in ("milliseconds", "slowest", "processor")})
    session.output.table(columns, answers, "Nothing was measured.")


@click.command("tui", cls=Verb)
@click.option("--rounds", type=click.IntRange(min=1), default=10, show_default=True, help="Starts.")
@click.option("--keys", type=click.IntRange(min=10), default=100, show_default=True, help="A kind.")
@click.option("--faces", type=click.IntRange(min=200), default=20_000, show_default=True)
@click.option(
    "--seconds", type=click.FloatRange(min=1), default=30.0, show_default=True, help="To listen."
)
@pass_session
def tui_(session: Session, rounds: int, keys: int, faces: int, seconds: float) -> None:
    """How fast the dashboard opens and answers, and how little it needs, on a real terminal."""
    from dataclasses import asdict

    from engine.bench.dashboard import run

    figures = run(
        rounds=rounds,
        keys=keys,
        faces=faces,
        seconds=seconds,
        tell=lambda words: session.output.remark(f"Measures {words} …"),
    )
    if session.json:
        for figure in figures:
            session.output.line({**asdict(figure), "met": figure.met})
        return
    columns = (
        Column("what", "the dashboard"),
        Column("value", "measured", right=True),
        Column("target", "below", right=True),
        Column("met", "met"),
        Column("about", "range"),
    )
    rows = [
        {
            "what": figure.what,
            "value": f"{figure.value:.3g} {figure.unit}",
            "target": f"{figure.target:g} {figure.unit}",
            "met": "yes" if figure.met else "no",
            "about": figure.about,
        }
        for figure in figures
    ]
    session.output.table(columns, rows, "Nothing was measured.")
