"""`swapdeck person`: people and their consent records."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.output import Column
from engine.cli.session import Session, Verbs, pass_session
from engine.text import count
from projects.consent import BASES
from projects.workspace import now

if TYPE_CHECKING:
    from projects.consent import Consent
    from projects.errors import SwapdeckError
    from projects.people import Person
    from projects.sources import Source

PEOPLE = (
    Column("person", "person"),
    Column("name", "name"),
    Column("basis", "consent"),
    Column("sources", "sources", right=True),
    Column("kept", "faces kept", right=True),
    Column("rejected", "rejected", right=True),
)

FOOTAGE = (
    Column("name", "source"),
    Column("part", "part"),
    Column("licence", "licence"),
    Column("origin", "from"),
    Column("page", "page"),
)


@click.group(cls=Verbs)
def person() -> None:
    """People and their consent records."""


@person.command()
@click.argument("name")
@click.option(
    "--basis",
    type=click.Choice(tuple(BASES)),
    required=True,
    help="Why this person's face may be used: it is your own (self), they signed a release, "
    "a licence covers it, nobody has this face (synthetic), or something else (explain it).",
)
@click.option("--scope", help="What the consent covers, in words.")
@click.option("--recorded-by", help="Who recorded it  [default: your login name]")
@click.option("--expires", metavar="YYYY-MM-DD", help="The last day on which it holds.")
@click.option("--explanation", help="Needed with --basis other.")
@click.option(
    "--document",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The signed release or licence; its sha256 is recorded.",
)
@pass_session
def add(session: Session, name: str, **said: Any) -> None:
    """Add a person with the consent that covers the use of their face."""
    from projects.people import add_person

    added = add_person(session.open(create=True), name, _consent(said))
    session.output.done(
        describe(added), f"Added {added.name} as {added.slug}. Next: swapdeck gather {added.slug}"
    )


@person.command("list")
@pass_session
def list_(session: Session) -> None:
    """List the people of this workspace."""
    from projects.people import list_people

    problems: list[SwapdeckError] = []
    rows = [describe(one) for one in list_people(session.open(), problems)]
    session.output.table(PEOPLE, rows, "Nobody yet: swapdeck person add NAME --basis …")
    session.output.problems(problems)


@person.command()
@click.argument("name", metavar="PERSON")
@pass_session
def show(session: Session, name: str) -> None:
    """Show a person: consent, sources, faces."""
    from dataclasses import asdict

    from projects.people import get_person
    from projects.sources import list_sources

    one = get_person(session.open(), name)
    sources = list_sources(one)
    rows = [footage(source) for source in sources]
    session.output.show(
        {
            **describe(one),
            "consent": {k: v for k, v in asdict(one.consent).items() if v is not None},
            "reasons": face_counts(one)[2],
            **({"files": [row["name"] for row in rows], "footage": rows} if session.json else {}),
        }
    )
    if rows and not session.json:
        session.output.table(FOOTAGE, rows, "")


@person.command()
@click.argument("name", metavar="PERSON")
@click.option("--basis", type=click.Choice(tuple(BASES)))
@click.option("--scope")
@click.option("--recorded-by")
@click.option("--expires", metavar="YYYY-MM-DD")
@click.option("--explanation")
@click.option("--document", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--withdraw", is_flag=True, help="The person has withdrawn their consent.")
@pass_session
def consent(session: Session, name: str, withdraw: bool, **said: Any) -> None:
    """Show a person's consent record, or change it."""
    from dataclasses import asdict, replace

    from projects.people import get_person, set_consent

    one = get_person(session.open(), name)
    changes = {key: value for key, value in said.items() if value is not None}
    if changes:
        if "document" in changes:
            changes["document"] = _digest(changes["document"])
        changes.setdefault("recorded_by", _login())
        one = set_consent(one, replace(one.consent, recorded_at=now(), **changes))
    if withdraw:
        one = set_consent(one, replace(one.consent, withdrawn_at=now()))
    session.output.show({"person": one.slug, **asdict(one.consent)})


@person.command()
@click.argument("name", metavar="PERSON")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def remove(session: Session, name: str, yes: bool) -> None:
    """Move a person, with sources and faces, to the workspace's trash."""
    from projects.people import get_person, remove_person

    workspace = session.open()
    one = get_person(workspace, name)
    _, kept, _ = face_counts(one)
    session.confirm(f"Move {one.name} with {count(kept, 'kept face')} to the trash?", yes)
    trashed = remove_person(workspace, one)
    session.output.done(
        {"person": one.slug, "trash": str(trashed)}, f"Moved {one.slug} to {trashed}"
    )


def describe(one: Person) -> dict[str, Any]:
    """A person's row: slug, name, basis of consent, numbers of sources and faces."""
    from projects.sources import list_sources

    total, kept, _ = face_counts(one)
    return {
        "person": one.slug,
        "name": one.name,
        "basis": one.consent.basis,
        "sources": len(list_sources(one)),
        "kept": kept,
        "rejected": total - kept,
        "created": one.created,
    }


def footage(source: Source) -> dict[str, Any]:
    """A source's row: what it is, where it came from, what was said there about its use."""
    about = source.about
    return {
        "name": source.name,
        "kind": source.kind,
        "size": source.size,
        "added": source.added,
        "origin": source.origin,
        "page": about.page,
        "title": about.title,
        "author": about.author,
        "licence": about.licence,
        "part": about.part,
    }


def face_counts(one: Person) -> tuple[int, int, dict[str, int]]:
    """(faces, kept ones, rejected ones by reason); zeros before the first extraction."""
    from projects.faces import FaceIndex

    if not one.index_path.exists():
        return 0, 0, {}
    with FaceIndex(one.index_path) as index:
        counts = index.counts()
    return counts.total, counts.kept, counts.reasons


def _consent(said: dict[str, Any]) -> Consent:
    from projects.consent import Consent

    basis = str(said["basis"])
    document = said["document"]
    return Consent(
        basis=basis,
        scope=said["scope"] or ("any use" if basis in ("self", "synthetic") else ""),
        recorded_by=said["recorded_by"] or _login(),
        recorded_at=now(),
        expires=said["expires"],
        explanation=said["explanation"],
        document=None if document is None else _digest(document),
        withdrawn_at=None,
    )


def _digest(document: Path) -> str:
    from projects.files import sha256_file

    return sha256_file(document)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
