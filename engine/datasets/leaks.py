"""Faces that are where they do not belong: with both people, or on both sides of a test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from engine.datasets.checkup import Dataset, Finding
from engine.datasets.duplicates import Looks
from engine.datasets.measures import Measures
from engine.faces.dataset import embedding_of
from engine.faces.identity import IDENTITY_THRESHOLD
from engine.text import count
from engine.training.holdout import split
from projects.face_query import KEPT
from projects.faces import Face, FaceIndex

TWIN: Final = 1
"""Bits in which the hashes of one picture, saved twice, may differ."""
_ONE_PICTURE: Final = 0.35
"""Embeddings of one picture are at most so far apart; two people start at 0.45."""
_TWINS: Final = 0.3
_SHOWN: Final = 8


def between(
    source: Dataset, target: Dataset, indexes: tuple[FaceIndex, FaceIndex]
) -> Iterator[Finding]:
    """Faces of one person among the other's, and two people who may be one."""
    people = [_Embedded.of(index) for index in indexes]
    if not all(len(person.ids) for person in people):
        return
    means = [person.vectors.mean(0) for person in people]
    apart = float(np.linalg.norm(means[0] - means[1]))
    if apart < IDENTITY_THRESHOLD:
        yield Finding(
            "people",
            "problem",
            f"{source.name} and {target.name} look like one person ({apart:.2f} apart, two people "
            f"are more than {IDENTITY_THRESHOLD}). Were the same sources gathered for both?",
            {"distance": apart},
        )
        return
    common = _same_pictures(source.kept, target.kept, people)
    if common:
        listed = ", ".join(str(own) for own, _ in common[:_SHOWN])
        yield Finding(
            "leaks",
            "problem",
            f"{target.name}'s dataset has {count(len(common), 'face')} of {source.name}'s as well "
            f"(first: {listed}). Reject them in one of the two: swapdeck faces reject "
            f"{source.slug} {listed}",
            {"pairs": common[:100], "faces": len(common)},
        )
    strangers = False
    for who, own, other, name in (
        (source, 0, 1, target.name),
        (target, 1, 0, source.name),
    ):
        distances = [np.linalg.norm(people[own].vectors - mean, axis=1) for mean in means]
        wrong = people[own].ids[distances[other] < distances[own]].tolist()
        if wrong:
            strangers = True
            listed = " ".join(map(str, wrong[:_SHOWN]))
            yield Finding(
                "leaks",
                "problem",
                f"Among {who.name}'s faces, {count(len(wrong), 'face')} may show {name}. Look at "
                f"them, then: swapdeck faces reject {who.slug} {listed}",
                {"faces": wrong[:100]},
            )
    if not common and not strangers:
        yield Finding(
            "leaks",
            "good",
            f"No face of {source.name} is among {target.name}'s, and none the other way round "
            f"({apart:.2f} apart).",
            {"distance": apart},
        )


def across_the_test(who: Dataset, index: FaceIndex) -> Iterator[Finding]:
    """Held-out faces that have a twin among those that are trained on."""
    rows = cast(list[Face], list(index.rows(KEPT, order="source")))
    parts = split(rows)
    if not parts.held:
        return
    looks = Looks(TWIN)
    for number, face in enumerate(parts.train):
        if face.hash != -1:
            looks.add(number, face.hash)
    twins = sum(
        any(_alike(face, parts.train[number]) for number in looks.like(face.hash))
        for face in parts.held
        if face.hash != -1
    )
    share = twins / len(parts.held)
    if share > _TWINS:
        yield Finding(
            "held out",
            "doubt",
            f"{share:.0%} of the {len(parts.held)} faces of {who.name} that are held out to score "
            "a model have a twin among those it is trained on, so the score will flatter. Bring in "
            f"more varied footage, or: swapdeck faces dedupe {who.slug}",
            {"held": len(parts.held), "twins": twins},
        )


class _Embedded:
    """The kept faces' ids [N] and embeddings, float32 [N, 128]."""

    def __init__(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        self.ids = ids
        self.vectors = vectors

    @classmethod
    def of(cls, index: FaceIndex) -> _Embedded:
        ids: list[int] = []
        vectors: list[NDArray[np.float32]] = []
        for face in index.each(KEPT, order="id"):
            ids.append(face.id)
            vectors.append(embedding_of(face))
        return cls(
            np.array(ids, np.int64),
            np.stack(vectors) if vectors else np.empty((0, 128), np.float32),
        )


def _same_pictures(
    source: Measures, target: Measures, people: list[_Embedded]
) -> list[tuple[int, int]]:
    """Pairs of ids, the source's and the target's, that show the same picture of a face."""
    looks = Looks(TWIN)
    for place, hash_ in enumerate(target.hashes.tolist()):
        if hash_ != -1:
            looks.add(place, hash_)
    pairs: list[tuple[int, int]] = []
    for place, hash_ in enumerate(source.hashes.tolist()):
        for other in looks.like(hash_) if hash_ != -1 else ():
            own, theirs = people[0].vectors[place], people[1].vectors[other]
            if float(np.linalg.norm(own - theirs)) < _ONE_PICTURE:
                pairs.append((int(source.ids[place]), int(target.ids[other])))
                break
    return pairs


def _alike(one: Any, other: Any) -> bool:
    """Whether two faces whose hashes agree also agree in what hashes hardly see."""
    return not any(
        abs(getattr(one, name) - getattr(other, name)) > apart
        for name, apart in (("yaw", 2.0), ("pitch", 2.0), ("mouth", 0.03), ("eyes", 0.04))
    )
