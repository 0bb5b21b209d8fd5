"""The folders of a workspace's people, swaps or jobs, and what is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from projects.errors import SwapdeckError
from projects.files import inside, read_errors

T = TypeVar("T")


def folders(parent: Path) -> list[Path]:
    """The folders in `parent`, by name; hidden ones, such as half-written ones, are left out.

    Raises SwapdeckError when it cannot be read.
    """
    with read_errors(parent):
        return sorted(e for e in parent.iterdir() if e.is_dir() and not e.name.startswith("."))


def load_all(
    roots: Iterable[Path], load: Callable[[Path], T], problems: list[SwapdeckError] | None
) -> list[T]:
    """What `load` reads from each of the folders, in their order.

    Those that cannot be read are put into `problems` when it is given; otherwise the first of them
    is raised.
    """
    loaded = []
    for root in roots:
        try:
            # Only a symbolic link can lead out; following every path would take most of the time.
            loaded.append(load(inside(root.parent, root.name) if root.is_symlink() else root))
        except SwapdeckError as error:
            if problems is None:
                raise
            problems.append(error)
    return loaded
