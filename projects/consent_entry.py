"""Recording, changing and withdrawing a consent: from what somebody said to the record.

What was said is a mapping whose keys are those of `consent_entry.SAID`; whatever is missing, None
or empty was not said. The command line and the dashboard's form both end here.
"""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from projects import ledger
from projects.consent import USES, Consent, default_uses
from projects.errors import CommandError, SwapdeckError
from projects.files import sha256_file
from projects.people import Person, add_person, change_consent
from projects.releases import store_release
from projects.workspace import Workspace, now

SAID = ("basis", "scope", "uses", "recorded_by", "expires", "explanation", "document")
"""What can be said: `uses` keys of USES, `expires` a date or "never", `document` a Path."""
Said = Mapping[str, Any]


def add_with_consent(ws: Workspace, name: str, said: Said) -> Person:
    """A new person with the consent that was said; without a basis, without one.

    Raises:
        CommandError: the name cannot be used, or what was said is incomplete; nothing is written.
        SwapdeckError: the document changed meanwhile, so it has to be recorded again.
    """
    said = _given(said)
    agreed = first_consent(said)
    added = add_person(ws, name, agreed)
    document = said.get("document")
    if document is not None and agreed and store_release(added, document) != agreed.document:
        raise SwapdeckError(
            f"{document} changed meanwhile. Record the consent of {added.slug} again with: "
            f"swapdeck person consent {added.slug} --document {document}"
        )
    return added


def first_consent(said: Said) -> Consent | None:
    """The record of a new person; None when nothing was said. Its document is not stored.

    Raises:
        CommandError: something is missing.
    """
    said = _given(said)
    if not said:
        return None
    if "basis" not in said:
        raise CommandError(
            "A consent needs a basis (--basis). Give it, or leave out what is about it."
        )
    made = new_consent(said)
    document = said.get("document")
    return made if document is None else replace(made, document=sha256_file(document))


def new_consent(said: Said) -> Consent:
    """The record that was said, without its document.

    Raises:
        CommandError: something is missing.
    """
    said = _given(said)
    basis = str(said["basis"])
    made = Consent(
        basis=basis,
        scope=said.get("scope") or ("any use" if basis in ("self", "synthetic") else ""),
        recorded_by=said.get("recorded_by") or _login(),
        recorded_at=now(),
        expires=_expiry(said.get("expires")),
        explanation=said.get("explanation"),
        uses=_uses(said["uses"]) if said.get("uses") else default_uses(basis),
    )
    made.validate()
    return made


def record(person: Person, said: Said) -> Person:
    """Record a new consent where a basis was said, or change the one that is there.

    Raises:
        CommandError: something is missing, or there is nothing that could be changed.
    """
    said = _given(said)
    if "basis" in said:
        new_consent(said)  # what is wrong with it is told before anything is written
    digest = store_release(person, said["document"]) if "document" in said else None

    def change(before: Consent | None) -> Consent:
        if "basis" in said:
            return replace(new_consent(said), document=digest)
        changes = {key: value for key, value in said.items() if key != "document"}
        if "expires" in changes:
            changes["expires"] = _expiry(changes["expires"])
        if "uses" in changes:
            changes["uses"] = _uses(changes["uses"])
        if digest is not None:
            changes["document"] = digest
        changes.setdefault("recorded_by", _login())
        return replace(_there(person, before), recorded_at=now(), **changes)

    return change_consent(person, change, act="recorded" if "basis" in said else "changed")


def withdraw(person: Person) -> Person:
    """Note that the person has withdrawn their consent; once is enough, in the record and in the
    ledger: where a crash came between the two, or somebody wrote it into the record by hand, the
    ledger is told now.

    Raises:
        CommandError: there is no record.
    """

    def change(before: Consent | None) -> Consent:
        if before is None:
            raise CommandError(
                f"{person.name} has no consent record, so nothing is trained or converted with "
                f"their face. To move them to the trash: swapdeck person remove {person.slug}"
            )
        return replace(before, withdrawn_at=before.withdrawn_at or now())

    if person.consent_state == "withdrawn" and _is_in_ledger(person):
        return person
    return change_consent(person, change, act="withdrawn")


def _is_in_ledger(person: Person) -> bool:
    """Whether the ledger's last word on the person's consent is that it was withdrawn."""
    for entry in reversed(ledger.entries(Workspace(person.root.parent.parent))):
        if entry.kind == "consent" and entry.values.get("person") == person.slug:
            return entry.values.get("act") == "withdrawn"
    return False


def _given(said: Said) -> dict[str, Any]:
    unknown = set(said) - set(SAID)
    if unknown:
        raise ValueError(f"a consent has no {', '.join(sorted(unknown))}")
    given = {key: value for key, value in said.items() if value not in (None, "", ())}
    if isinstance(given.get("document"), str):
        given["document"] = Path(given["document"])
    return given


def _there(person: Person, before: Consent | None) -> Consent:
    """The record to change; raises CommandError when there is none that still holds."""
    command = f'swapdeck person consent {person.slug} --basis BASIS --scope "WHAT FOR"'
    if before is None:
        raise CommandError(
            f"{person.name} has no consent record that could be changed. Record one with: {command}"
        )
    if before.withdrawn_at is not None:
        raise CommandError(
            f"{person.name} withdrew their consent on {before.withdrawn_at}. If they agreed again, "
            f"that is a new consent: {command}"
        )
    return before


def _uses(said: object) -> tuple[str, ...]:
    named = tuple(said) if isinstance(said, list | tuple) else ()
    return tuple(use for use in USES if use in named)


def _expiry(text: str | None) -> str | None:
    return None if text == "never" else text


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
