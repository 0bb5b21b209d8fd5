"""`swapdeck compare`: trainings side by side, as a picture and a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.faces_pictures import output_option
from engine.cli.output import Column
from engine.cli.session import Session, Verb, pass_session
from engine.text import count, duration, short_path

if TYPE_CHECKING:
    from projects.errors import SwapdeckError
    from projects.runs import Training
    from projects.workspace import Workspace

_LONGEST_NAME = 80


@click.command(cls=Verb)
@click.argument("swaps", nargs=-1, required=True, metavar="SWAP…")
@output_option
@pass_session
def compare(session: Session, swaps: tuple[str, ...], output: Path | None) -> None:
    """Show how the trainings of two or more swaps went, side by side.

    SWAP:2 is the second run of a swap's training; a SWAP alone is compared run by run. Losses and
    held-out scores over steps and over time and the newest previews go into a picture, in the
    results of the first swap unless -o says otherwise. It can be made while they are trained.

    Exit code 1: there is nothing to draw, or a log cannot be read; the others are compared then.
    """
    workspace = session.open()
    problems: list[SwapdeckError] = []
    trainings = _trainings(workspace, swaps, problems)
    if not trainings:
        session.output.problems(problems)
    from engine.report.comparison import comparison_picture, differing, differing_faces, figures
    from projects.files import write_bytes

    live = _live(workspace)
    rows = [{**figures(one), "running": _runs(one, live)} for one in trainings]
    settings, faces = differing(trainings), differing_faces(trainings)
    if session.json:
        for row in rows:
            session.output.line(row)
        session.output.line({"settings": settings, "faces": faces})
    elif not session.quiet:
        _print(session, trainings, rows, settings, faces)
    for one in trainings:
        for name, lines in one.lost.items():
            session.output.remark(
                f"! {count(lines, 'line')} of {one.swap.slug}'s {name} cannot be read and "
                f"{'is' if lines == 1 else 'are'} left out."
            )
    picture = comparison_picture(trainings)
    path = (output or _default_path(trainings)).absolute()
    write_bytes(path, picture)
    session.output.done({"picture": str(path)}, f"Picture: {short_path(path)}")
    session.output.problems(problems)


def _trainings(
    workspace: Workspace, names: Sequence[str], problems: list[SwapdeckError]
) -> list[Training]:
    """What was asked for, each once; who cannot be read goes to `problems`."""
    from projects.errors import CommandError, DamagedError
    from projects.runs import find_training, read_training

    found: dict[str, Training] = {}
    for name in names:
        try:
            one = find_training(workspace, name)
            found[one.label] = one
        except DamagedError as error:
            problems.append(error)
    if len(found) + len(problems) > 1 or not found:
        return list(found.values())
    [one] = found.values()
    if one.run is not None or len(one.runs) < 2:
        has = count(len(one.runs), "run") if one.runs else "no run"
        raise CommandError(
            f"One training cannot be compared with itself: {one.swap.name} has {has}. Name another "
            "swap, or runs as SWAP:1 SWAP:2."
        )
    return [read_training(one.swap, run) for run in one.runs]


def _live(workspace: Workspace) -> set[str]:
    """The swaps that are being trained now."""
    from projects.jobs import list_jobs
    from projects.jobstate import state

    jobs = list_jobs(workspace, [])
    return {job.subject for job in jobs if job.verb == "train" and not state(job).ended}


def _runs(one: Training, live: set[str]) -> bool:
    return one.swap.slug in live and one.run in (None, one.runs[-1])


def _default_path(trainings: Sequence[Training]) -> Path:
    others = "-".join(one.label.replace(":", "-run-") for one in trainings[1:])
    mine = f"-run-{trainings[0].run}" if trainings[0].run is not None else ""
    name = f"compare{mine}-{others}"[:_LONGEST_NAME]
    return trainings[0].swap.results_dir / f"{name}.png"


def _print(
    session: Session,
    trainings: Sequence[Training],
    rows: Sequence[dict[str, Any]],
    settings: dict[str, list[Any]],
    faces: dict[str, list[str | None]],
) -> None:
    """The table: a line for what is compared, a column for each training."""
    columns = [Column("what", "")]
    columns += [Column(str(n), row["swap"]) for n, row in enumerate(rows)]
    shown = [_shown(row) for row in rows]
    lines = [(what, [one[what] for one in shown]) for what in shown[0]]
    lines += [(name, [_setting(v) for v in values]) for name, values in settings.items()]
    lines += [
        (f"{role}'s faces", [(v or "not known")[:12] for v in values])
        for role, values in faces.items()
    ]
    session.output.table(
        columns,
        [
            {"what": what, **{str(n): value for n, value in enumerate(values)}}
            for what, values in lines
            if any(values)
        ],
        "",
    )
    if not settings:
        session.output.remark("Their settings are the same.")
    if not faces and all(one.fingerprints for one in trainings):
        session.output.remark("Their faces are the same.")
    best = max(
        (row for row in rows if row["best_score"] is not None),
        key=lambda row: row["best_score"],
        default=None,
    )
    if best is not None:
        session.output.remark(
            f"The best held-out score is {best['swap']}'s: {best['best_score']:.4f} at step "
            f"{best['best_step']}{_after(best['best_seconds'])}."
        )


def _shown(row: dict[str, Any]) -> dict[str, str]:
    """A training's figures in words; "" for what is not known."""
    parts = row["best_parts"]
    return {
        "people": f"{row['source']} → {row['target']}",
        "trained": "no history" if row["step"] is None else f"to step {row['step']}",
        "time": "" if row["seconds"] is None else duration(row["seconds"]),
        "now": "running" if row["running"] else "",
        "device": row["device"] or "",
        "steps a second": _figure(row["steps_per_second"], ".2f"),
        "input stall": _figure(row["stall"], ".2%"),
        "memory": "" if row["memory"] is None else f"{row['memory'] / 1e6:.0f} MB",
        "loss": _figure(row["loss"], ".4f"),
        "score now": _figure(row["score"], ".4f"),
        "best score": _figure(row["best_score"], ".4f"),
        "reached": ""
        if row["best_step"] is None
        else f"step {row['best_step']}{_after(row['best_seconds'])}",
        "SSIM then": ", ".join(
            f"{parts[f'ssim.{who}']:.4f}" for who in ("source", "target") if f"ssim.{who}" in parts
        ),
        "distance to source": _figure(parts.get("identity"), ".4f"),
        "landmark error": _figure(parts.get("landmarks"), ".4f"),
    }


def _after(seconds: float | None) -> str:
    return "" if seconds is None else f", after {duration(seconds)}"


def _figure(value: float | None, layout: str) -> str:
    return "" if value is None else f"{value:{layout}}"


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not set" if value is None else str(value)
