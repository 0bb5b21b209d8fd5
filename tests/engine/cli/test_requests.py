"""The forms' tables say what the engine and the command line believe."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import click
import pytest

from engine.cli.extract import extract
from engine.cli.gather import gather
from engine.faces.extract import ExtractSettings
from engine.gather import settings
from engine.gather.run import Request
from projects import extract_request, gather_request
from projects.errors import CommandError
from projects.options import defaults


def command_line(command: click.Command) -> dict[str, click.Option]:
    return {one.name: one for one in command.params if isinstance(one, click.Option) and one.name}


def test_a_form_gathers_with_the_engines_own_defaults() -> None:
    asked = gather_request.from_form(
        "ada", {**defaults(gather_request.OPTIONS), "search": "ada", "sources": "https://x.org/a"}
    )
    assert settings.GatherSettings(**asked["settings"]) == settings.GatherSettings()
    assert settings.Search(**asked["search"]) == settings.Search("ada")
    assert Request.of(asked).links == ("https://x.org/a",)
    assert tuple(settings.LICENCES) == gather_request.LICENCES


def test_a_form_extracts_with_the_engines_own_defaults() -> None:
    asked = extract_request.from_form("ada", defaults(extract_request.OPTIONS))
    known = {field.name for field in fields(ExtractSettings)}
    given = {name: value for name, value in asked.items() if value is not None and name in known}
    given |= {"like": tuple(given["like"]), "not_like": tuple(given["not_like"])}
    assert ExtractSettings(**given) == ExtractSettings()
    assert set(asked) - known == {"person"}


@pytest.mark.parametrize(
    ("command", "options", "others"),
    [
        (gather, gather_request.OPTIONS, {"sources": None, "count": "number"}),
        (extract, extract_request.OPTIONS, {}),
    ],
)
def test_a_form_and_its_verb_take_the_same(
    command: click.Command, options: Any, others: dict[str, str | None]
) -> None:
    flags = command_line(command)
    names = {option.name: others.get(option.name, option.name) for option in options}
    not_asked = {"detach", "workspace", "json", "quiet", "help"}
    assert {name for name in names.values() if name} == set(flags) - not_asked
    for option in options:
        flag = flags.get(names[option.name] or "")
        if flag is None or not isinstance(flag.type, click.IntRange | click.FloatRange):
            continue
        assert (option.minimum, option.maximum) == (flag.type.min, flag.type.max), option.name


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sources": "'open"}, "not closed"),
        ({"sources": "nowhere.mp4"}, "There is no nowhere.mp4"),
        ({"sources": "https://x.org", "start": "2:00", "end": "1:00"}, "later than its start"),
        ({"sources": "https://x.org", "start": "soon"}, "'soon' is no time"),
        ({"sources": "https://x.org", "max_size": "huge"}, "'huge' is no size"),
        ({}, "Name a source"),
    ],
)
def test_what_cannot_be_gathered_is_a_sentence(values: dict[str, Any], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        gather_request.from_form("ada", {**defaults(gather_request.OPTIONS), **values})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"part": "1:00"}, "is no range"),
        ({"part": "2:00..1:00"}, "ends before it begins"),
        ({"detector": "eye"}, "no detector 'eye'"),
        ({"detector": "yunet:/nowhere.onnx"}, "no detector at /nowhere.onnx"),
        ({"like": "/nowhere.png"}, "no file /nowhere.png"),
        ({"not_like": "'open"}, "not closed"),
        ({"landmark_model": "/nowhere.dat"}, "no file /nowhere.dat"),
    ],
)
def test_what_cannot_be_extracted_is_a_sentence(values: dict[str, Any], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        extract_request.from_form("ada", {**defaults(extract_request.OPTIONS), **values})
