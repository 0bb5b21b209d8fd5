"""`swapdeck bench study`: presets and recipes trained alike and judged by the exact truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.output import Column
from engine.cli.session import Session, Verb, pass_session

if TYPE_CHECKING:
    from engine.bench.study.run import Entry, Row

_COLUMNS = (
    Column("name", "trained"),
    Column("minutes", "minutes", right=True),
    Column("step", "steps", right=True),
    Column("psnr", "PSNR dB", right=True),
    Column("ssim", "SSIM", right=True),
    Column("mouth", "mouth r", right=True),
    Column("eyes", "eyes r", right=True),
    Column("smile", "smile r", right=True),
    Column("landmarks", "landmarks", right=True),
    Column("identity", "identity", right=True),
)
_HELD = (
    Column("name", "trained"),
    Column("minutes", "minutes", right=True),
    Column("step", "steps", right=True),
    Column("source", "source SSIM", right=True),
    Column("target", "target SSIM", right=True),
    Column("identity", "identity", right=True),
    Column("recognised", "recognised", right=True),
    Column("landmarks", "landmarks", right=True),
    Column("rebuilt", "of rebuilt", right=True),
    Column("moving", "moving", right=True),
    Column("rebuilt_moving", "of rebuilt", right=True),
)
_FORMATS = {
    "source": ".3f",
    "target": ".3f",
    "recognised": ".0%",
    "rebuilt": ".3f",
    "moving": ".4f",
    "rebuilt_moving": ".4f",
    "minutes": "g",
    "psnr": ".2f",
    "ssim": ".3f",
    "mouth": ".2f",
    "eyes": ".2f",
    "smile": ".2f",
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
    help="An empty folder for the trained swaps; study.png in it shows them beside each other.",
)
@click.option("--source", metavar="PERSON", help="Of this workspace, instead of the shipped pair.")
@click.option("--target", metavar="PERSON", help="The same.")
@pass_session
def study(
    session: Session,
    entries: tuple[str, ...],
    at: str,
    folder: Path,
    source: str | None,
    target: str | None,
) -> None:
    """Train each ENTRY on the shipped pair for the same time and compare it with the exact truth.

    Of light-64, 'light-64 without a base', naive, light-128, 'light-64 drawn alike' (no rare
    expression more often than others), classic-64; the first three unless some are named.
    Registered, on frames that nothing was trained on: nothing of a conversion. 'herself at 64' and
    'herself at 128' are no models: the source in person does what is asked, and no model that
    learnt her from her own footage can do better.

    With --source and --target on two people of the workspace, by their held-out faces: there is no
    truth. Their swaps stay there.
    """
    from engine.bench.study.run import ENTRIES, run
    from projects.errors import CommandError

    if (source is None) != (target is None):
        raise CommandError("--source and --target go together. Name both people, or none.")
    try:
        minutes = [float(text) for text in at.split(",")]
    except ValueError as error:
        raise CommandError(f"'{at}' are no minutes. Write them as --at 1,2,4.") from error
    names = entries or tuple(ENTRIES)[:3]
    for name in names:
        if name not in ENTRIES:
            raise CommandError(f"There is no '{name}'. Name some of: {', '.join(ENTRIES)}.")
    if source is not None and target is not None:
        _held(session, [ENTRIES[name] for name in names], minutes, source, target)
        return
    found = run([ENTRIES[name] for name in names], minutes, folder, session.output.remark)
    _tell(session, _COLUMNS, (_flat(row) for row in found))


def _held(
    session: Session, entries: list[Entry], minutes: list[float], source: str, target: str
) -> None:
    """The study of two people of the workspace."""
    from engine.bench.study.held import run_held
    from projects.people import get_person

    workspace = session.open()
    people = get_person(workspace, source), get_person(workspace, target)
    found = run_held(workspace, *people, entries, minutes, session.output.remark)
    _tell(
        session,
        _HELD,
        ({"name": row.name, "minutes": row.minutes, **row.score.row()} for row in found),
    )


def _flat(row: Row) -> dict[str, Any]:
    values = {**asdict(row), **asdict(row.marks)}
    del values["marks"]
    return values


def _tell(session: Session, columns: Sequence[Column], found: Iterable[Mapping[str, Any]]) -> None:
    """Each row as it comes for programs, a table in the end for people."""
    rows = []
    for row in found:
        rows.append(row)
        if session.json:
            session.output.line(dict(row))
    if not session.json:
        session.output.table(columns, [_shown(row) for row in rows], "Nothing was trained.")


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    ssim = row["ssim"]
    flat = {**row, "ssim": None, **ssim} if isinstance(ssim, Mapping) else row
    return {
        name: format(value, _FORMATS[name]) if name in _FORMATS and value is not None else value
        for name, value in flat.items()
    }
