"""Words that are safe and readable on a terminal."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

# CSI and OSC sequences, then any other escape with its one following character.
ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.?", re.DOTALL
)
# Marks that reorder or hide text around them.
REORDERING = {chr(c) for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F)}


def clean(text: object) -> str:
    """`text` without escape sequences, control characters, reordering marks and broken bytes.

    File names and the titles of other people's videos may carry sequences that move the cursor or
    rewrite the screen. Line ends and tabs become spaces.
    """
    given = str(text)
    if given.isascii() and given.isprintable():
        return given
    plain = ESCAPES.sub("", given)
    return "".join(_safe(character) for character in plain)


def _safe(character: str) -> str:
    if character in "\n\r\t":
        return " "
    if character in REORDERING or unicodedata.category(character) == "Cc":
        return ""
    return "\N{REPLACEMENT CHARACTER}" if 0xD800 <= ord(character) < 0xE000 else character


def duration(seconds: float) -> str:
    """`8.4 s`, `3 min 05 s`, `2 h 04 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 face`, `12 faces`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def short_path(path: str | Path) -> str:
    """The path as seen from the current folder when it lies inside it."""
    absolute = Path(path)
    try:
        return clean(absolute.relative_to(Path.cwd()))
    except ValueError:
        return clean(absolute)
