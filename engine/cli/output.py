"""What a verb says: sentences and tables for people, one JSON object a line for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from engine.text import clean
from projects.errors import SwapdeckError


@dataclass(frozen=True)
class Column:
    """A table's column: the key in a row, its heading, and whether numbers stand to the right."""

    key: str
    heading: str
    right: bool = False


@dataclass(frozen=True)
class Output:
    """Where a verb's words go. `json`: only JSON lines; `quiet`: only what was asked for."""

    json: bool = False
    quiet: bool = False

    def remark(self, text: str) -> None:
        """Say something in passing."""
        if not self.json and not self.quiet:
            click.echo(clean(text))

    def done(self, fields: Mapping[str, Any], sentence: str) -> None:
        """The result of an act: its fields for programs, a sentence for people."""
        if self.json:
            self.line(fields)
        elif not self.quiet:
            click.echo(clean(sentence))

    def show(self, fields: Mapping[str, Any]) -> None:
        """One thing's fields, a line each."""
        if self.json:
            self.line(fields)
            return
        width = max((len(key) for key in fields), default=0)
        for key, value in fields.items():
            if value not in (None, "", {}, []):
                click.echo(f"{key.replace('_', ' '):<{width}}  {_plain(value)}")

    def table(
        self, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], nothing: str
    ) -> None:
        """Rows under headings; `nothing` is said when there are none."""
        if self.json:
            for row in rows:
                self.line(row)
            return
        if not rows:
            self.remark(nothing)
            return
        cells = [[_plain(row.get(column.key, "")) for column in columns] for row in rows]
        headings = [column.heading for column in columns]
        widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
        for line in (headings, *cells):
            padded = [
                f"{cell:>{width}}" if column.right else f"{cell:<{width}}"
                for cell, width, column in zip(line, widths, columns, strict=True)
            ]
            click.echo("  ".join(padded).rstrip())

    def line(self, fields: Mapping[str, Any]) -> None:
        """One JSON object on one line of stdout, flushed so that a reader sees it at once."""
        sys.stdout.write(json.dumps(finite(fields), ensure_ascii=True, default=str) + "\n")
        sys.stdout.flush()

    def error(self, sentence: str, code: int) -> None:
        """Say why a verb did not work."""
        if self.json:
            self.line({"error": sentence, "exit_code": code})
        else:
            click.echo(f"swapdeck: {clean(sentence)}", err=True)

    def problems(self, found: Sequence[SwapdeckError]) -> None:
        """Name what could not be listed; if anything, the verb ends with the first one's code."""
        for error in found:
            self.error(str(error), error.exit_code)
        if found:
            raise click.exceptions.Exit(found[0].exit_code)


def finite(value: Any) -> Any:
    """`value` with NaN and infinity as null, which JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}" if math.isfinite(value) else "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{clean(key)} {_plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) for item in value)
    return clean("" if value is None else value)
