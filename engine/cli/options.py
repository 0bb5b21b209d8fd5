"""Options and small conversions that several verbs share."""

from __future__ import annotations

import re
from pathlib import Path

import click

_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)s?")

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
    found = _TIME.fullmatch(str(text).strip())
    if found is None:
        raise click.BadParameter(f"'{text}' is no time. Write it as 1:20 or 90.")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def span(text: object) -> tuple[float | None, float | None]:
    """A part of a video in seconds, open at an end that is not given: 1:20..2:05, 1:20.., ..90."""
    begin, dots, end = str(text).partition("..")
    if not dots or not (begin.strip() or end.strip()):
        raise click.BadParameter(f"'{text}' is no range. Write it as 1:20..2:05, 1:20.. or ..2:05.")
    first = moment(begin) if begin.strip() else None
    last = moment(end) if end.strip() else None
    if first is not None and last is not None and last <= first:
        raise click.BadParameter(f"'{text}' ends before it begins.")
    return first, last
