"""`swapdeck faces`: look at a person's dataset; keep and reject, by hand or by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.faces_choice import (
    FACES,
    choice,
    choosing,
    open_faces,
    row,
)
from engine.cli.faces_doctor import doctor
from engine.cli.faces_files import export, import_
from engine.cli.faces_mending import mask, mend, unmask
from engine.cli.faces_pictures import poses, sheet
from engine.cli.output import Column
from engine.cli.session import Session, Verbs, pass_session
from engine.text import count
from projects.face_groups import GROUPS

if TYPE_CHECKING:
    from projects.faces import FaceIndex

PAGE = 200
"""Faces that a table shows when nothing was said."""
GROUP_COLUMNS = (
    Column("group", "group"),
    Column("faces", "faces", right=True),
    Column("kept", "kept", right=True),
    Column("best", "best face", right=True),
)
_NONE = "No faces: swapdeck extract PERSON finds them."


class FacesVerbs(Verbs):
    """`faces PERSON` is `faces list PERSON`."""

    default_verb = "list"


@click.group(cls=FacesVerbs)
def faces() -> None:
    """A person's faces. `faces PERSON` lists them."""


for verb in (doctor, sheet, poses, export, import_, mend, mask, unmask):
    faces.add_command(verb)


@faces.command("list")
@click.argument("person")
@choosing
@click.option(
    "--group",
    type=click.Choice((*GROUPS, "duplicates")),
    help="Put faces together by this, and list the groups.",
)
@pass_session
def list_(session: Session, person: str, group: str | None, **options: Any) -> None:
    """List PERSON's faces.

    Sorted, the sharpest, largest or most alike come first. A table shows the first 200; --json
    gives all. `apart` is the distance to the person's mean embedding.
    """
    from projects.faces import FaceIndex
    from projects.people import get_person

    one = get_person(session.open(), person)
    chosen = choice(options)
    with FaceIndex(one.index_path, readonly=True) as index:
        if group is not None:
            _show_groups(session, index, group, chosen.selection(one))
            return
        if session.json:
            for face in chosen.rows(index, one):
                session.output.line(row(face))
            return
        rows = [row(face) for face in chosen.rows(index, one, PAGE)]
        session.output.table(FACES, rows, _NONE)
        total = index.count(chosen.selection(one))
    if len(rows) < total:
        session.output.remark(f"{len(rows)} of {count(total, 'face')}. --limit 0 lists all.")


@faces.command()
@click.argument("person")
@click.argument("which", nargs=-1, required=True)
@pass_session
def keep(session: Session, person: str, which: tuple[str, ...]) -> None:
    """Keep faces, whatever the judges said.

    WHICH are numbers (7), ranges (7-20), names of crops, or rules ('reason=blurred and size>200').
    """
    _decide(session, person, which, kept=True, reason=None)


@faces.command()
@click.argument("person")
@click.argument("which", nargs=-1, required=True)
@click.option("--reason", help="Why, in your own words.")
@pass_session
def reject(session: Session, person: str, which: tuple[str, ...], reason: str | None) -> None:
    """Leave faces out of the dataset; they stay on disk.

    WHICH are numbers (7), ranges (7-20), names of crops, or rules ('sharpness<2 and |yaw|>40').
    """
    _decide(session, person, which, kept=False, reason=reason)


@faces.command()
@click.argument("person")
@pass_session
def undo(session: Session, person: str) -> None:
    """Take back the last keep, reject, dedupe or best; again for the one before."""
    from projects.face_decisions import take_back
    from projects.people import get_person

    one = get_person(session.open(), person)
    undone = take_back(one)
    session.output.done(
        {"person": one.slug, "undone": undone.what, "made": undone.made, "faces": undone.faces},
        f"Taken back: {undone.what} ({count(undone.faces, 'face')})",
    )


