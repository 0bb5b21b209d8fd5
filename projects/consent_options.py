"""What a person's record is made of, described once for forms, and from a form to what was said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from projects.consent import BASES, USES, Consent, default_uses
from projects.errors import CommandError
from projects.options import Option, Value

_BASES = "; ".join(f"{name}: {words}" for name, words in BASES.items())

OPTIONS = (
    Option("name", "Name", "text", required=True, help="What the person is called here."),
    Option("basis", "Basis", "choice", choices=tuple(BASES), group="Consent",
           help=f"Why this face may be used. {_BASES}. None yet: footage can come in, nothing is "
           "made from it."),
    Option("scope", "Scope", "text", group="Consent",
           help="What was agreed to, in words: the film Northbound, scenes 4 to 9."),
    *(
        Option(use, f"Covers {use}", "bool", group="Consent",
               help=f"To {words}. Where none is said, the basis decides.")
        for use, words in USES.items()
    ),
    Option("expires", "Expires", "date", group="Consent",
           help="The last day on which it holds. Empty: it has no end."),
    Option("document", "Document", "path", group="Consent",
           help="The signed release or licence; a copy is kept by its SHA-256."),
    Option("explanation", "Explanation", "text", group="Consent",
           help="What the basis is, where it is 'other'."),
    Option("recorded_by", "Recorded by", "text", group="Consent",
           help="Who writes this down. Empty is your login name."),
)  # fmt: skip


def said_first(values: Mapping[str, Value]) -> dict[str, Any]:
    """What the values of OPTIONS say about a new consent; see projects.consent_entry."""
    said = {
        name: values.get(name)
        for name in ("basis", "scope", "recorded_by", "expires", "explanation", "document")
    }
    uses = tuple(use for use in USES if values.get(use))
    return {name: value for name, value in {**said, "uses": uses}.items() if value}


def shown(name: str, consent: Consent | None) -> dict[str, Value]:
    """The values of OPTIONS for somebody who is there; of a withdrawn consent nothing is left."""
    values: dict[str, Value] = {"name": name}
    if consent is not None and consent.withdrawn_at is None:
        values |= {
            "basis": consent.basis,
            "scope": consent.scope,
            "expires": consent.expires[:10] if consent.expires else None,
            "explanation": consent.explanation,
            **{use: use in consent.covers for use in USES},
        }
    return values


def said_changes(
    before: Mapping[str, Value], values: Mapping[str, Value], consent: Consent | None
) -> dict[str, Any]:
    """What the values say that is different from what was `shown` for `consent`.

    Another basis is another consent, which is said whole; {} is no change.

    Raises:
        CommandError: nothing would be covered.
    """
    if consent is None or consent.withdrawn_at is not None:
        return said_first(values)
    changed = {
        name: value
        for name, value in values.items()
        if name != "name" and value != before.get(name) and (value or before.get(name))
    }
    if any(use in changed for use in USES) and not any(values.get(use) for use in USES):
        raise CommandError(
            "A consent covers at least one use. To end it, withdraw it: nothing may be made then."
        )
    if changed.get("basis"):
        said = said_first(values)
        if not any(use in changed for use in USES):
            said["uses"] = default_uses(str(values["basis"]))
        return said
    said = {name: value for name, value in changed.items() if name not in (*USES, "basis")}
    if "expires" in said and not said["expires"]:
        said["expires"] = "never"
    if any(use in changed for use in USES):
        said["uses"] = tuple(use for use in USES if values.get(use))
    return said
