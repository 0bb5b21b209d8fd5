"""Click options made from a table of options, so that a command line says what a form says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from projects.errors import CommandError
from projects.options import Option

Command = TypeVar("Command", bound=Callable[..., Any])


def table_options(table: Sequence[Option]) -> Callable[[Command], Command]:
    """A decorator that adds every option of a table, in its order, each None unless it is given."""

    def decorate(command: Command) -> Command:
        for option in reversed(table):
            command = click.option(
                option.flag,
                option.name,
                callback=_reader(option),
                metavar=_metavar(option),
                help=_help(option),
            )(command)
        return command

    return decorate


def _reader(option: Option) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    def read(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Any:
        if text is None:
            return None
        try:
            return option.parse(text)
        except CommandError as error:
            raise click.BadParameter(str(error)) from error

    return read


def _metavar(option: Option) -> str:
    if option.kind == "choice":
        return "|".join(option.choices)
    return {"int": "N", "float": "X", "duration": "TIME", "bool": "yes|no", "path": "FILE"}.get(
        option.kind, "TEXT"
    )


def _help(option: Option) -> str:
    shown = option.show(option.default)
    notes = (
        [option.expected] if option.kind in ("int", "float", "duration") and option.expected else []
    )
    if shown:
        notes.append(f"default: {shown}")
    return f"{option.help} [{'; '.join(notes)}]" if notes else option.help
