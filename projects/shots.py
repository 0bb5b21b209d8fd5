"""Settings that change from shot to shot: `shots.toml` beside a swap, written by a person.

version = 1

[[shot]]
input = "scene.mp4"   # of which footage; left out: of all
first = 120           # frames count from 0; left out: from the start
last = 179            # this one included; left out: to the end
colour = "light"      # any settings of the picture
feather = 20
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from projects.conversion_options import PICTURE_OPTIONS
from projects.errors import CommandError
from projects.names import printable
from projects.options import Value, checked
from projects.texts import check_version, read_toml

NAME: Final = "shots.toml"
VERSION: Final = 1
WHOLE_TRACK: Final = frozenset({"smooth"})
"""Settings of whole tracks, which no shot can change: a place is steadied across all frames."""
_PLACE: Final = ("input", "first", "last")


@dataclass(frozen=True)
class Shot:
    """A range of frames, `last` included, and what is set otherwise in it.

    input: the name of the footage's file; "" is any. last: None is the last frame there is.
    """

    first: int
    last: int | None
    settings: tuple[tuple[str, Value], ...]
    input: str = ""

    def holds(self, frame: int) -> bool:
        """Whether a frame is one of the shot's."""
        return self.first <= frame and (self.last is None or frame <= self.last)

    def __str__(self) -> str:
        return f"{self.first} to {'the end' if self.last is None else self.last}"


def load_shots(path: Path) -> tuple[Shot, ...]:
    """What the file says, checked.

    Raises:
        CommandError: a range, a name or a value is wrong; the sentence says which and where.
        DamagedError, NewerVersionError: the file cannot be read.
    """
    document = read_toml(path)
    check_version(path, document, VERSION)
    if unknown := sorted(document.keys() - {"version", "shot"}):
        raise CommandError(
            f"{path} has '{printable(unknown[0])}' outside a shot. Begin each shot with [[shot]]."
        )
    tables = document.get("shot", [])
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise CommandError(f"{path} must begin each shot with [[shot]], in two pairs of brackets.")
    shots = tuple(_shot(path, number, table) for number, table in enumerate(tables, 1))
    _check_apart(path, shots)
    return shots


def shots_of(shots: Sequence[Shot], footage: Path) -> tuple[Shot, ...]:
    """Those that are about `footage`."""
    return tuple(shot for shot in shots if shot.input in ("", footage.name))


def _shot(path: Path, number: int, table: dict[str, Any]) -> Shot:
    where = f"Shot {number} in {path}"
    first, last = table.get("first", 0), table.get("last")
    for name, value in (("first", first), ("last", last)):
        if value is not None and (type(value) is not int or value < 0):
            raise CommandError(
                f"{where} has {name} = {printable(str(value))}. Frames are whole numbers from 0."
            )
    if last is not None and last < first:
        raise CommandError(f"{where} ends at frame {last}, before it begins at {first}.")
    name = table.get("input", "")
    if not isinstance(name, str) or Path(name).name != name:
        raise CommandError(f"{where} must name its input as a file without folders, in quotes.")
    values = {key: value for key, value in table.items() if key not in _PLACE}
    if not values:
        raise CommandError(f"{where} sets nothing. Give it a setting, or take it out.")
    if whole := sorted(WHOLE_TRACK & values.keys()):
        raise CommandError(
            f"{where} sets '{whole[0]}', which holds for whole tracks. Give --{whole[0]} instead."
        )
    options = [option for option in PICTURE_OPTIONS if option.name not in WHOLE_TRACK]
    try:
        settings = checked(options, values, where)
    except CommandError as error:
        text = str(error)
        raise CommandError(text if text.startswith(where) else f"{where}: {text}") from error
    return Shot(first, last, tuple(sorted(settings.items())), name)


def _check_apart(path: Path, shots: Sequence[Shot]) -> None:
    for number, shot in enumerate(shots):
        for other in shots[:number]:
            same = not shot.input or not other.input or shot.input == other.input
            early, late = sorted((shot, other), key=lambda one: one.first)
            if same and early.holds(late.first):
                raise CommandError(
                    f"{path} has two shots for frame {late.first}: {other}, and {shot}. Let each "
                    "frame be in one shot only."
                )
