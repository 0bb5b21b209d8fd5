"""The command line takes what a table of options describes, and nothing else."""

from __future__ import annotations

from typing import Any

import click
from click.testing import CliRunner

from engine.cli.described import described_options, given
from projects.options import Option

TABLE = (
    Option("steps", "Steps", "int", 500, minimum=1, unit="steps", help="How long it trains."),
    Option("mask", "Mask", "choice", "hull", choices=("hull", "both"), help="What cuts the face."),
    Option("keep_grain", "Keep the grain", "bool", default=True, help="The footage's own grain."),
)


@click.command()
@described_options(TABLE)
def command(**values: Any) -> None:
    click.echo(repr(given(values)))


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, arguments)
    return result.exit_code, result.output


def test_only_what_was_given_is_passed_on() -> None:
    assert run() == (0, "{}\n")
    assert run("--steps", "7", "--no-keep-grain") == (0, "{'steps': 7, 'keep_grain': False}\n")


def test_what_the_table_refuses_is_a_usage_error_in_its_words() -> None:
    code, words = run("--steps", "0")
    assert code == 2
    assert "Steps cannot be '0'. It takes a whole number: 1 or more steps." in words
    assert run("--mask", "oval")[0] == 2


def test_help_shows_sentence_bounds_and_default() -> None:
    _, words = run("--help")
    assert "How long it trains." in words
    assert "[default: 500]" in words
    assert "--keep-grain / --no-keep-grain" in words
