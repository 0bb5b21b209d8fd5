"""Which faces are meant, and in which order: rules as people write them, turned into SQL.

No text from outside ever becomes SQL: fields and comparisons are looked up, values are bound.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from projects.errors import CommandError
from projects.names import printable

NUMBERS = (
    *("id", "frame", "time", "yaw", "pitch", "roll", "sharpness", "size", "brightness", "mouth"),
    *("eyes", "confidence", "covered", "track", "likeness"),
)
TEXTS = ("state", "reason", "source")

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

_RULE = re.compile(r"\s*([a-z|]+)\s*(<=|>=|!=|==|=|<|>)\s*(.*?)\s*", re.DOTALL)
_RANGE = re.compile(r"(-?[^,]+?)\.\.(-?[^,]+)")
_SQL = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "=": "=", "==": "=", "!=": "<>"}
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Selection:
    """A condition on faces: SQL without any text from outside, and the values bound to it."""

    sql: str = "1"
    values: tuple[str | int | float, ...] = ()

    def __and__(self, other: Selection) -> Selection:
        return Selection(f"({self.sql}) AND ({other.sql})", self.values + other.values)


EVERY = Selection()
KEPT = Selection("kept = 1")
REJECTED = Selection("kept = 0")


def of_ids(ids: Iterable[int]) -> Selection:
    """The faces with these numbers."""
    return Selection("id IN (SELECT value FROM json_each(?))", (json.dumps(sorted(set(ids))),))


def of_source(digest: str) -> Selection:
    """The faces of one source."""
    return Selection("source = ?", (digest,))


def of_reason(reason: str) -> Selection:
    """The faces with exactly this reason."""
    return Selection("reason = ?", (reason,))


def select(rules: Iterable[str], sources: Mapping[str, str] | None = None) -> Selection:
    """The faces that meet all of `rules`.

    A rule is FIELD, a comparison and a value: `yaw>20`, `|yaw|<=10`, `sharpness<0.6`,
    `reason=blurred,covered`, `state=kept`, `time=1:20..1:35`, `likeness=unknown`.
    `sources` gives the digests by the names that people know sources by.

    Raises:
        CommandError: a rule cannot be understood.
    """
    chosen = EVERY
    for number, rule in enumerate(rules):
        one = _rule(rule, sources or {})
        chosen = one if not number else chosen & one
    return chosen


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


def _rule(rule: str, sources: Mapping[str, str]) -> Selection:
    shown = repr(printable(rule[:80]))
    found = _RULE.fullmatch(rule)
    if found is None:
        raise CommandError(
            f"The rule {shown} is not FIELD, a comparison and a value, such as 'yaw>20', "
            "'reason=blurred' or 'time=1:20..1:35'. Put it in quotes: the shell takes > and < "
            "for itself."
        )
    field, comparison, value = found.groups()
    name = field.strip("|")
    bare = field == name
    if not bare and field != f"|{name}|":
        raise CommandError(f"The rule {shown} has one bar: write |{name}| for its size.")
    if name in TEXTS and bare:
        return _text(name, comparison, value, shown, sources)
    if name in NUMBERS:
        return _number(name if bare else f"abs({name})", comparison, value, shown)
    raise CommandError(
        f"The rule {shown} asks for {printable(field)!r}, which faces do not have. They have: "
        f"{', '.join((*NUMBERS, *TEXTS))}."
    )


def _text(
    name: str, comparison: str, value: str, shown: str, sources: Mapping[str, str]
) -> Selection:
    if comparison not in ("=", "==", "!="):
        raise CommandError(f"In the rule {shown}, {name} is a word: compare it by = or !=.")
    words = [word.strip() for word in value.split(",")]
    if not all(words) and name != "reason":
        raise CommandError(f"The rule {shown} ends without a value.")
    if name == "state":
        if not set(words) <= {"kept", "rejected"}:
            raise CommandError(f"In the rule {shown}, a face's state is kept or rejected.")
        chosen = Selection(_any("kept = ?", words), tuple(int(word == "kept") for word in words))
    elif name == "source":
        digests = tuple(sources.get(word, word) for word in words)
        chosen = Selection(_any("substr(source, 1, length(?)) = ?", words), _twice(digests))
    else:
        chosen = Selection(_any("reason = ?", words), tuple(words))
    return chosen if comparison != "!=" else Selection(f"NOT ({chosen.sql})", chosen.values)


def _number(column: str, comparison: str, value: str, shown: str) -> Selection:
    if comparison not in ("=", "==", "!="):
        return Selection(f"{column} {_SQL[comparison]} ?", (_value(value, shown),))
    conditions: list[str] = []
    values: list[float] = []
    for part in value.split(","):
        between = _RANGE.fullmatch(part.strip())
        if part.strip() == _UNKNOWN:
            # Version 1 of the index, and what extraction could not tell.
            conditions.append(f"{column} IS NULL" if column != "track" else "track < 0")
        elif between is not None:
            conditions.append(f"{column} BETWEEN ? AND ?")
            values += [_value(end, shown) for end in between.groups()]
        else:
            conditions.append(f"{column} = ?")
            values.append(_value(part, shown))
    sql = " OR ".join(conditions)
    return Selection(sql if comparison != "!=" else f"NOT ({sql})", tuple(values))


def _value(text: str, shown: str) -> float:
    """A number, or a time of day as [hours:]minutes:seconds."""
    try:
        *larger, seconds = (float(part) for part in text.strip().removesuffix("°").split(":"))
        for power, part in enumerate(reversed(larger), 1):
            seconds += part * 60.0**power
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or text.count(":") > 2:
        raise CommandError(
            f"The rule {shown} does not end with a number. Examples: 'yaw>20', 'yaw=-10..10', "
            "'time>1:20', 'likeness=unknown'."
        )
    return seconds


def _any(condition: str, words: list[str]) -> str:
    return " OR ".join([condition] * len(words))


def _twice(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in words for _ in range(2))
