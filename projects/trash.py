"""Taking a person, a swap or a file of one back out of the trash, and saying so in the ledger.

Putting there is each kind's own: `people.remove_person`, `swaps.remove_swap`,
`source_removal.remove_source`, and `workspace.move_to_trash` for the rest.
"""

from __future__ import annotations

from pathlib import Path

from projects import ledger
from projects.workspace import Workspace, restore_from_trash

_IN_LEDGER = {"people": "person", "swaps": "swap"}


def restore(ws: Workspace, trashed: Path) -> Path:
    """Move something back to where it was; that path. Whose removal is in the ledger, their
    return is too.

    Raises:
        CommandError, DamagedError: see `restore_from_trash`.
    """
    back = restore_from_trash(ws, trashed)
    parts = back.relative_to(ws.root).parts
    if len(parts) == 2 and parts[0] in _IN_LEDGER:
        ledger.append(ws, "restoration", **{_IN_LEDGER[parts[0]]: parts[1]})
    return back
