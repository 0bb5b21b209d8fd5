"""Words on a terminal."""

import pytest

from engine.text import clean, count, duration


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("holiday.mp4", "holiday.mp4"),
        ("\x1b[2J\x1b[31mred\x1b[0m.mp4", "red.mp4"),
        ("\x1b]0;title\x07clip", "clip"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\x00b\x08c\x9bd\x7f", "abcd"),
        ("two\nlines\r\tand", "two lines  and"),
        ("gpj.\u202efdp", "gpj.fdp"),
        ("broken\udcff", "broken\N{REPLACEMENT CHARACTER}"),
        ("Zoë 山田", "Zoë 山田"),
    ],
)
def test_names_cannot_drive_the_terminal(name: str, shown: str) -> None:
    assert clean(name) == shown


def test_durations_and_counts_read_as_words() -> None:
    assert [duration(s) for s in (8.44, 185, 7440)] == ["8.4 s", "3 min 05 s", "2 h 04 min"]
    assert [count(1, "face"), count(2, "face"), count(2, "person", "people")] == [
        "1 face",
        "2 faces",
        "2 people",
    ]
