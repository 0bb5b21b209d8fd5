"""The verbs that work for long and run as jobs: gather, extract, train, convert, report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.follow import Outcome, run_job
from engine.cli.session import Session, Verb, pass_session
from engine.text import count, duration, short_path

detach_option = click.option(
    "--detach", is_flag=True, help="Start the job, print its id, and come back at once."
)


@click.command(cls=Verb)
@click.argument("person")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@detach_option
@pass_session
def gather(session: Session, person: str, paths: tuple[Path, ...], detach: bool) -> None:
    """Bring footage in as PERSON's sources.

    Files and folders of videos and images are copied into the workspace.
    """
    from projects.errors import CommandError
    from projects.people import get_person

    workspace = session.open()
    one = get_person(workspace, person)
    for path in paths:
        if not path.exists():
            raise CommandError(f"There is no {path}. Give the path of a video, image or folder.")
    arguments = {"person": one.slug, "paths": [str(path.absolute()) for path in paths]}
    outcome = run_job(session, workspace, "gather", one.slug, arguments, detach=detach)
    for result in outcome.results:
        text = f"{count(result['added'], 'source')} added to {one.slug}"
        if result.get("known"):
            text += f", {result['known']} known already"
        session.output.remark(f"{text}. Next: swapdeck extract {one.slug}")


landmark_model_option = click.option(
    "--landmark-model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A dlib 68-point model instead of the one that came with the program.",
)


@click.command(cls=Verb)
@click.argument("person")
@click.option(
    "--every", type=click.IntRange(min=1), default=1, show_default=True, help="Every Nth frame."
)
@click.option(
    "--min-size",
    type=click.IntRange(min=0),
    help="Reject faces less wide than this many pixels.",
)
@click.option("--again", is_flag=True, help="Look at every source again from its first frame.")
@landmark_model_option
@detach_option
@pass_session
def extract(
    session: Session,
    person: str,
    every: int,
    min_size: int | None,
    again: bool,
    landmark_model: Path | None,
    detach: bool,
) -> None:
    """Find and judge every face in PERSON's sources.

    Looks only at what is new; goes on where it was interrupted.
    """
    from projects.errors import CommandError
    from projects.people import get_person
    from projects.sources import list_sources

    workspace = session.open()
    one = get_person(workspace, person)
    if not list_sources(one):
        raise CommandError(f"{one.name} has no sources yet: swapdeck gather {one.slug} FILE…")
    arguments = {
        "person": one.slug,
        "every": every,
        "min_size": min_size,
        "again": again,
        "landmark_model": _absolute(landmark_model),
    }
    outcome = run_job(session, workspace, "extract", one.slug, arguments, detach=detach)
    for result in outcome.results:
        searched = count(result["frames"], "frame")
        kept = count(result["kept"], "face")
        session.output.remark(
            f"{one.slug}: {searched if result['frames'] else 'nothing new'} searched; "
            f"{kept} kept, {result['rejected']} rejected"
        )


@click.command(cls=Verb)
@click.argument("swap")
@click.option(
    "--steps", type=click.IntRange(min=1), help="Train to this step, counted from the first run."
)
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Train this long now.")
@detach_option
@pass_session
def train(
    session: Session, swap: str, steps: int | None, minutes: float | None, detach: bool
) -> None:
    """Train SWAP's model.

    Goes on from its newest checkpoint. Without a limit it trains until Ctrl-C, which saves.
    """
    from projects.swaps import get_swap

    workspace = session.open()
    one = get_swap(workspace, swap)
    arguments = {"swap": one.slug, "steps": steps, "minutes": minutes}
    outcome = run_job(session, workspace, "train", one.slug, arguments, detach=detach)
    for result in outcome.results:
        session.output.remark(
            f"{one.slug} is at step {result['step']} after {duration(result['seconds'])}. "
            f"Next: swapdeck convert {one.slug} VIDEO"
        )


@click.command(cls=Verb)
@click.argument("swap")
@click.argument(
    "inputs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="INPUT…"
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A file, or a folder to fill."
)
@click.option("--reverse", is_flag=True, help="Put the target person's face on the source person.")
@click.option("--overwrite", is_flag=True, help="Replace an OUTPUT that is there already.")
@click.option("--mask", type=click.Choice(("hull", "learnt", "both")), help="What cuts the face.")
@click.option("--erode", type=float, help="Draw the mask back, in chip sides, as 0.02.")
@click.option("--feather", type=float, help="Fade in over this length, in chip sides.")
@click.option("--colour", help="What it takes over: light, face (all the old one's colours), none.")
@click.option("--opacity", type=float, help="How much of the new face is seen, 0 to 1.")
@click.option("--smooth", type=int, help="Frames over which the face's place is smoothed; odd.")
@landmark_model_option
@detach_option
@pass_session
def convert(
    session: Session,
    swap: str,
    inputs: tuple[Path, ...],
    output: Path | None,
    reverse: bool,
    overwrite: bool,
    landmark_model: Path | None,
    detach: bool,
    **settings: Any,
) -> None:
    """Swap the face in videos and images.

    Videos keep their sound and timestamps; folders of images become folders of images.
    """
    from projects.errors import CommandError
    from projects.swaps import get_swap

    workspace = session.open()
    one = get_swap(workspace, swap)
    for path in inputs:
        if not path.exists():
            raise CommandError(f"There is no {path}. Give the path of a video, image or folder.")
    if len(inputs) > 1 and output is not None and output.exists() and not output.is_dir():
        raise CommandError(f"{output} is a file; for several inputs give a folder.")
    arguments = {
        "swap": one.slug,
        "inputs": [str(path.absolute()) for path in inputs],
        "output": _absolute(output),
        "reverse": reverse,
        "overwrite": overwrite,
        "landmark_model": _absolute(landmark_model),
        "settings": {name: value for name, value in settings.items() if value is not None},
    }
    outcome = run_job(session, workspace, "convert", one.slug, arguments, detach=detach)
    for result in outcome.results:
        session.output.remark(
            f"{short_path(result['output'])}: {count(result['frames'], 'frame')}, "
            f"{count(result['faces'], 'face')} swapped"
        )


@click.command(cls=Verb)
@click.argument("swap")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where the HTML file goes.")
@click.option("--compare", metavar="SWAP", multiple=True, help="Also measure this swap's results.")
@detach_option
@pass_session
def report(
    session: Session, swap: str, output: Path | None, compare: tuple[str, ...], detach: bool
) -> None:
    """Measure SWAP's results and write them up.

    The report is one HTML file that opens anywhere, with the values beside it as JSON.
    """
    from projects.swaps import get_swap

    workspace = session.open()
    one = get_swap(workspace, swap)
    arguments: dict[str, Any] = {
        "swap": one.slug,
        "output": None if output is None else str(output.absolute()),
        "compare": [get_swap(workspace, other).slug for other in compare],
    }
    outcome = run_job(session, workspace, "report", one.slug, arguments, detach=detach)
    _say_report(session, outcome)


def _say_report(session: Session, outcome: Outcome) -> None:
    for result in outcome.results:
        session.output.remark(f"Report: {short_path(result['report'])}")


def _absolute(path: Path | None) -> str | None:
    """A path as a job takes it, since a job runs in a folder of its own."""
    return None if path is None else str(path.absolute())
