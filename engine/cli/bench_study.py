"""`swapdeck bench study`: presets and recipes trained alike and judged by the exact truth."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from engine.cli.output import Column
from engine.cli.session import Session, Verb, pass_session

_COLUMNS = (
    Column("name", "trained"),
    Column("minutes", "minutes", right=True),
    Column("step", "steps", right=True),
    Column("psnr", "PSNR dB", right=True),
    Column("ssim", "SSIM", right=True),
    Column("mouth", "mouth r", right=True),
    Column("eyes", "eyes r", right=True),
    Column("landmarks", "landmarks", right=True),
    Column("identity", "identity", right=True),
)
_FORMATS = {
    "minutes": "g",
    "psnr": ".2f",
    "ssim": ".3f",
    "mouth": ".2f",
    "eyes": ".2f",
    "landmarks": ".3f",
    "identity": ".3f",
}


@click.command("study", cls=Verb)
@click.argument("entries", nargs=-1, metavar="[ENTRY]…")
@click.option(
    "--at", "at", default="1,2,4", show_default=True, help="Minutes of training to examine after."
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("swapdeck-study"),
    show_default=True,
    help="An empty folder for the trained swaps, with a picture of each examination.",
)
@pass_session
def study(session: Session, entries: tuple[str, ...], at: str, folder: Path) -> None:
    """Train each ENTRY on the shipped pair for the same time and compare it with the exact truth.

    Of light-64, 'light-64 without a base', naive, light-128, classic-64; the first three unless
    some are named. Registered, on frames that nothing was trained on: nothing of a conversion.
    """
    from engine.bench.study.run import ENTRIES, run
    from projects.errors import CommandError

    try:
        minutes = [float(text) for text in at.split(",")]
    except ValueError as error:
        raise CommandError(f"'{at}' are no minutes. Write them as --at 1,2,4.") from error
    names = entries or tuple(ENTRIES)[:3]
    for name in names:
        if name not in ENTRIES:
            raise CommandError(f"There is no '{name}'. Name some of: {', '.join(ENTRIES)}.")
    rows = []
    for row in run([ENTRIES[name] for name in names], minutes, folder, session.output.remark):
        found = {**asdict(row), **asdict(row.marks)}
        del found["marks"]
        rows.append(found)
        if session.json:
            session.output.line(found)
    if not session.json:
        session.output.table(_COLUMNS, [_shown(row) for row in rows], "Nothing was trained.")


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {n: format(v, _FORMATS[n]) if n in _FORMATS else v for n, v in row.items()}
