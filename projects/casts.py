"""A cast, as a user writes it: who in the footage gets which swap's model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from projects.errors import CommandError
from projects.names import printable
from projects.people import get_person
from projects.swaps import Swap, get_swap
from projects.workspace import Workspace

Casting: TypeAlias = tuple[str, str]
"""Who is replaced, and the swap whose model does it: ("ben", "ada-as-ben")."""
Kind = Literal["person", "track", "picture"]


def parse_cast(text: str) -> Casting:
    """`ben=ada-as-ben`, `track:3=ada-as-ben` or `picture:FILE=ada-as-ben`.

    Raises:
        CommandError: it is not written so.
    """
    who, equals, swap = text.rpartition("=")
    if not equals or not who.strip() or not swap.strip():
        raise CommandError(
            f"'{printable(text)}' is no casting. Write who is replaced and by which swap: "
            "ben=ada-as-ben, track:3=ada-as-ben or picture:FILE=ada-as-ben."
        )
    parse_who(who.strip())
    return who.strip(), swap.strip()


def parse_who(who: str) -> tuple[Kind, str]:
    """What kind of naming it is, and the name, number or path in it.

    Raises:
        CommandError: a track without a number, a picture without a path.
    """
    if who.startswith("track:"):
        number = who.removeprefix("track:").strip()
        if not (number.isascii() and number.isdecimal() and len(number) < 7):
            raise CommandError(
                f"'{printable(who)}' names no track. Write its number, as in track:3; --tracks "
                "lists them."
            )
        return "track", str(int(number))
    if who.startswith("picture:"):
        path = who.removeprefix("picture:").strip()
        if not path:
            raise CommandError("'picture:' names no file. Write its path behind it.")
        return "picture", path
    return "person", who


def check_casts(ws: Workspace, swap: Swap, casts: Iterable[Sequence[str]]) -> list[Casting]:
    """The casts of a conversion for `swap`, if they make sense together.

    Raises:
        CommandError: an unknown person or swap, somebody cast twice, or `swap` not among them.
    """
    found: list[Casting] = []
    seen = set()
    swaps = set()
    for who, name in casts:
        chosen = get_swap(ws, name)
        kind, value = parse_who(who)
        if kind == "person":
            person = get_person(ws, value)
            value = person.slug
            if person.slug == chosen.source:
                raise CommandError(
                    f"{person.name} is whose face {chosen.slug} puts in, so it cannot replace "
                    "theirs. Cast somebody else."
                )
        if (kind, value) in seen:
            raise CommandError(f"{printable(who)} is cast twice. Say it once.")
        seen.add((kind, value))
        swaps.add(chosen.slug)
        found.append((who, chosen.slug))
    if found and swap.slug not in swaps:
        raise CommandError(
            f"With --cast, only those who are cast are replaced, and {swap.slug} is not cast. Add "
            f"--cast {swap.target}={swap.slug}, or convert with one of: {', '.join(sorted(swaps))}."
        )
    return found
