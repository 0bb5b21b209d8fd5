"""Click options made from the tables of `projects.options`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from projects.errors import CommandError
from projects.options import Option, Value

Command = TypeVar("Command", bound=Callable[..., Any])


class _Described(click.ParamType[Value]):
    """Reads a value as its option does."""

    def __init__(self, option: Option) -> None:
        self.option = option
        self.name = option.kind

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Value:
        try:
            return self.option.parse(str(value))
        except CommandError as error:
            self.fail(str(error), param, ctx)


def described_options(options: Sequence[Option]) -> Callable[[Command], Command]:
    """A Click option for each; what was not given is None, so that a default stays a default."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = _click_option(option)(command)
        return command

    return decorate


def given(values: dict[str, Any]) -> dict[str, Any]:
    """Only what was said on the command line."""
    return {name: value for name, value in values.items() if value is not None}


def _click_option(option: Option) -> Callable[[Command], Command]:
    if option.kind == "bool":
        flag = f"{option.flag}/--no-{option.flag.removeprefix('--')}"
        return click.option(flag, option.name, default=None, help=_help(option))
    kind: click.ParamType[Any] = (
        click.Choice(option.choices) if option.kind == "choice" else _Described(option)
    )
    unit = "time" if option.kind == "duration" else option.unit
    metavar = None if option.kind == "choice" else (unit or option.kind).upper()
    return click.option(option.flag, option.name, type=kind, metavar=metavar, help=_help(option))


def _help(option: Option) -> str:
    default = option.show(option.default)
    words = option.help or f"{option.label}."
    if option.kind in ("int", "float", "duration") and option.expected != option.unit:
        words += f"  ({option.expected})"
    return f"{words}  [default: {default}]" if default else words
