"""Options and small conversions that several verbs share."""

from __future__ import annotations

from pathlib import Path

import click

detach_option = click.option(
    "--detach", is_flag=True, help="Start the job, print its id, and come back at once."
)

landmark_model_option = click.option(
    "--landmark-model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A dlib 68-point model instead of the one that came with the program.",
)


def absolute(path: Path | None) -> str | None:
    """A path as a job takes it, since a job runs in a folder of its own."""
    return None if path is None else str(path.absolute())
