"""The TOML documents that people may edit: checked when read, comments kept when changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from projects.errors import DamagedError
from projects.files import locked, sweep
from projects.texts import check_version, read_text, read_toml, without_none, write_toml

T = TypeVar("T")


def field(path: Path, document: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """The value of `name` in `document`, which was read from `path`.

    Raises:
        DamagedError: it is missing or of another type.
    """
    value = document.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        words = {str: "a text in quotes", int: "a whole number", dict: "a table"}
        raise DamagedError(
            f"{path} has no valid '{name}': it must be {words.get(kind, kind.__name__)}. Correct "
            "it in an editor, or put back a good copy."
        )
    return value


def update(path: Path, version: int, changes: Mapping[str, Any]) -> None:
    """Set `changes` in the TOML file at `path`; comments, order and other keys stay.

    A mapping becomes a table with exactly those keys; None removes a key.

    Raises:
        DamagedError, NewerVersionError, SwapdeckError: as reading and writing do.
    """
    import tomlkit

    with locked(path.parent):  # two processes that change different keys must not undo each other
        sweep(path.parent)
        check_version(path, read_toml(path), version)
        document = tomlkit.parse(read_text(path))
        for name, value in changes.items():
            _set(document, name, value)
        write_toml(path, document)


def _set(table: Any, name: str, value: Any) -> None:
    if value is None:
        table.pop(name, None)
    elif isinstance(value, Mapping) and isinstance(table.get(name), Mapping):
        nested = table[name]
        for key in [k for k in nested if value.get(k) is None]:
            del nested[key]
        for key, item in value.items():
            _set(nested, key, item)
    elif table.get(name) != value or type(table.get(name)) is bool or isinstance(value, bool):
        table[name] = without_none(value)
