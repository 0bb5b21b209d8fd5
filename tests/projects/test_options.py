"""An option says what it takes, reads what a person writes, and refuses the rest in a sentence."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from projects.errors import CommandError
from projects.options import Option, Value, checked, defaults

STEPS = Option("steps", "Steps", "int", 500, minimum=1, maximum=9999, unit="steps")
RATE = Option("rate", "Rate", "float", 5e-5, minimum=0)
MASK = Option("mask", "Mask", "choice", "hull", choices=("hull", "learnt", "both"))
GRAIN = Option("grain", "Grain", "bool", default=True)
EXPIRES = Option("expires", "Expires", "date")
WHERE = Option("where", "Where", "path")
EVERY = Option("every", "Every", "duration", 60.0, minimum=1, maximum=86400)
NAME = Option("name", "Name", "text", required=True)


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        (STEPS, " 12 ", 12),
        (STEPS, "", 500),
        (RATE, "1e-3", 0.001),
        (RATE, "2", 2.0),
        (EVERY, "90", 90.0),
        (EVERY, "90s", 90.0),
        (EVERY, "5m", 300.0),
        (EVERY, "1.5 H", 5400.0),
        (EVERY, "20.5", 20.5),
        (EVERY, "", 60.0),
        (MASK, "LEARNT", "learnt"),
        (GRAIN, "off", False),
        (GRAIN, "Yes", True),
        (EXPIRES, "2027-02-28", "2027-02-28"),
        (EXPIRES, "", None),
        (WHERE, "~/clips", str(Path.home() / "clips")),
        (NAME, "José", "José"),
    ],
)
def test_what_a_person_writes_is_read(option: Option, text: str, value: Value) -> None:
    assert option.parse(text) == value
    assert type(option.parse(text)) is type(value)


@pytest.mark.parametrize(
    ("option", "text", "sentence"),
    [
        (STEPS, "0", "Steps cannot be '0'. It takes a whole number: 1 to 9999 steps."),
        (STEPS, "1.5", "Steps cannot be '1.5'. It takes a whole number: 1 to 9999 steps."),
        (RATE, "-1", "Rate cannot be '-1'. It takes a number: 0 or more."),
        (RATE, "nan", "Rate cannot be 'nan'. It takes a number: 0 or more."),
        (RATE, "inf", "Rate cannot be 'inf'. It takes a number: 0 or more."),
        *(
            (
                EVERY,
                text,
                f"Every cannot be '{text}'. It takes a length of time, as 90, 90s, 5m or 1h: "
                "1s to 24h.",
            )
            for text in ("0s", "25h", "-1m", "5 min", "1:20", "nan", "1e3", "h")
        ),
        (MASK, "oval", "Mask cannot be 'oval'. It takes hull, learnt, both."),
        (GRAIN, "maybe", "Grain cannot be 'maybe'. It takes yes or no."),
        (EXPIRES, "2027-02-30", "Expires cannot be '2027-02-30'. It takes YYYY-MM-DD."),
        (NAME, "  ", "Name is needed."),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(option: Option, text: str, sentence: str) -> None:
    with pytest.raises(CommandError) as refused:
        option.parse(text)
    assert str(refused.value) == sentence


def test_a_long_wrong_value_is_cut_and_made_safe() -> None:
    with pytest.raises(CommandError) as refused:
        MASK.parse("\x1b[31m" + "x" * 500)
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 120


@pytest.mark.parametrize("option", [STEPS, RATE, EVERY, MASK, GRAIN, EXPIRES, WHERE])
def test_what_is_shown_reads_back_as_the_same_value(option: Option) -> None:
    values: dict[str, list[Value]] = {
        "int": [1, 9999],
        "float": [0.0, 1 / 3, 5e-5, 12.0],
        "duration": [1.0, 20.5, 100 / 3, 90.0, 300.0, 5400.0, 7200.0, 86400.0],
        "bool": [True, False],
        "choice": ["hull", "both"],
        "date": [None, "2026-11-25"],
        "path": ["/tmp/with space"],
    }
    for value in values[option.kind]:
        assert option.parse(option.show(value)) == value


def test_values_of_a_file_are_checked_by_kind_and_bounds() -> None:
    assert RATE.check(1) == 1.0
    assert EVERY.check(90) == 90.0
    assert WHERE.check(Path("/tmp/clip")) == "/tmp/clip"
    assert EXPIRES.check(date(2026, 11, 25)) == "2026-11-25"
    for option, value in ((STEPS, True), (STEPS, 2.5), (GRAIN, 1), (MASK, 3), (NAME, None)):
        with pytest.raises(CommandError, match=option.label):
            option.check(value)


def test_a_table_checks_its_values_and_names_what_it_does_not_know() -> None:
    table = (STEPS, MASK)
    assert defaults(table) == {"steps": 500, "mask": "hull"}
    assert checked(table, {"steps": 3}, "The training") == {"steps": 3}
    with pytest.raises(CommandError, match=r"The training has no setting 'stesp'. It has: steps"):
        checked(table, {"stesp": 3}, "The training")
