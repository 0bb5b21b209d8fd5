"""`swapdeck ledger`: what was done with faces in this workspace, and whether that still holds."""

from __future__ import annotations

import json
from typing import Any

import click

from engine.cli.output import Column
from engine.cli.session import Session, Verbs, pass_session
from engine.text import count

ENTRIES = (
    Column("sequence", "no", right=True),
    Column("time", "time"),
    Column("kind", "what"),
    Column("summary", ""),
)
_SHOWN = ("act", "how", "swap", "person", "people", "step", "file", "folder")  # the rest: --json


@click.group(cls=Verbs)
def ledger() -> None:
    """Consents, trainings, results, exports and erasures, in an order that cannot be changed."""


@ledger.command("list")
@click.argument("words", nargs=-1)
@pass_session
def list_(session: Session, words: tuple[str, ...]) -> None:
    """List the entries, the oldest first; with WORDS those that hold all of them."""
    from projects.ledger import entries

    rows = []
    for entry in entries(session.open()):
        text = f"{entry.kind} {json.dumps(entry.values, ensure_ascii=False)}".casefold()
        if all(word.casefold() in text for word in words):
            row = {**vars(entry), "summary": summary(entry.values)}
            rows.append({k: v for k, v in row.items() if not session.json or k != "summary"})
    session.output.table(ENTRIES, rows, "No entries.")


@ledger.command()
@pass_session
def verify(session: Session) -> None:
    """Check that no entry was changed, removed, moved or added by something else.

    Ends with 1 when one was. A chain that was written anew as a whole, with its head, is found
    only on the computer and by the user that wrote the real one.
    """
    from projects.ledger import verify as check

    found = check(session.open())
    if session.json:
        fields = {"entries": found.entries, "problems": found.problems, "notes": found.notes}
        session.output.line({"sound": found.sound, **fields})
    else:
        for sentence in found.notes:
            session.output.remark(sentence)
        for sentence in found.problems:
            session.output.error(sentence, 1)
        good = count(found.entries, "entry", "entries")
        session.output.remark(
            f"The ledger is sound: {good}."
            if found.sound
            else f"The ledger was tampered with or is damaged; {good} of it are as written."
        )
    if not found.sound:
        raise click.exceptions.Exit(1)


def summary(values: dict[str, Any]) -> str:
    """What a line has room for."""
    parts = []
    for name in _SHOWN:
        value = values.get(name)
        if value not in (None, "", []):
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            parts.append(str(shown) if name in ("act", "how") else f"{name} {shown}")
    consent = values.get("consent")
    if isinstance(consent, dict):
        parts.append(f"basis {consent.get('basis')}")
    return "; ".join(parts)
