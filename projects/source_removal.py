"""Taking a source away again: its file to the trash, its faces out of the dataset, and back."""

from __future__ import annotations

from pathlib import Path

from projects import ledger
from projects.errors import CommandError
from projects.face_query import KEPT, of_reason, of_source
from projects.faces import FaceIndex
from projects.people import Person
from projects.sources import Source, find_source, sidecar_of
from projects.traces import require_idle
from projects.workspace import Workspace, move_to_trash, restore_from_trash

REMOVED = "source removed"
"""The reason of faces whose source was taken away; a later search does not overrule it."""
_BY_HAND = "source removed, kept by hand before"


def remove_source(ws: Workspace, person: Person, source: Source) -> Path:
    """Move a source to the trash, and reject what is kept of its faces; its path there.

    Raises:
        RefusedError: a job works with the person. CommandError: it is gone.
        SwapdeckError: the index cannot be written.
    """
    require_idle(ws, {person.slug}, person.name)
    if find_source(person, source.digest) is None:
        raise CommandError(f"{source.name} is not there any more. There is nothing to remove.")
    if person.index_path.exists():
        what = f"remove the source {source.name}"
        with FaceIndex(person.index_path) as index:
            theirs = of_source(source.digest) & KEPT
            index.decide(theirs & of_reason("by hand"), kept=False, reason=_BY_HAND, what=what)
            index.decide(theirs, kept=False, reason=REMOVED, what=what)
    trashed = move_to_trash(ws, source.path, sidecar_of(source))
    ledger.append(
        ws,
        "removal",
        person=person.slug,
        source=source.digest,
        trash=trashed.relative_to(ws.root),
    )
    return trashed


def restore_source(ws: Workspace, person: Person, digest: str, trashed: Path) -> int:
    """Undo `remove_source` of the source with this digest; how many faces are kept again.

    Raises:
        CommandError, DamagedError: see `restore_from_trash`.
    """
    restore_from_trash(ws, trashed)
    if not person.index_path.exists():
        return 0
    what = f"restore the source {digest[:16]}"
    restored = 0
    with FaceIndex(person.index_path) as index:
        for reason, before in ((REMOVED, ""), (_BY_HAND, "by hand")):
            theirs = of_source(digest) & of_reason(reason)
            restored += index.decide(theirs, kept=True, reason=before, what=what)
    return restored
