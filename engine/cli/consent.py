"""`swapdeck person consent`: record, renew and withdraw a consent, and erase what it allowed."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.output import Column
from engine.cli.session import Session, Verb, pass_session
from engine.text import count
from projects.consent import BASES, USES, Consent, default_uses
from projects.workspace import now

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
    """What a consent record is made of, as options; `said` in the functions below."""
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
        one = record(one, given)
    if withdraw:
        one = _withdraw(one)
    if delete or trash:
        _take_away(session, workspace, one, for_good=delete, yes=yes)
        return
    session.output.show(row(one))
    if one.consent_state == "withdrawn":
        _list_traces(session, workspace, one)


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


def consent_from(said: dict[str, Any], document: Path | None) -> Consent | None:
    """The consent that the options of a new person make; None when there are none.

    Raises CommandError when something is missing. The document's hash is in it; it is not stored.
    """
    from dataclasses import replace

    from projects.errors import CommandError
    from projects.files import sha256_file

    if said["basis"] is None:
        if document is not None or any(said.values()):
            raise CommandError("A consent needs --basis. Give it, or leave out what is about it.")
        return None
    made = new_consent(said)
    return made if document is None else replace(made, document=sha256_file(document))


def new_consent(said: dict[str, Any]) -> Consent:
    """The record that the options make, without its document.

    Raises CommandError when something is missing.
    """
    basis = str(said["basis"])
    made = Consent(
        basis=basis,
        scope=said.get("scope") or ("any use" if basis in ("self", "synthetic") else ""),
        recorded_by=said.get("recorded_by") or _login(),
        recorded_at=now(),
        expires=_expiry(said.get("expires")),
        explanation=said.get("explanation"),
        uses=tuple(use for use in USES if use in said["uses"])
        if said.get("uses")
        else default_uses(basis),
    )
    made.validate()
    return made


def record(one: Person, given: dict[str, Any]) -> Person:
    """Record a new consent, or change the one that is there, by the options that were given."""
    from dataclasses import replace

    from projects.people import change_consent
    from projects.releases import store_release

    if "basis" in given:
        new_consent(given)  # what is wrong with it is told before anything is written
    digest = store_release(one, given["document"]) if "document" in given else None

    def change(before: Consent | None) -> Consent:
        if "basis" in given:
            return replace(new_consent(given), document=digest)
        changes = {key: value for key, value in given.items() if key != "document"}
        if "expires" in changes:
            changes["expires"] = _expiry(changes["expires"])
        if "uses" in changes:
            changes["uses"] = tuple(use for use in USES if use in changes["uses"])
        if digest is not None:
            changes["document"] = digest
        changes.setdefault("recorded_by", _login())
        return replace(_there(one, before), recorded_at=now(), **changes)

    return change_consent(one, change, act="recorded" if "basis" in given else "changed")


def _there(one: Person, before: Consent | None) -> Consent:
    """The record to change; raises CommandError when there is none that still holds."""
    from projects.errors import CommandError

    command = f'swapdeck person consent {one.slug} --basis BASIS --scope "WHAT FOR"'
    if before is None:
        raise CommandError(
            f"{one.name} has no consent record that could be changed. Record one with: {command}"
        )
    if before.withdrawn_at is not None:
        raise CommandError(
            f"{one.name} withdrew their consent on {before.withdrawn_at}. If they agreed again, "
            f"that is a new consent: {command}"
        )
    return before


def _withdraw(one: Person) -> Person:
    from dataclasses import replace

    from projects.errors import CommandError
    from projects.people import change_consent

    def change(before: Consent | None) -> Consent:
        if before is None:
            raise CommandError(
                f"{one.name} has no consent record, so nothing is trained or converted with their "
                f"face. To move them to the trash: swapdeck person remove {one.slug}"
            )
        return replace(before, withdrawn_at=before.withdrawn_at or now())

    if one.consent_state == "withdrawn":
        return one
    return change_consent(one, change, act="withdrawn")


def _list_traces(session: Session, workspace: Workspace, one: Person) -> None:
    from projects.traces import made_from

    found = made_from(workspace, one)
    _show(session, found)
    session.output.remark(
        f"To erase all of it in this workspace for good: swapdeck person consent {one.slug} "
        f"--delete (or --trash, to be able to put it back)."
    )
    _warn(session, found)


def _take_away(
    session: Session, workspace: Workspace, one: Person, *, for_good: bool, yes: bool
) -> None:
    from projects.errors import CommandError
    from projects.traces import erase, made_from, put_in_trash, require_idle

    if one.consent_state != "withdrawn":
        raise CommandError(
            f"{one.name} has not withdrawn their consent. Say so with --withdraw first; or move "
            f"them to the trash with: swapdeck person remove {one.slug}"
        )
    found = made_from(workspace, one)
    require_idle(workspace, {one.slug, *found.swaps}, one.name)
    _show(session, found)
    files, size = sum(t.files for t in found.inside), sum(t.size for t in found.inside)
    much = f"{count(files, 'file')}, {size / 1e6:.1f} MB, of {one.name} and their swaps"
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


def _expiry(text: str | None) -> str | None:
    return None if text == "never" else text


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
