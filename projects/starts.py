"""From what a swap's model began: a checkpoint of another swap or of a base, in its swap.toml.

[start]
from = "ada-as-ben"      # a base is "bases/crew"
step = 12000
sha256 = "…"            # of that checkpoint's manifest
people = ["ada", "ben"]  # whose faces its weights were trained on
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projects.documents import field
from projects.errors import DamagedError
from projects.names import printable, slug

TABLE = "start"


@dataclass(frozen=True)
class Start:
    """`people` are slugs of everybody whose faces are in the weights that were taken over."""

    origin: str  # slug of the swap, or bases/slug; it need not be there any more
    step: int
    digest: str
    people: tuple[str, ...]

    def table(self) -> dict[str, Any]:
        """As swap.toml has it."""
        return {
            "from": self.origin,
            "step": self.step,
            "sha256": self.digest,
            "people": list(self.people),
        }


def read_start(path: Path, document: Mapping[str, Any]) -> Start | None:
    """What a swap's document, read from `path`, says; None when it began with random weights.

    Raises DamagedError: nobody could tell then whose faces the model holds.
    """
    if TABLE not in document:
        return None
    table = field(path, document, TABLE, dict)
    return Start(
        printable(field(path, table, "from", str)),
        field(path, table, "step", int),
        printable(field(path, table, "sha256", str)),
        slugs(path, table, "people"),
    )


def slugs(path: Path, document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The people in a list of `document`; none where there is no such list.

    Raises DamagedError for anything else than a list of texts.
    """
    value = document.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise DamagedError(
            f"{path} has no valid '{name}': it must be a list of people, as [\"eve\"]. Correct it "
            "in an editor, or put back a good copy."
        )
    return tuple(slug(one) for one in value)
