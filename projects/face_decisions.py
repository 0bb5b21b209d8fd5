"""What a person decides about faces: kept and rejected, the same from the command line and the
dashboard. Decisions by hand are never overruled by a later search (see engine.faces.decisions)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from projects.errors import CommandError
from projects.face_query import of_crops, of_ids
from projects.face_rules import Named, named
from projects.faces import Decision, FaceIndex
from projects.names import printable
from projects.people import Person
from projects.sources import list_sources

BY_HAND = "by hand"
"""The reason of faces that a person kept, or rejected without saying why."""
_LONGEST = 120  # characters in a reason


@dataclass(frozen=True)
class Decided:
    """How many faces were meant, and how many of them were not so before.

    `decision` is its number for `take_back`, None when nothing changed.
    """

    met: int
    changed: int
    kept: bool
    reason: str
    decision: int | None = None


def decide(
    person: Person, words: Iterable[str], *, kept: bool, reason: str | None = None
) -> Decided:
    """Keep or reject the faces that `words` name: numbers, ranges, crops' names or rules.

    reason: why, in the person's own words; without one it is "by hand", or the rule.

    Raises:
        CommandError: a rule cannot be understood, or a face that was named does not exist.
        DamagedError, SwapdeckError: the index cannot be used.
    """
    words = tuple(words)
    given = name_faces(person, words)
    why = BY_HAND
    if not kept and reason is not None:
        why = f"{BY_HAND}: {printable(reason)[:_LONGEST]}"
    elif not kept and given.rules:
        why = f"rule: {printable(' or '.join(given.rules))[:_LONGEST]}"
    what = f"{'keep' if kept else 'reject'} {printable(' '.join(words)[: _LONGEST * 4])[:_LONGEST]}"
    with FaceIndex(person.index_path, readonly=True) as index:
        check_named(person, index, given)
        met = index.count(given.selection)
    changed, decision = 0, None
    if met:
        with FaceIndex(person.index_path) as index:
            changed = index.decide(given.selection, kept=kept, reason=why, what=what)
            decision = index.decisions()[0].id if changed else None
    return Decided(met, changed, kept, why, decision)


def take_back(person: Person, decision: int | None = None) -> Decision:
    """Undo the last decision about the person's faces; it. With `decision`, only that one.

    Raises:
        CommandError: there are no faces, there is no decision, or another was made since.
    """
    require_faces(person)
    with FaceIndex(person.index_path) as index:
        last = next(iter(index.decisions()), None)
        if decision is not None and (last is None or last.id != decision):
            raise CommandError(
                f"More was decided about {person.name}'s faces since, elsewhere, or this was taken "
                f"back there. swapdeck faces undo {person.slug} takes back whatever was last."
            )
        undone = index.undo()
    if undone is None:
        raise CommandError(
            f"Nothing was decided about {person.name}'s faces that can be taken back."
        )
    return undone


def require_faces(person: Person) -> None:
    """Raise CommandError when nobody has searched the person's sources yet."""
    if not person.index_path.exists():
        raise CommandError(
            f"{person.name} has no faces yet: swapdeck extract {person.slug} finds them."
        )


def name_faces(person: Person, words: Iterable[str]) -> Named:
    """The faces that a person named: numbers, ranges, crops' names or rules.

    Raises:
        CommandError: a rule cannot be understood.
    """
    words = tuple(words)
    return named(words, source_names(person, words))


def check_named(person: Person, index: FaceIndex, given: Named) -> None:
    """Raise CommandError when a number or a crop was named that no face has."""
    rows = list(index.rows(of_ids(given.ids) | of_crops(given.crops)))
    unknown = [str(one) for one in sorted(set(given.ids) - {row.id for row in rows})]
    unknown += sorted(printable(name) for name in set(given.crops) - {row.crop for row in rows})
    if unknown:
        raise CommandError(
            f"{person.name} has no face {', '.join(unknown[:10])}. "
            f"`swapdeck faces {person.slug}` lists their numbers."
        )


def source_names(person: Person, rules: Iterable[str]) -> dict[str, str]:
    """The digests of the person's sources by their names, where a rule asks for them."""
    if not any("source" in rule for rule in rules):
        return {}
    return {source.name: source.digest for source in list_sources(person)}
