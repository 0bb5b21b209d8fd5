"""Which faces are meant, and in which order, as SQL without any text from outside."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from projects.errors import CommandError
from projects.names import printable

_UP, _DOWN = "", " DESC"
_DIRECTIONS = {
    **{"id": _UP, "yaw": _UP, "pitch": _UP, "roll": _UP, "covered": _UP, "likeness": _UP},
    **{"sharpness": _DOWN, "size": _DOWN, "brightness": _DOWN, "mouth": _DOWN, "eyes": _DOWN},
    **{"confidence": _DOWN},
}
_ORDERS: dict[str, tuple[tuple[str, str], ...]] = {
    "time": (("source", _UP), ("frame", _UP)),
    "source": (("source", _UP), ("frame", _UP)),
    "track": (("source", _UP), ("track", _UP), ("frame", _UP)),
    "expression": (("mouth", _DOWN), ("eyes", _DOWN)),
    "state": (("kept", _DOWN), ("reason", _UP)),
    **{name: ((name, direction),) for name, direction in _DIRECTIONS.items()},
}
ORDERS = tuple(_ORDERS)
"""What faces can be sorted by. The largest, sharpest, surest or most alike come first, angles
rise, and what was not measured comes last."""


@dataclass(frozen=True)
class Selection:
    """A condition on faces: SQL without any text from outside, and the values bound to it."""

    sql: str = "1"
    values: tuple[str | int | float, ...] = ()

    def __and__(self, other: Selection) -> Selection:
        return Selection(f"({self.sql}) AND ({other.sql})", self.values + other.values)

    def __or__(self, other: Selection) -> Selection:
        return Selection(f"({self.sql}) OR ({other.sql})", self.values + other.values)

    def __invert__(self) -> Selection:
        # In SQL what was not measured meets neither a condition nor its opposite.
        return Selection(f"NOT ({self.sql})", self.values)


EVERY = Selection()
KEPT = Selection("kept = 1")
REJECTED = Selection("kept = 0")


def of_ids(ids: Iterable[int]) -> Selection:
    """The faces with these numbers."""
    return Selection("id IN (SELECT value FROM json_each(?))", (json.dumps(sorted(set(ids))),))


def of_crops(names: Iterable[str]) -> Selection:
    """The faces whose crops have these file names."""
    return Selection("crop IN (SELECT value FROM json_each(?))", (json.dumps(sorted(set(names))),))


def of_source(digest: str) -> Selection:
    """The faces of one source."""
    return Selection("source = ?", (digest,))


def of_reason(reason: str) -> Selection:
    """The faces with exactly this reason."""
    return Selection("reason = ?", (reason,))


def order_sql(order: str, reverse: bool = False) -> str:
    """What stands after ORDER BY.

    Raises:
        CommandError: the order is unknown.
    """
    if order not in _ORDERS:
        raise CommandError(
            f"Faces cannot be sorted by {printable(order)!r}. Use: {', '.join(ORDERS)}."
        )
    # NULL would be the smallest value: what was not measured comes last either way.
    terms = [
        f"{column}{_UP if (direction == _DOWN) == reverse else _DOWN} NULLS LAST"
        for column, direction in _ORDERS[order]
    ]
    return ", ".join([*terms, "id DESC" if reverse else "id"])
