"""Reads a person's faces for the gallery: their order at once, what is known of each when wanted.

Called from threads; touches no widget. Every call opens the index anew, so that whatever another
process does to it meanwhile is seen, or said in a sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from projects.errors import SwapdeckError
from projects.face_decisions import source_names
from projects.face_query import EVERY, KEPT, REJECTED, of_ids
from projects.face_rules import select
from projects.faces import Face, FaceIndex, FaceRow
from projects.files import inside
from projects.people import Person, get_person
from projects.sources import list_sources
from projects.workspace import open_workspace
from tui.text import clean

WHICH = {"all": EVERY, "kept": KEPT, "rejected": REJECTED}
SORTS = (
    *("time", "sharpness", "yaw", "likeness", "size", "pitch", "roll", "brightness"),
    *("mouth", "eyes", "covered", "confidence", "track", "state", "id"),
)
GROUPS = ("none", "source", "track", "pose", "reason", "expression", "time", "sharpness", "size")


@dataclass(frozen=True)
class View:
    """Which faces are shown, and in which order."""

    sort: str = "time"
    reverse: bool = False
    group: str = "none"
    which: str = "all"
    rule: str = ""


@dataclass(frozen=True)
class Order:
    """The ids of the faces of a view, in order; `groups` are names and numbers of faces.

    `stamp` is another one whenever the index was written. `total` and `kept` count all faces of
    the person, `sources` gives names of sources by their digests.
    """

    view: View
    stamp: int
    ids: tuple[int, ...]
    groups: tuple[tuple[str, int], ...]
    total: int
    kept: int
    sources: Mapping[str, str] = field(default_factory=dict)


class FaceReader:
    """The faces of the person `slug` in the workspace at `root`."""

    def __init__(self, root: Path, slug: str) -> None:
        self.root = root
        self.slug = slug

    def person(self) -> Person:
        """The person as they are now.

        Raises:
            SwapdeckError: they are gone, or cannot be read.
        """
        return get_person(open_workspace(self.root, readonly=True), self.slug)

    def stamp(self) -> int:
        """A number that changes when the index is written."""
        try:
            return (self.root / "people" / self.slug / "faces.sqlite").stat().st_mtime_ns
        except (OSError, ValueError):
            return 0

    def order(self, view: View) -> Order:
        """The faces of a view.

        Raises:
            SwapdeckError: the person or the index is gone or damaged, or the rule cannot be
                understood.
        """
        person = self.person()
        stamp = self.stamp()
        rules = [view.rule] if view.rule else []
        where = WHICH[view.which] & select(rules, source_names(person, rules))
        group = None if view.group == "none" else view.group
        with FaceIndex(person.index_path, readonly=True) as index:
            found = index.order(where, by=view.sort, reverse=view.reverse, group=group)
            total, kept = index.count(), index.count(KEPT)
        try:
            names = {source.digest: clean(source.name) for source in list_sources(person)}
        except SwapdeckError:
            names = {}  # the faces can be looked at all the same
        groups: tuple[tuple[str, int], ...] = ()
        if group is not None:
            runs = groupby(found, key=lambda one: one[1])
            groups = tuple((_named(name, names), sum(1 for _ in run)) for name, run in runs)
        ids = tuple(identity for identity, _ in found)
        return Order(view, stamp, ids, groups, total, kept, names)

    def rows(self, ids: Iterable[int]) -> dict[int, FaceRow]:
        """What is known of some faces, by their ids; those that are gone are left out.

        Raises:
            SwapdeckError: as `order`.
        """
        with FaceIndex(self.person().index_path, readonly=True) as index:
            return {row.id: row for row in index.rows(of_ids(ids), order="id")}

    def face(self, identity: int) -> Face:
        """One face with its landmarks.

        Raises:
            SwapdeckError: as `order`, or there is no such face.
        """
        with FaceIndex(self.person().index_path, readonly=True) as index:
            return index.face(identity)

    def crop(self, row: FaceRow) -> Path:
        """Where a face's picture is.

        Raises:
            SwapdeckError: a link leads out of the folder.
        """
        return inside(self.root, "people", self.slug, "faces", row.crop)


def _named(group: str, names: Mapping[str, str]) -> str:
    """A group's name with the name of its source in place of the digest that it begins with."""
    digest, rest = group[:12], group[12:]
    if len(digest) == 12:
        for known, name in names.items():
            if known.startswith(digest):
                return f"{name}{rest}"
    return clean(group)
