"""`swapdeck bench faces`, `extract` and `landmarks`: the index of faces, and how they are found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.output import Column
from engine.cli.session import Session, Verb, pass_session


@click.command("faces", cls=Verb)
@click.option("--faces", type=click.IntRange(min=1000), default=100_000, show_default=True)
@pass_session
def faces_(session: Session, faces: int) -> None:
    """How fast a large dataset is listed, sorted and filtered, and in how much memory."""
    from dataclasses import asdict

    from engine.bench.faces import run

    measured = run(faces)
    if session.json:
        session.output.line(asdict(measured))
        return
    rows = [asdict(answer) for answer in measured.answers]
    columns = (
        Column("what", f"of {measured.faces:,} faces"),
        Column("milliseconds", "ms", right=True),
        Column("slowest", "slowest with"),
    )
    session.output.table(columns, rows, "Nothing was measured.")
    session.output.remark(
        f"Memory at its peak: {measured.lists_megabytes:.0f} MB after lists, sorts and filters, "
        f"{measured.megabytes:.0f} MB after everything. A whole `swapdeck faces` with a rule and a "
        f"sort, start included: {measured.command:.0f} ms."
    )


@click.command("extract", cls=Verb)
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--frames", type=click.IntRange(min=6), default=1200, show_default=True, help="Of each video."
)
@pass_session
def extract_(session: Session, files: tuple[Path, ...], frames: int) -> None:
    """How fast faces are found, beside dlib on every frame and beside decoding alone.

    Measures rendered footage of 640x360 and 1920x1080, or the videos FILES instead.
    """
    from dataclasses import asdict

    from engine.bench.extraction import run

    rows: list[dict[str, Any]] = []
    for name, measured in run(files, frames):
        session.output.remark(f"{name}: {measured.times:.1f} times as fast")
        figures = asdict(measured)
        rows.append({"name": name, **figures, "times": measured.times, "found": measured.found})
    if session.json:
        for row in rows:
            session.output.line(row)
        return
    columns = (
        Column("name", "footage"),
        Column("frames", "frames", right=True),
        Column("naive", "dlib on every frame, frames/s", right=True),
        Column("ours", "extract, frames/s", right=True),
        Column("times", "times as fast", right=True),
        Column("found", "of its faces found", right=True),
        Column("decoding", "decoding alone, frames/s", right=True),
    )
    shown = [
        {
            **row,
            **{name: f"{row[name]:.1f}" for name in ("naive", "ours", "times", "decoding")},
            "found": f"{row['found']:.1%} of {row['naive_faces']}",
        }
        for row in rows
    ]
    session.output.table(columns, shown, "Nothing was measured.")


@click.command("landmarks", cls=Verb)
@pass_session
def landmarks(session: Session) -> None:
    """How far landmarks are from the truth and how much they tremble, beside dlib's own."""
    from dataclasses import asdict

    from engine.bench.landmarks import run

    measured = run()
    if session.json:
        for one in measured:
            session.output.line(asdict(one))
        return
    columns = (
        Column("clip", "clip"),
        Column("frames", "frames", right=True),
        Column("what", "% of the eyes' distance"),
        Column("raw", "dlib's own", right=True),
        Column("ours", "extract", right=True),
        Column("change", "change", right=True),
    )
    rows = [
        {
            "clip": one.name,
            "frames": one.frames,
            "what": what,
            "raw": f"{raw:.2f}",
            "ours": f"{ours:.2f}",
            "change": f"{ours / raw - 1:+.0%}",
        }
        for one in measured
        for what, raw, ours in (
            ("error", one.raw.error, one.ours.error),
            ("jitter", one.raw.jitter, one.ours.jitter),
        )
    ]
    session.output.table(columns, rows, "Nothing was measured.")