@faces.command()
@click.argument("person")
@click.option(
    "--distance",
    type=click.IntRange(0, 15),
    default=2,
    show_default=True,
    help="How many of a picture's 64 bits may differ.",
)
@pass_session
def dedupe(session: Session, person: str, distance: int) -> None:
    """Of faces that look the same, keep the best one and reject the others."""
    from engine.datasets.duplicates import duplicates
    from engine.datasets.measures import measures
    from projects.face_query import KEPT, of_ids

    one, index = open_faces(session, person)
    with index:
        found = measures(index, KEPT)
        same = duplicates(found, distance)
        extra = [identity for group in same.values() for identity in group]
        what = f"reject duplicates within {distance} bits"
        index.decide(of_ids(extra), kept=False, reason="duplicate", what=what)
        unknown = int((found.hashes == -1).sum())
    session.output.done(
        {"person": one.slug, "rejected": len(extra), "kept": len(found) - len(extra)},
        f"{count(len(extra), 'duplicate')} rejected, {len(found) - len(extra)} faces are left. "
        f"`swapdeck faces undo {one.slug}` takes it back.",
    )
    if unknown:
        session.output.remark(
            f"{count(unknown, 'face')} could not be compared: an older swapdeck found them. "
            f"swapdeck extract {one.slug} --again measures them."
        )


@faces.command()
@click.argument("person")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--reject-rest", is_flag=True, help="Leave the other kept faces out of the dataset.")
@pass_session
def best(session: Session, person: str, number: int, reject_rest: bool) -> None:
    """Choose NUMBER kept faces that cover poses and expressions evenly, the best of each."""
    from engine.datasets.best import best as choose_best
    from engine.datasets.measures import measures
    from projects.face_query import KEPT, of_ids

    _, index = open_faces(session, person)
    with index:
        found = measures(index, KEPT)
        chosen = choose_best(found, number)
        if reject_rest:
            rest = KEPT & ~of_ids(chosen.ids)
            reason = f"not among the best {number}"
            index.decide(rest, kept=False, reason=reason, what=f"keep the best {number}")
        if session.json:
            for face in index.rows(of_ids(chosen.ids)):
                session.output.line(row(face))
            return
        session.output.table(FACES, [row(face) for face in index.rows(of_ids(chosen.ids))], _NONE)
    session.output.remark(
        f"{len(chosen.ids)} of {count(len(found), 'kept face')}; they show {chosen.shown} of "
        f"{chosen.cells} combinations of pose and expression."
    )


def _show_groups(session: Session, index: FaceIndex, key: str, where: Any) -> None:
    if key != "duplicates":
        groups = index.groups(key, where)
        rows: list[dict[str, Any]] = [
            {"group": g.name, "faces": g.faces, "kept": g.kept, "best": g.best} for g in groups
        ]
        session.output.table(GROUP_COLUMNS, rows, _NONE)
        return
    from engine.datasets.duplicates import duplicates
    from engine.datasets.measures import measures

    found = measures(index, where)
    kept = dict(zip(found.ids.tolist(), found.kept.tolist(), strict=True))
    rows = [
        {
            "group": f"like {first}",
            "faces": 1 + len(others),
            "kept": sum(kept[identity] for identity in (first, *others)),
            "best": first,
            "ids": [first, *others],
        }
        for first, others in sorted(duplicates(found).items(), key=lambda item: -len(item[1]))
    ]
    session.output.table(GROUP_COLUMNS, rows, "No two of these faces look the same.")


def _decide(
    session: Session, person: str, which: tuple[str, ...], *, kept: bool, reason: str | None
) -> None:
    from projects.face_decisions import decide
    from projects.people import get_person

    one = get_person(session.open(), person)
    decided = decide(one, which, kept=kept, reason=reason)
    done = "kept" if kept else "rejected"
    session.output.done(
        {
            "person": one.slug,
            "faces": decided.met,
            "changed": decided.changed,
            "kept": kept,
            "reason": decided.reason,
        },
        f"{count(decided.met, 'face')} {done}"
        + (
            f", {decided.changed} of them were not before" if decided.changed != decided.met else ""
        ),
    )
