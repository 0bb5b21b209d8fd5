"""`swapdeck convert`: swap the face in videos and images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.follow import run_job
from engine.cli.options import absolute, detach_option, landmark_model_option
from engine.cli.session import Session, Verb, pass_session
from engine.cli.tables import table_options
from engine.text import count, short_path
from projects.conversion_options import PICTURE_OPTIONS

LABEL = "AI-altered face"
CORNERS = ("top-left", "top-right", "bottom-left", "bottom-right")


@click.command(cls=Verb)
@click.argument("swap")
@click.argument(
    "inputs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="INPUT…"
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A file, or a folder to fill."
)
@click.option("--reverse", is_flag=True, help="Put the target person's face on the source person.")
@click.option("--newest", is_flag=True, help="The newest checkpoint, not the best-scored one.")
@click.option("--names", is_flag=True, help="Name the people in the credentials.")
@click.option(
    "--label",
    is_flag=False,
    flag_value=LABEL,
    help=f"Write this into a corner of every frame; alone: '{LABEL}'.",
)
@click.option("--label-corner", type=click.Choice(CORNERS), help="[default: bottom-right]")
@click.option("--label-seconds", type=float, help="Only so long from the start.")
@click.option("--overwrite", is_flag=True, help="Replace an OUTPUT that is there already.")
@table_options(PICTURE_OPTIONS)
@landmark_model_option
@detach_option
@pass_session
def convert(
    session: Session,
    swap: str,
    inputs: tuple[Path, ...],
    output: Path | None,
    reverse: bool,
    newest: bool,
    names: bool,
    label: str | None,
    label_corner: str | None,
    label_seconds: float | None,
    overwrite: bool,
    landmark_model: Path | None,
    detach: bool,
    **settings: Any,
) -> None:
    """Swap the face in videos and images.

    Videos keep their sound and timestamps; folders of images become folders of images.
    """
    from projects.errors import CommandError
    from projects.swaps import get_swap, require_consent

    workspace = session.open()
    one = get_swap(workspace, swap)
    require_consent(workspace, one, "conversion")
    for path in inputs:
        if not path.exists():
            raise CommandError(f"There is no {path}. Give the path of a video, image or folder.")
    if len(inputs) > 1 and output is not None and output.exists() and not output.is_dir():
        raise CommandError(f"{output} is a file; for several inputs give a folder.")
    arguments = {
        "swap": one.slug,
        "inputs": [str(path.absolute()) for path in inputs],
        "output": absolute(output),
        "reverse": reverse,
        "newest": newest,
        "names": names,
        "label": _label(label, label_corner, label_seconds),
        "overwrite": overwrite,
        "landmark_model": absolute(landmark_model),
        "settings": {name: value for name, value in settings.items() if value is not None},
    }
    outcome = run_job(session, workspace, "convert", one.slug, arguments, detach=detach)
    for result in outcome.results:
        session.output.remark(
            f"{short_path(result['output'])}: {count(result['frames'], 'frame')}, "
            f"{count(result['faces'], 'face')} swapped"
        )


def _label(text: str | None, corner: str | None, seconds: float | None) -> dict[str, Any] | None:
    """The label as the job takes it."""
    from projects.errors import CommandError

    if text is None:
        if corner is not None or seconds is not None:
            raise CommandError("--label-corner and --label-seconds need --label.")
        return None
    given = {"text": text, "corner": corner, "seconds": seconds}
    return {name: value for name, value in given.items() if value is not None}
