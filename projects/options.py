"""Options, each described once: the command line, settings files and forms are made from this.

A table of them belongs to what they set, as `training_options` to a training. The engine's own
settings stay what the engine believes; a test holds each table to them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from projects import written
from projects.errors import CommandError
from projects.names import printable

Kind = Literal["int", "float", "duration", "bool", "choice", "text", "path", "date"]
"""A duration is a number of seconds that a person may write as 90, 90s, 5m or 1h."""
Value = int | float | bool | str | None

_YES = frozenset({"yes", "y", "true", "on", "1"})
_NO = frozenset({"no", "n", "false", "off", "0"})
_LONGEST_SHOWN = 40


@dataclass(frozen=True)
class Option:
    """One thing that can be set.

    `default` None means that it may be left unset, unless it is `required`. `minimum` and
    `maximum` belong to it. `help` is one sentence that says what a larger, or another, value does.
    """

    name: str
    label: str
    kind: Kind
    default: Value = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    help: str = ""
    group: str = ""
    required: bool = False

    @property
    def flag(self) -> str:
        """What it is called on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def expected(self) -> str:
        """What it takes, in words: "0 to 1", "YYYY-MM-DD"; "" where anything will do."""
        if self.kind == "choice":
            return ", ".join(self.choices)
        if self.kind == "bool":
            return "yes or no"
        if self.kind == "date":
            return "YYYY-MM-DD"
        return " ".join(filter(None, (self.bounds, self.unit)))

    @property
    def bounds(self) -> str:
        """Between what it lies, in words without its unit; "" without bounds."""
        figure = written.lasting if self.kind == "duration" else _figure
        low, high = (figure(one) if one is not None else "" for one in (self.minimum, self.maximum))
        if low and high:
            return f"{low} to {high}"
        return f"{low} or more" if low else f"{high} or less" if high else ""

    def parse(self, text: str) -> Value:
        """The value that a person wrote. Nothing written is the default.

        Raises:
            CommandError: it cannot be that; the sentence says what can.
        """
        written = text.strip()
        if not written:
            if self.required:
                raise CommandError(f"{self.label} is needed.")
            return self.default
        return self.check(self._read(written))

    def check(self, value: object) -> Value:
        """`value`, as from a file, if it is one that this option takes; whole numbers as floats
        where it is one.

        Raises:
            CommandError: it is of another kind, or out of bounds.
        """
        if value is None:
            if self.required:
                raise CommandError(f"{self.label} is needed.")
            return None
        if self.kind in ("int", "float", "duration"):
            return self._number(value)
        if self.kind == "bool":
            if not isinstance(value, bool):
                raise self._wrong(value)
            return value
        if isinstance(value, os.PathLike) and self.kind == "path":
            value = os.fspath(value)
        if isinstance(value, date) and self.kind == "date":
            value = value.isoformat()
        if not isinstance(value, str):
            raise self._wrong(value)
        if self.kind == "choice" and value not in self.choices:
            raise self._wrong(value)
        if self.kind == "date":
            try:
                return date.fromisoformat(value).isoformat()
            except ValueError as error:
                raise self._wrong(value) from error
        return value

    def show(self, value: Value) -> str:
        """The value as `parse` reads it."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if self.kind == "duration" and isinstance(value, int | float):
            return written.lasting(value)
        return _figure(value) if isinstance(value, int | float) else value

    def _read(self, text: str) -> object:
        try:
            if self.kind == "int":
                return int(text)
            if self.kind == "float":
                return float(text)
            if self.kind == "duration":
                return written.duration(text)
        except (ValueError, CommandError) as error:
            raise self._wrong(text) from error
        if self.kind == "bool" and text.casefold() in _YES | _NO:
            return text.casefold() in _YES
        if self.kind == "choice":
            return next((c for c in self.choices if c.casefold() == text.casefold()), text)
        return os.path.expanduser(text) if self.kind == "path" else text  # noqa: PTH111 - no Path

    def _number(self, value: object) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(value)
        if self.kind == "int" and not isinstance(value, int):
            raise self._wrong(value)
        if not math.isfinite(value):
            raise self._wrong(value)
        low = self.minimum is not None and value < self.minimum
        high = self.maximum is not None and value > self.maximum
        if low or high:
            raise self._wrong(value)
        return value if self.kind == "int" else float(value)

    def _wrong(self, value: object) -> CommandError:
        shown = printable(str(value))
        if isinstance(value, float):
            lasts = self.kind == "duration" and math.isfinite(value)
            shown = written.lasting(value) if lasts else _figure(value)
        if len(shown) > _LONGEST_SHOWN:
            shown = shown[: _LONGEST_SHOWN - 1] + "…"
        takes = {
            "int": "a whole number",
            "float": "a number",
            "duration": "a length of time, as 90, 90s, 5m or 1h",
        }.get(self.kind, "")
        takes = ": ".join(filter(None, (takes, self.expected))) or "text"
        return CommandError(f"{self.label} cannot be '{shown}'. It takes {takes}.")


def checked(options: Sequence[Option], values: Mapping[str, Any], what: str) -> dict[str, Value]:
    """`values`, as from a file, each checked by the option of its name.

    Raises:
        CommandError: a value is wrong, or no option has its name; `what` says whose they are.
    """
    known = {option.name: option for option in options}
    if unknown := sorted(values.keys() - known.keys()):
        raise CommandError(
            f"{what} has no setting '{printable(unknown[0])}'. It has: {', '.join(known)}."
        )
    return {name: known[name].check(value) for name, value in values.items()}


def defaults(options: Sequence[Option]) -> dict[str, Value]:
    """What the options are where nobody says otherwise."""
    return {option.name: option.default for option in options}


def _figure(number: float | None) -> str:
    """A number as a person writes it, and exactly: 8, 0.02, 1e-05."""
    return "" if number is None else repr(number).removesuffix(".0")
