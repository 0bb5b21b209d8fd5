"""Options and small conversions that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from projects import written
from projects.errors import CommandError

T = TypeVar("T")

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


def moment(text: object) -> float:
    """A moment or a length of time, in seconds: 1:20, 1:02:05.5, 90."""
    return _read(written.moment, text)


def span(text: object) -> tuple[float | None, float | None]:
    """A part of a video in seconds, open at an end that is not given: 1:20..2:05, 1:20.., ..90."""
    return _read(written.span, text)


def size(text: object) -> int:
    """A number of bytes: 500M, 2G, 120k."""
    return _read(written.size, text)


def _read(read: Callable[[object], T], text: object) -> T:
    try:
        return read(text)
    except CommandError as error:
        raise click.BadParameter(str(error)) from error
