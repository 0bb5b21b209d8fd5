"""Figures in words, curves in dots, pictures in half blocks."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tui.curve import braille
from tui.picture import decode, half_blocks
from tui.text import age, clean, clean_path, duration, figure, size


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (131, "2 min 11 s"),
        (599, "9 min 59 s"),
        (600, "10 min"),
        (3599, "1 h 0 min"),
        (5400, "1 h 30 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_durations_use_the_units_that_matter(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_figures_are_short() -> None:
    assert [figure(x) for x in (0, 0.0334, 1.5, 12.34, 123.4, 12_345.0)] == [
        "0", "0.0334", "1.50", "12.3", "123", "12,345",
    ]  # fmt: skip
    assert [size(x) for x in (25, 4_200_000, 84e9, 2.5e12)] == ["25 B", "4.2 MB", "84 GB", "2.5 TB"]
    assert [age(x) for x in (1, 30, 300, 7200, 200_000)] == ["now", "30 s", "5 min", "2 h", "2 d"]


def test_text_is_one_harmless_line() -> None:
    assert clean("a\x1b]0;x\x07b\n\tc\u202ed\u2066") == "a]0;xb cd"
    assert len(clean("x" * 10_000)) == 400
    assert clean_path("/home/ada/swapdeck", "/home/ada") == "~/swapdeck"
    assert clean_path("/home/adam", "/home/ada") == "/home/adam"


def test_a_falling_curve_starts_top_left_and_ends_bottom_right() -> None:
    lines, low, high = braille([(0, 1.0), (10, 0.1), (20, 0.01)], 10, 4)
    assert (low, high) == (0.01, 1.0)
    assert [len(line) for line in lines] == [10] * 4
    assert lines[0][0] != "\u2800"
    assert lines[-1][-1] != "\u2800"
    assert lines[0][-1] == lines[-1][0] == "\u2800"


def test_a_flat_curve_is_drawn_too() -> None:
    lines, low, high = braille([(5, 0.0), (5, 0.0)], 4, 2)
    assert low == high == 0
    assert "".join(lines).strip("\u2800")


def test_two_pixels_share_a_cell(tmp_path: Path) -> None:
    picture = Image.new("RGB", (2, 2))
    picture.putdata([(255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 9, 9)])
    picture.save(tmp_path / "four.png")
    pixels = decode([tmp_path / "four.png"], 2, 2, (0, 0, 0))
    assert not isinstance(pixels, str)
    (strip,) = half_blocks(pixels)
    assert strip.text == "▀▀"
    first, second = (segment.style for segment in strip)
    assert first is not None and first.color is not None and first.bgcolor is not None
    assert first.color.get_truecolor() == (255, 0, 0)
    assert first.bgcolor.get_truecolor() == (0, 0, 255)
    assert second is not None and second.color is not None
    assert second.color.get_truecolor() == (0, 255, 0)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n broken", b"not a picture"])
def test_a_picture_that_is_none_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad\x1b[0m.png"
    path.write_bytes(content)
    words = decode([path], 10, 10, (0, 0, 0))
    assert isinstance(words, str)
    assert "cannot be shown" in words
    assert "\x1b" not in words
