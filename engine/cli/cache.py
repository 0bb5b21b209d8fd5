"""`swapdeck cache`: what is kept to save time, and how to be rid of it."""

from __future__ import annotations

import click

from engine.cli.output import Column
from engine.cli.session import Session, Verb, Verbs, pass_session
from engine.text import count


@click.group(cls=Verbs)
def cache() -> None:
    """What conversions and trainings keep to save time."""


COLUMNS = (
    Column("kind", "kind"),
    Column("entries", "entries", right=True),
    Column("size", "size", right=True),
    Column("what", "what"),
)


@cache.command("show", cls=Verb)
@pass_session
def show(session: Session) -> None:
    """How much is kept, of what."""
    from projects import cache as files

    workspace = session.open()
    rows = [
        {
            "kind": one.kind,
            "entries": one.entries,
            "bytes": one.bytes,
            "size": _size(one.bytes),
            "what": files.KINDS[one.kind],
        }
        for one in files.usage(workspace)
    ]
    session.output.table(COLUMNS, rows, "Nothing is kept.")
    session.output.remark(
        f"At most {_size(files.limit())} are kept; SWAPDECK_CACHE_GB sets another bound. What was "
        "not used for longest goes first."
    )


@cache.command("clear", cls=Verb)
@click.argument("kinds", nargs=-1, metavar="[KIND]…")
@pass_session
def clear(session: Session, kinds: tuple[str, ...]) -> None:
    """Delete what is kept: all of it, or some KINDs. It costs time and nothing else."""
    from projects import cache as files

    there = files.clear(session.open(), kinds)
    entries, size = sum(one.entries for one in there), sum(one.bytes for one in there)
    sentence = f"{count(entries, 'entry', 'entries')} deleted, {_size(size)}."
    session.output.done({"deleted": entries, "bytes": size}, sentence)


def _size(size: int) -> str:
    for unit, bytes_ in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if size >= bytes_:
            return f"{size / bytes_:.1f} {unit}"
    return count(size, "byte")
