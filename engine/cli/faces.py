"""`swapdeck faces`: look at a person's dataset, and keep or reject by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.output import Column
from engine.cli.session import Session, Verbs, pass_session
from engine.text import count, short_path

if TYPE_CHECKING:
    from projects.faces import Face
    from projects.people import Person

KEPT = {None: None, "kept": True, "rejected": False}
ORDERS = ("time", "sharpness", "yaw", "pitch", "size")

FACES = (
    Column("id", "id", right=True),
    Column("source", "source"),
    Column("frame", "frame", right=True),
    Column("time", "time s", right=True),
    Column("size", "size px", right=True),
    Column("yaw", "yaw°", right=True),
    Column("pitch", "pitch°", right=True),
    Column("sharpness", "sharp", right=True),
    Column("state", "state"),
)


class FacesVerbs(Verbs):
    """`faces PERSON` is `faces list PERSON`."""

    default_verb = "list"


def choosing(command: Any) -> Any:
    """The options that choose and order faces."""
    for option in reversed(
        (
            click.option("--kept", "which", flag_value="kept", help="Only kept faces."),
            click.option("--rejected", "which", flag_value="rejected", help="Only rejected ones."),
            click.option("--reason", help="Only faces rejected for this reason."),
            click.option("--sort", type=click.Choice(ORDERS), default="time", show_default=True),
            click.option("--reverse", is_flag=True, help="Largest or last first."),
            click.option("--limit", type=click.IntRange(min=1), help="At most this many."),
        )
    ):
        command = option(command)
    return command


@click.group(cls=FacesVerbs)
def faces() -> None:
    """A person's faces. `faces PERSON` lists them."""


@faces.command("list")
@click.argument("person")
@choosing
@pass_session
def list_(session: Session, person: str, **choice: Any) -> None:
    """List PERSON's faces."""
    _, found = _choose(session, person, choice)
    session.output.table(
        FACES, [row(face) for face in found], "No faces: swapdeck extract PERSON finds them."
    )


@faces.command()
@click.argument("person")
@choosing
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--columns", type=click.IntRange(1, 64), default=12, show_default=True)
@pass_session
def sheet(session: Session, person: str, output: Path | None, columns: int, **choice: Any) -> None:
    """Draw PERSON's faces on one picture, to be looked at with anything."""
    from projects.errors import SwapdeckError

    one, found = _choose(session, person, choice)
    if not found:
        raise SwapdeckError(
            f"{one.name} has no such faces: swapdeck extract {one.slug} finds them."
        )
    from engine.media.pictures import save_png
    from engine.report.sheet import face_sheet

    target = output or Path(f"{one.slug}-faces.png")
    save_png(target, face_sheet(one.faces_dir, found, columns))
    session.output.done(
        {"sheet": str(target.absolute()), "faces": len(found)},
        f"{count(len(found), 'face')} on {short_path(target.absolute())}",
    )


@faces.command()
@click.argument("person")
@click.argument("ids", nargs=-1, required=True, type=int)
@pass_session
def keep(session: Session, person: str, ids: tuple[int, ...]) -> None:
    """Keep the faces with these ids, whatever the judges said."""
    _judge(session, person, ids, kept=True, reason="by hand")


@faces.command()
@click.argument("person")
@click.argument("ids", nargs=-1, required=True, type=int)
@click.option("--reason", default="by hand", show_default=True)
@pass_session
def reject(session: Session, person: str, ids: tuple[int, ...], reason: str) -> None:
    """Leave the faces with these ids out of the dataset; they stay on disk."""
    _judge(session, person, ids, kept=False, reason=reason)


def row(face: Face) -> dict[str, Any]:
    """A face as a table's row and a JSON line."""
    left, top, right, bottom = face.box
    return {
        "id": face.id,
        "source": face.source[:12],
        "frame": face.frame,
        "time": round(face.time, 3),
        "size": max(right - left, bottom - top),
        "yaw": round(face.yaw, 1),
        "pitch": round(face.pitch, 1),
        "roll": round(face.roll, 1),
        "sharpness": round(face.sharpness, 4),
        "kept": face.kept,
        "reason": face.reason,
        "state": "✓ kept" if face.kept else f"✗ {face.reason}",
        "crop": face.crop,
    }


def _choose(session: Session, person: str, choice: dict[str, Any]) -> tuple[Person, list[Face]]:
    from projects.faces import FaceIndex
    from projects.people import get_person

    one = get_person(session.open(), person)
    if not one.index_path.exists():
        return one, []
    with FaceIndex(one.index_path) as index:
        found = index.faces(kept=KEPT[choice["which"]])
    if choice["reason"]:
        found = [face for face in found if face.reason == choice["reason"]]
    if choice["sort"] != "time":
        found = sorted(found, key=lambda face: row(face)[choice["sort"]])
    if choice["reverse"]:
        found = found[::-1]
    return one, found[: choice["limit"]]


def _judge(session: Session, person: str, ids: tuple[int, ...], *, kept: bool, reason: str) -> None:
    from projects.errors import CommandError
    from projects.faces import FaceIndex

    one, known = _choose(
        session,
        person,
        {"which": None, "reason": None, "sort": "time", "reverse": False, "limit": None},
    )
    unknown = set(ids) - {face.id for face in known}
    if unknown:
        listed = ", ".join(map(str, sorted(unknown)))
        raise CommandError(
            f"{one.name} has no face {listed}. `swapdeck faces {one.slug}` lists their ids."
        )
    with FaceIndex(one.index_path) as index:
        index.judge(dict.fromkeys(ids, (kept, reason)))
    session.output.done(
        {"person": one.slug, "faces": list(ids), "kept": kept, "reason": reason},
        f"{count(len(ids), 'face')} {'kept' if kept else 'rejected'}",
    )
