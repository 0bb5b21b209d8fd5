"""All that the dataset doctor looks at, for one person or for a source and a target."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from engine.datasets.checkup import Dataset, Finding, alone, worst_first
from engine.datasets.footage import colours, surprises
from engine.datasets.leaks import across_the_test, between
from engine.datasets.measures import measures
from engine.datasets.versus import against
from projects.errors import CommandError
from projects.face_query import KEPT
from projects.faces import FaceIndex
from projects.people import Person


@dataclass(frozen=True)
class Examined:
    """What was found, the worst first, and the datasets that it is about."""

    findings: tuple[Finding, ...]
    datasets: tuple[Dataset, ...]


def examine(source: Person, target: Person | None = None) -> Examined:
    """Look at the source person's dataset, and at what a swap onto the target needs of it.

    Raises:
        CommandError: both are one person. DamagedError: an index cannot be read.
    """
    if target is not None and target.root == source.root:
        raise CommandError(
            f"{source.name} cannot be compared with themselves. Name two people, the source and "
            "the target."
        )
    people = [source] if target is None else [source, target]
    with ExitStack() as stack:
        indexes = [
            stack.enter_context(FaceIndex(person.index_path, readonly=True)) for person in people
        ]
        datasets = [
            Dataset(person.name, person.slug, measures(index, KEPT), index.counts().reasons)
            for person, index in zip(people, indexes, strict=True)
        ]
        found: list[Finding] = []
        for who, person, index in zip(datasets, people, indexes, strict=True):
            found += [*alone(who), *surprises(who, person), *across_the_test(who, index)]
        places = list(zip(people, indexes, strict=True))
        if len(datasets) == 2:
            found += against(datasets[0], datasets[1])
            found += between(datasets[0], datasets[1], (indexes[0], indexes[1]))
        found += colours(datasets[0], datasets[1] if len(datasets) == 2 else None, places)
    return Examined(tuple(worst_first(found)), tuple(datasets))
