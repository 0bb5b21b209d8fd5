"""`swapdeck bench`: measure this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.bench_accelerator import accelerator
from engine.cli.bench_quality import quality
from engine.cli.bench_study import study
from engine.cli.output import Column
from engine.cli.session import Session, Verbs, pass_session
from projects.presets import PRESETS


@click.group(cls=Verbs)
def bench() -> None:
    """Measure this machine."""


bench.add_command(accelerator)
bench.add_command(quality)
bench.add_command(study)


@bench.command()
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


@bench.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--unmarked",
    type=click.IntRange(min=0),
    default=40,
    show_default=True,
    help="Readings of footage without a mark; more of them bound false ones more closely.",
)
@click.option(
    "--windows",
    type=click.IntRange(min=1),
    default=12,
    show_default=True,
    help="Of 24 frames, to be marked and read; fewer where the footage is short.",
)
@pass_session
def watermark(session: Session, files: tuple[Path, ...], unmarked: int, windows: int) -> None:
    """How often the watermark is read after what happens to videos, and what it costs.

    Measures the shipped clips, or FILES instead.
    """
    from dataclasses import asdict

    from engine.bench.watermark import WINDOW, measure

    measured = measure(files, unmarked, windows)
    chance = measured.chance
    if session.json:
        bounds = {"bound": chance.bound, "bound_by_places": chance.bound_by_places}
        session.output.line(
            {
                **asdict(measured),
                "chance": {**asdict(chance), **bounds},
                "frames_a_second": measured.frames_a_second,
            }
        )
        return
    rows = [{"after": name, "read": f"{rate:.1%}"} for name, rate in measured.rates.items()]
    session.output.table(
        (Column("after", "after"), Column("read", "read", right=True)), rows, "Nothing to measure."
    )
    width, height = measured.size
    session.output.remark(
        f"{measured.windows} windows of {WINDOW} frames. Cost: {measured.milliseconds:.2f} ms a "
        f"frame of {width}x{height}, {measured.frames_a_second:.0f} frames a second; PSNR "
        f"{measured.psnr:.1f} dB, SSIM {measured.ssim:.4f}."
    )
    if chance.readings:
        session.output.remark(
            f"Without a mark: {chance.found} found in {chance.readings} readings (below "
            f"{chance.bound:.1g} with 95 % confidence); {chance.found_places} in {chance.places} "
            f"single places (so below {chance.bound_by_places:.1g} a reading). Computed: "
            f"{chance.computed:.1g} a reading."
        )


@bench.command("faces")
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


@bench.command("extract")
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


@bench.command()
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


@bench.command("jobs")
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


@bench.command("tui")
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


@bench.command("convert")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--frames", type=click.IntRange(min=16), default=480, show_default=True, help="Of each video."
)
@click.option(
    "--naive-frames",
    type=click.IntRange(min=4),
    default=48,
    show_default=True,
    help="On which the naive way is timed.",
)
@click.option("--preset", type=click.Choice(PRESETS), default="light-64", show_default=True)
@pass_session
def convert_(
    session: Session, files: tuple[Path, ...], frames: int, naive_frames: int, preset: str
) -> None:
    """How fast footage is converted: each stage alone, all of it, and the naive way.

    Measures rendered footage of 640x360, or the videos FILES instead.
    """
    from dataclasses import asdict

    from engine.bench.conversion import run

    columns = (
        Column("what", "frames a second"),
        Column("rate", "all cores", right=True),
        Column("single", "one core", right=True),
    )
    for name, measured in run(files, frames, naive_frames, preset):
        if session.json:
            more = {"slowest": measured.slowest, "share": measured.share, "times": measured.times}
            session.output.line({"name": name, **asdict(measured), **more, "bound": measured.bound})
            continue
        session.output.remark(f"{name}, {measured.frames} frames")
        rows = [
            {"what": f"{stage}, alone", "rate": f"{rate:.1f}", "single": f"{single:.1f}"}
            for (stage, rate), single in zip(
                measured.stages.items(), measured.single.values(), strict=True
            )
        ]
        rows += [
            {"what": "all of it", "rate": f"{measured.whole:.1f}"},
            {"what": "again, with another blend", "rate": f"{measured.again:.1f}"},
            {"what": "one after the other, dlib on every frame", "rate": f"{measured.naive:.1f}"},
        ]
        session.output.table(columns, rows, "Nothing was measured.")
        session.output.remark(
            f"All of it runs at {measured.share:.0%} of what the slowest stage "
            f"({measured.slowest}) does on one core, {measured.times:.1f} times as fast as one "
            f"after the other, at {measured.whole / measured.bound:.0%} of the rate at which every "
            f"core does nothing but these stages, and held at most {measured.memory:.0f} MB."
        )


@bench.command("dataset")
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
