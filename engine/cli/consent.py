"""`swapdeck person consent`: record, renew and withdraw a consent, and erase what it allowed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.output import Column
from engine.cli.session import Session, Verb, pass_session
from engine.text import count
from projects.consent import BASES, USES

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects.people import Person
    from projects.traces import Trace, Traces
    from projects.workspace import Workspace

TRACES = (
    Column("what", "made from this person's data"),
    Column("files", "files", right=True),
    Column("size", "MB", right=True),
    Column("path", "where"),
)

_BASIS_HELP = (
    "Why this person's face may be used: it is your own (self), they signed a release, a licence "
    "covers it, nobody has this face (synthetic), or something else (explain it)."
)


def consent_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a consent record is made of, as options; `said` in projects.consent_entry."""
    options = (
        click.option("--basis", type=click.Choice(tuple(BASES)), help=_BASIS_HELP),
        click.option("--scope", help="What was agreed to, in words."),
        click.option(
            "--use",
            "uses",
            type=click.Choice(tuple(USES)),
            multiple=True,
            help="A use that it covers; say it for each  [default: training and conversion; with "
            "--basis self or synthetic, every one]",
        ),
        click.option("--recorded-by", help="Who recorded it  [default: your login name]"),
        click.option(
            "--expires", metavar="YYYY-MM-DD", help="The last day on which it holds, or 'never'."
        ),
        click.option("--explanation", help="Needed with --basis other."),
        click.option(
            "--document",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="The signed release or licence; a copy is kept by its sha256.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command(cls=Verb)
@click.argument("name", metavar="PERSON")
@consent_options
@click.option("--withdraw", is_flag=True, help="The person has withdrawn their consent.")
@click.option(
    "--delete",
    is_flag=True,
    help="Erase all that was made from the data of somebody who withdrew; it cannot be undone.",
)
@click.option("--trash", is_flag=True, help="As --delete, but into the workspace's trash.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def consent(
    session: Session, name: str, withdraw: bool, delete: bool, trash: bool, yes: bool, **said: Any
) -> None:
    """Show, record, renew or withdraw a person's consent.

    Alone it shows the record. With --basis it records a new one; other options change the one that
    is there. After a withdrawal nothing is trained, converted or exported with the face, work that
    runs is stopped, and all that was made from the person's data is listed.
    """
    from projects import consent_entry
    from projects.errors import CommandError
    from projects.people import get_person
    from projects.traces import sweep_erased

    if delete and trash:
        raise CommandError("--delete and --trash are two ways to do it. Choose one.")
    workspace = session.open()
    sweep_erased(workspace)
    one = get_person(workspace, name)
    given = {key: value for key, value in said.items() if value not in (None, ())}
    if given and (withdraw or delete or trash):
        raise CommandError("Record a consent and withdraw it with two commands, not with one.")
    if given:
        one = consent_entry.record(one, given)
    if withdraw:
        one = consent_entry.withdraw(one)
    if delete or trash:
        _take_away(session, workspace, one, for_good=delete, yes=yes)
        return
    session.output.show(row(one))
    if one.consent_state == "withdrawn":
        _list_traces(session, workspace, one)
        if withdraw and not yes and session.interactive:
            _offer(session, workspace, one)


def row(one: Person) -> dict[str, Any]:
    """A person's consent for programs and people: the record, and whether it holds."""
    from projects.consent import to_table
    from projects.releases import find_release

    state = {"person": one.slug, "state": one.consent_state, "problem": one.consent_problem}
    if one.consent is None:
        return state
    shown = {**state, **to_table(one.consent), "uses": list(one.consent.covers)}
    if one.consent.document is not None:
        release = find_release(one, one.consent.document)
        shown |= {"document_is": release.state, "document_file": release.path and str(release.path)}
    return shown


def _list_traces(session: Session, workspace: Workspace, one: Person) -> None:
    from projects.traces import made_from

    found = made_from(workspace, one)
    _show(session, found)
    session.output.remark(
        f"To erase all of it in this workspace for good: swapdeck person consent {one.slug} "
        f"--delete (or --trash, to be able to put it back)."
    )
    _warn(session, found)


def _offer(session: Session, workspace: Workspace, one: Person) -> None:
    """Ask whether all of it is to be erased now; whoever does not say yes keeps it."""
    if click.confirm(f"Erase all of it now, for good? Otherwise {one.name}'s data stays."):
        _take_away(session, workspace, one, for_good=True, yes=True)


def _take_away(
    session: Session, workspace: Workspace, one: Person, *, for_good: bool, yes: bool
) -> None:
    from projects.errors import CommandError
    from projects.traces import (
        erase,
        made_from,
        put_in_trash,
        require_idle,
        require_no_conversion,
    )

    if one.consent_state != "withdrawn":
        raise CommandError(
            f"{one.name} has not withdrawn their consent. Say so with --withdraw first; or move "
            f"them to the trash with: swapdeck person remove {one.slug}"
        )
    found = made_from(workspace, one)
    require_idle(workspace, {one.slug, *found.swaps, *found.bases}, one.name)
    require_no_conversion(workspace)
    _show(session, found)
    files, size = sum(t.files for t in found.inside), sum(t.size for t in found.inside)
    much = f"{count(files, 'file')}, {size / 1e6:.1f} MB, of {one.name} and their models"
    if for_good:
        session.confirm(f"Erase {much} for good? It cannot be undone.", yes)
        erase(workspace, one, found)
        session.output.done(
            {"person": one.slug, "erased": True, "files": files, "bytes": size},
            f"Erased {much}. The ledger keeps a note of it.",
        )
    else:
        session.confirm(f"Move {much} to the trash?", yes)
        trashed = put_in_trash(workspace, one, found)
        session.output.done(
            {"person": one.slug, "erased": False, "trash": [str(path) for path in trashed]},
            f"Moved {much} to the trash. It is still on the disk.",
        )
    _warn(session, found)


def _show(session: Session, found: Traces) -> None:
    rows = [_row(session, trace) for trace in found.traces]
    session.output.table(TRACES, rows, "Nothing was made from this person's data.")


def _row(session: Session, trace: Trace) -> dict[str, Any]:
    size: object = trace.size if session.json else f"{trace.size / 1e6:.1f}"
    return {
        "kind": trace.kind,
        "what": trace.what,
        "files": trace.files,
        "size": size,
        "path": str(trace.path),
    }


def _warn(session: Session, found: Traces) -> None:
    if found.elsewhere:
        session.output.remark(
            "What lies outside of the workspace is never deleted by swapdeck. Delete it by hand, "
            "and ask those who were given copies to do the same."
        )
    for sentence in found.unreadable:
        session.output.remark(f"A swap cannot be read, and may be of this person. {sentence}")
