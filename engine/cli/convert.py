"""`swapdeck convert`: swap the face in videos and images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from engine.cli.follow import run_job
from engine.cli.options import absolute, detach_option, landmark_model_option
from engine.cli.output import Column
from engine.cli.session import Session, Verb, pass_session
from engine.cli.tables import table_options
from engine.text import count, short_path
from projects.conversion_options import CONVERSION_OPTIONS

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
@click.option(
    "--cast",
    "casts",
    multiple=True,
    metavar="WHO=SWAP",
    help="Who gets which swap's model: a person, track:N or picture:FILE. Again for each.",
)
@click.option("--tracks", is_flag=True, help="List who is in the footage, and convert nothing.")
@click.option(
    "--preview",
    metavar="FRAMES",
    help="Show these frames beside what becomes of them, as 0,120,400; convert nothing.",
)
@click.option(
    "--range",
    "part",
    metavar="BEGIN..END",
    help="Only this part: frames as 120..240, or times as 0:05..1:20.",
)
@click.option(
    "--layers",
    is_flag=True,
    help="For compositing: fill the folder OUTPUT with faces on nothing, masks, and transforms.",
)
@click.option("--reverse", is_flag=True, help="Put the target person's face on the source person.")
@click.option(
    "--anonymise",
    is_flag=True,
    help="Check in every frame that who was replaced is not recognised any more; fails otherwise.",
)
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
@click.option(
    "--shots",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Settings by ranges of frames, instead of the swap's own shots.toml.",
)
@table_options(CONVERSION_OPTIONS)
@landmark_model_option
@detach_option
@pass_session
def convert(
    session: Session,
    swap: str,
    inputs: tuple[Path, ...],
    output: Path | None,
    casts: tuple[str, ...],
    tracks: bool,
    preview: str | None,
    part: str | None,
    layers: bool,
    reverse: bool,
    anonymise: bool,
    newest: bool,
    names: bool,
    label: str | None,
    label_corner: str | None,
    label_seconds: float | None,
    overwrite: bool,
    shots: Path | None,
    landmark_model: Path | None,
    detach: bool,
    **settings: Any,
) -> None:
    """Swap the face in videos and images.

    Videos keep their sound and timestamps; folders of images become folders of images. Without
    --cast the swap's own target is replaced; everybody else is left alone.
    """
    from projects.casts import check_casts, parse_cast, parse_who
    from projects.consent import require
    from projects.errors import CommandError
    from projects.people import get_person
    from projects.ranges import parse_range
    from projects.shots import NAME, load_shots
    from projects.swaps import get_swap, require_consent

    workspace = session.open()
    one = get_swap(workspace, swap)
    require_consent(workspace, one, "conversion")
    if part is not None:
        parse_range(part)
    cast = check_casts(workspace, one, [parse_cast(text) for text in casts])
    for who, name in cast:
        require_consent(workspace, get_swap(workspace, name), "conversion")
        if parse_who(who)[0] == "person":
            require(get_person(workspace, who), "conversion")
    for path in inputs:
        if not path.exists():
            raise CommandError(f"There is no {path}. Give the path of a video, image or folder.")
    if len(inputs) > 1 and output is not None and output.exists() and not output.is_dir():
        raise CommandError(f"{output} is a file; for several inputs give a folder.")
    if shots or (one.root / NAME).exists():
        load_shots(shots or one.root / NAME)
    arguments = {
        "swap": one.slug,
        "inputs": [str(path.absolute()) for path in inputs],
        "output": absolute(output),
        "reverse": reverse,
        "anonymise": anonymise,
        "newest": newest,
        "names": names,
        "label": _label(label, label_corner, label_seconds),
        "overwrite": overwrite,
        "cast": [[_absolute_who(who), name] for who, name in cast],
        "tracks": tracks,
        "preview": _frames(preview),
        "range": part,
        "layers": layers,
        "shots": absolute(shots),
        "landmark_model": absolute(landmark_model),
        "settings": {name: value for name, value in settings.items() if value is not None},
    }
    outcome = run_job(session, workspace, "convert", one.slug, arguments, detach=detach)
    for result in outcome.results:
        _show(session, one.root, result)


TRACKS = (
    Column("name", "track"),
    Column("frames", "frames"),
    Column("seen", "seen in", right=True),
    Column("nearest", "looks most like"),
    Column("confidence", "sure", right=True),
    Column("becomes", "becomes"),
)


def _show(session: Session, root: Path, result: Mapping[str, Any]) -> None:
    if "output" in result:
        session.output.remark(
            f"{short_path(result['output'])}: {count(result['frames'], 'frame')}, "
            f"{count(result['faces'], 'face')} swapped"
        )
        for person, found in result.get("anonymity", {}).items():
            session.output.remark(_recognised(person, found))
        left = [row for row in result.get("tracks") or () if row["role"] is None or row["doubtful"]]
        if left and not session.json:
            session.output.table(TRACKS, [_row(row) for row in left], "")
    elif "pictures" in result:
        for picture in result["pictures"]:
            what = count(picture["faces"], "face") + " replaced"
            session.output.remark(f"{short_path(str(root / picture['path']))}: {what}")
    elif not session.json:
        session.output.table(TRACKS, [_row(row) for row in result["tracks"]], "Nobody was found.")
        session.output.remark(f"Pictures: {short_path(str(root / result['folder']))}")


def _row(track: Mapping[str, Any]) -> dict[str, str]:
    sure, apart = track["confidence"], track["distance"]
    near = "" if track["nearest"] is None else f"{track['nearest']} ({apart:.2f} away)"
    return {
        "name": f"track:{track['track']}",
        "frames": f"{track['first']} to {track['last']}",
        "seen": str(track["seen"]),
        "nearest": near,
        "confidence": "" if sure is None else f"{sure:.0%}",
        "becomes": _becomes(track),
    }


def _becomes(track: Mapping[str, Any]) -> str:
    if track["role"] is None:
        return f"as it was ({track['why']})"
    if not track["doubtful"]:
        return str(track["role"])
    return f"{track['role']}, but {count(track['doubtful'], 'frame')} left as they were"


def _frames(text: str | None) -> list[int]:
    """Frame numbers, as 0,120,400."""
    from projects.errors import CommandError

    if text is None:
        return []
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isascii() and part.isdecimal() for part in parts):
        raise CommandError(
            f"'{text}' are no frames. Write their numbers, counted from 0, as 0,120,400."
        )
    return [int(part) for part in parts]


def _absolute_who(who: str) -> str:
    """A picture's path as a job takes it."""
    kind, _, path = who.partition(":")
    return f"picture:{Path(path).absolute()}" if kind == "picture" else who


def _recognised(person: str, found: Mapping[str, Any]) -> str:
    closest = "" if found["closest"] is None else f"; closest match {found['closest']:.2f}"
    return (
        f"{person}: recognised in {found['recognised_frames']} of {found['frames']} frames"
        f"{closest}, and 0.42 or less is one person"
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
