"""Which faces a verb is about: the options that choose and order them, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from engine.cli.output import Column
from engine.cli.session import Session
from projects.face_query import EVERY, KEPT, ORDERS, REJECTED, Selection, of_reason

if TYPE_CHECKING:
    from projects.faces import FaceIndex, FaceRow
    from projects.people import Person

FACES = (
    Column("id", "id", right=True),
    Column("source", "source"),
    Column("time", "time s", right=True),
    Column("size", "size px", right=True),
    Column("yaw", "yaw°", right=True),
    Column("pitch", "pitch°", right=True),
    Column("sharpness", "sharp", right=True),
    Column("brightness", "light", right=True),
    Column("mouth", "mouth", right=True),
    Column("eyes", "eyes", right=True),
    Column("likeness", "apart", right=True),
    Column("track", "track", right=True),
    Column("state", "state"),
)


@dataclass(frozen=True)
class Choice:
    """The faces that were asked for, in which order, and how many of them at most."""

    which: str | None
    reason: str | None
    rules: tuple[str, ...]
    sort: str
    reverse: bool
    limit: int | None

    def selection(self, person: Person) -> Selection:
        """The faces that are meant. Raises CommandError for a rule that cannot be understood."""
        from projects.face_decisions import source_names
        from projects.face_rules import select

        chosen = {"kept": KEPT, "rejected": REJECTED, None: EVERY}[self.which]
        if self.reason is not None:
            chosen = chosen & of_reason(self.reason)
        return chosen & select(self.rules, source_names(person, self.rules))

    def rows(self, index: FaceIndex, person: Person, most: int | None = None) -> Iterable[FaceRow]:
        """The chosen faces in order; `most` where no --limit was given."""
        limit = self.limit if self.limit is not None else most
        return index.rows(
            self.selection(person), order=self.sort, reverse=self.reverse, limit=limit or -1
        )


def choosing(command: Any) -> Any:
    """The options that choose and order faces; the verb gets a `Choice` as `choice`."""
    for option in reversed(
        (
            click.option("--kept", "which", flag_value="kept", help="Only kept faces."),
            click.option("--rejected", "which", flag_value="rejected", help="Only rejected ones."),
            click.option("--reason", help="Only faces rejected for this reason."),
            click.option(
                "--filter",
                "rules",
                metavar="RULE",
                multiple=True,
                help="Only faces that meet this, as in 'sharpness<2 and |yaw|>30'.",
            ),
            click.option("--sort", type=click.Choice(ORDERS), default="time", show_default=True),
            click.option("--reverse", is_flag=True, help="The other way round."),
            click.option(
                "--limit", type=click.IntRange(min=0), help="At most this many; 0 is all."
            ),
        )
    ):
        command = option(command)
    return command


def choice(options: dict[str, Any]) -> Choice:
    """What the options of `choosing` came to."""
    return Choice(**options)


def open_faces(session: Session, person: str) -> tuple[Person, FaceIndex]:
    """The person and their index, which must be there."""
    from projects.face_decisions import require_faces
    from projects.faces import FaceIndex
    from projects.people import get_person

    one = get_person(session.open(), person)
    require_faces(one)
    return one, FaceIndex(one.index_path)


def row(face: FaceRow) -> dict[str, Any]:
    """A face as a table's row and a JSON line."""
    left, _, right, _ = face.box
    return {
        "id": face.id,
        "source": face.source[:12],
        "frame": face.frame,
        "time": round(face.time, 3),
        "box": list(face.box),
        "size": round(face.size if face.size == face.size else right - left, 1),
        "yaw": round(face.yaw, 1),
        "pitch": round(face.pitch, 1),
        "roll": round(face.roll, 1),
        "sharpness": round(face.sharpness, 4),
        "brightness": round(face.brightness, 3),
        "mouth": round(face.mouth, 3),
        "eyes": round(face.eyes, 3),
        "confidence": round(face.confidence, 3),
        "covered": round(face.covered, 3),
        "likeness": round(face.likeness, 3),
        "track": None if face.track < 0 else face.track,
        "kept": face.kept,
        "reason": face.reason,
        "state": state(face),
        "crop": face.crop,
    }


def state(face: FaceRow) -> str:
    """Whether a face is in the dataset, as a glyph and words."""
    if not face.kept:
        return f"✗ {face.reason}"
    return f"✓ kept {face.reason}".rstrip()
