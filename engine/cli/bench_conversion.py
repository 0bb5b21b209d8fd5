"""`swapdeck bench convert` and `watermark`: how fast footage is converted, what a mark survives."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.output import Column
from engine.cli.session import Session, Verb, pass_session
from projects.presets import PRESETS


@click.command("convert", cls=Verb)
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


@click.command("watermark", cls=Verb)
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
