"""`swapdeck person`: people and their consent records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.consent import consent, consent_options, row
from engine.cli.output import Column
from engine.cli.session import Session, Verbs, pass_session
from engine.text import count
from projects.errors import SwapdeckError

if TYPE_CHECKING:
    from projects.people import Person
    from projects.sources import Source

PEOPLE = (
    Column("person", "person"),
    Column("name", "name"),
    Column("basis", "basis"),
    Column("consent", "consent"),
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
@consent_options
@pass_session
def add(session: Session, name: str, **said: Any) -> None:
    """Add a person with the consent that covers the use of their face.

    Without --basis there is no consent yet: footage can be gathered and faces extracted, and
    nothing is trained, converted or exported until it is recorded with `person consent`.
    """
    from projects.consent_entry import add_with_consent, first_consent

    first_consent(said)  # before a workspace is made for it
    added = add_with_consent(session.open(create=True), name, said)
    agreed = added.consent
    covers = "no consent is recorded yet" if agreed is None else ", ".join(agreed.covers)
    session.output.done(
        describe(added),
        f"Added {added.name} as {added.slug}: {covers}. Next: swapdeck gather {added.slug}",
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
    from projects.people import get_person
    from projects.sources import list_sources

    one = get_person(session.open(), name)
    sources = list_sources(one)
    rows = [footage(source) for source in sources]
    session.output.show(
        {
            **describe(one),
            "consent": {k: v for k, v in row(one).items() if k != "person" and v},
            "reasons": face_counts(one)[2],
            **({"files": [row["name"] for row in rows], "footage": rows} if session.json else {}),
        }
    )
    if rows and not session.json:
        session.output.table(FOOTAGE, rows, "")


person.add_command(consent)


@person.command()
@click.argument("name", metavar="PERSON")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def remove(session: Session, name: str, yes: bool) -> None:
    """Move a person, with sources and faces, to the workspace's trash."""
    from projects.people import get_person, remove_person
    from projects.swaps import swaps_of
    from projects.traces import require_idle

    workspace = session.open()
    one = get_person(workspace, name)
    swaps = (swap.slug for swap in swaps_of(workspace, one))
    require_idle(workspace, {one.slug, *swaps}, one.name)
    _, kept, _ = face_counts(one)
    session.confirm(f"Move {one.name} with {count(kept, 'kept face')} to the trash?", yes)
    trashed = remove_person(workspace, one)
    session.output.done(
        {"person": one.slug, "trash": str(trashed)}, f"Moved {one.slug} to {trashed}"
    )


@person.command()
@click.argument("name", metavar="PERSON")
@click.argument("new_name", metavar="NAME")
@pass_session
def rename(session: Session, name: str, new_name: str) -> None:
    """Give PERSON another NAME.

    Both names find the person from then on: the folder keeps its own, by which swaps, jobs and the
    ledger know it.
    """
    from projects.people import get_person, rename_person

    workspace = session.open()
    before = get_person(workspace, name)
    one = rename_person(workspace, before, new_name)
    session.output.done(
        describe(one), f"{before.name} is called {one.name} now; the folder is still {one.slug}"
    )


@person.command()
@click.argument("into", metavar="PERSON")
@click.argument("other", metavar="OTHER")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def merge(session: Session, into: str, other: str, yes: bool) -> None:
    """Make one person of two folders of the same human being: OTHER becomes part of PERSON.

    PERSON gets OTHER's sources, faces and swaps; of a source that both have, PERSON's faces stay.
    The consent then covers only what both covered, and ends when the first of them ends. OTHER
    goes to the trash. Two people who are not the same human being must never be merged.
    """
    from projects import merging
    from projects.people import get_person

    workspace = session.open()
    plan = merging.plan_merge(workspace, get_person(workspace, into), get_person(workspace, other))
    for sentence in plan.sentences():
        session.output.remark(sentence)
    session.confirm(f"Are {plan.into.name} and {plan.other.name} the same human being?", yes)
    merged, trashed = merging.merge(workspace, plan)
    session.output.done(
        {**describe(merged), "merged": plan.other.slug, "trash": str(trashed)},
        f"{plan.other.name} is a part of {merged.name} now. Next: swapdeck extract {merged.slug}, "
        "which judges the faces together",
    )


def describe(one: Person) -> dict[str, Any]:
    """A person's row: slug, name, basis of consent, numbers of sources and faces."""
    from projects.sources import list_sources

    total, kept, _ = face_counts(one)
    return {
        "person": one.slug,
        "name": one.name,
        "basis": one.basis,
        "consent": one.consent_state,
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
