"""What a search for faces can be asked for, described once, and the job that it becomes."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from projects.errors import CommandError
from projects.names import printable
from projects.options import Option
from projects.written import span

OPTIONS = (
    Option("every", "Every Nth frame", "int", 1, minimum=1,
           help="1 looks at every frame; 5 is five times faster and finds a fifth of the faces."),
    Option("part", "Only this part", "text", help="Of each video, as 1:20..2:05 or 1:20.."),
    Option("again", "All again", "bool", default=False,
           help="Look at every source again; what was decided by hand stays."),
    Option("min_size", "Least width", "int", 48, minimum=0, unit="px", group="What is kept",
           help="Faces less wide than this in the frame are rejected."),
    Option("min_sharpness", "Least sharpness", "float", 0.5, minimum=0, group="What is kept",
           help="Blurrier faces are rejected; a blur of 3 pixels in a crop is at 0.5."),
    Option("like", "Pictures of them", "text", group="Who it is",
           help="Pictures of this person, with blanks between; remembered until others are given."),
    Option("not_like", "Pictures of others", "text", group="Who it is",
           help="Pictures of people who are somebody else, with blanks between them."),
    Option("forget", "Forget pictures", "bool", default=False, group="Who it is",
           help="Forget the pictures that were given before."),
    Option("detector", "Detector", "text", "hog", group="How it searches",
           help="hog; mmod, slow, for profiles and sunglasses; mmod:FILE.dat; yunet:FILE.onnx."),
    Option("upsample", "Upsample", "int", 0, minimum=0, maximum=3, unit="times",
           group="How it searches", help="Double frames so often, for faces below 80 pixels."),
    Option("rotate", "Turn", "choice", "0", choices=("0", "90", "180", "270"), unit="°",
           group="How it searches", help="Turn sideways footage clockwise."),
    Option("max_faces", "Faces a frame", "int", 8, minimum=1, maximum=1000,
           group="How it searches", help="At most so many, the largest."),
    Option("workers", "Processes", "int", minimum=1, maximum=8, group="How it searches",
           help="Processes that search. Empty is one a processor."),
    Option("landmark_model", "Landmark model", "path", group="How it searches",
           help="A dlib 68-point model instead of the one that came with the program."),
)  # fmt: skip


def from_form(person: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The job's arguments from the values of OPTIONS, for the person with this slug.

    Raises:
        CommandError: a range is none, or a file is not there.
    """
    part = values.get("part")
    begin, end = span(part) if part else (None, None)
    rotate = values.get("rotate")
    plain = {
        name: values.get(name)
        for name in (
            *("every", "again", "min_size", "min_sharpness", "forget", "upsample", "max_faces"),
            "workers",
        )
    }
    return {
        "person": person,
        **plain,
        "begin": begin,
        "end": end,
        "detector": detector(values.get("detector")),
        "rotate": None if rotate is None else int(rotate),
        "like": _files(values.get("like")),
        "not_like": _files(values.get("not_like")),
        "landmark_model": _file(values.get("landmark_model")),
    }


def detector(name: str | None) -> str | None:
    """A detector's name with an absolute path, as a job needs it.

    Raises:
        CommandError: there is no such detector, or no such file.
    """
    kind, _, file = (name or "").partition(":")
    if kind in ("mmod", "yunet") and file:
        if not Path(file).is_file():
            raise CommandError(
                f"There is no detector at {printable(file)}. Give the path of its file."
            )
        return f"{kind}:{Path(file).absolute()}"
    if name not in (None, "hog", "mmod"):
        raise CommandError(
            f"There is no detector '{printable(str(name))}'. Choose hog, mmod, mmod:FILE.dat or "
            "yunet:FILE.onnx."
        )
    return name


def _files(written: str | None) -> list[str]:
    try:
        names = shlex.split(written or "")
    except ValueError as error:
        raise CommandError("A quote among the pictures is not closed.") from error
    return [found for name in names if (found := _file(name)) is not None]


def _file(name: str | None) -> str | None:
    if not name:
        return None
    path = Path(name).expanduser().absolute()
    if not path.is_file():
        raise CommandError(f"There is no file {printable(str(path))}. Check the path.")
    return str(path)
