"""Whether somebody can still be recognised in a result, as far as a machine can tell.

Every face of every frame is embedded as dlib does (K. He et al., CVPR 2016, trained by D. King) and
compared with the person's own pictures: the way in which de-identification is measured since E.
Newton, L. Sweeney, B. Malin, "Preserving Privacy by De-identifying Face Images", IEEE TKDE 17(2),
2005. One recogniser is no proof against another, nor against somebody who knows the person's voice,
gait or clothes; and a face that the detector does not see is neither replaced nor looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.datasets.corrections import to_crop
from engine.faces.align import apply
from engine.faces.dataset import (
    distinct_embeddings,
    landmarks_of,
    load_crop,
    person_identity,
)
from engine.faces.identity import FOLLOWED_THRESHOLD, IDENTITY_THRESHOLD, LINK_THRESHOLD
from engine.media import Frame
from engine.quality.exact import Finds
from projects.errors import CommandError
from projects.faces import Face, FaceIndex
from projects.people import Person

_MOST: Final = 1000
"""Faces whose stored embeddings are compared; of more, as many spread evenly."""
_EMBEDDED: Final = 32
"""Faces that are embedded anew: an extraction embeds only one of each stretch of a track."""
LEAST_OPACITY: Final = 1.0
MOST_ERODE: Final = 0.0
"""A new face that is drawn back leaves a rim of the old one around it."""

Embedding = NDArray[np.float32]


class Embeds(Protocol):
    def embed(self, image: NDArray[np.uint8], landmarks: NDArray[np.floating]) -> Embedding: ...


class Leaky(Protocol):
    """The settings of a conversion by which somebody may still be seen."""

    @property
    def opacity(self) -> float: ...
    @property
    def erode(self) -> float: ...


@dataclass(frozen=True, eq=False)
class Gallery:
    """Somebody's own pictures: embeddings float32 [N, 128] and their mean [128]."""

    pictures: Embedding
    mean: Embedding

    @classmethod
    def of(cls, person: Person, embedder: Embeds) -> Gallery:
        """The person's kept faces. Raises SwapdeckError where there are none, or one is damaged."""
        with FaceIndex(person.index_path, readonly=True) as index:
            mean = person_identity(index)
            faces = index.faces(kept=True)
        known = distinct_embeddings(_spread(faces, _MOST))[0]
        anew = [
            embedder.embed(load_crop(person, face), apply(to_crop(face), landmarks_of(face)))
            for face in _spread(faces, _EMBEDDED)
        ]
        return cls(np.concatenate([known, np.stack(anew)]), mean)


def _spread(faces: list[Face], most: int) -> list[Face]:
    return faces[:: max(1, -(-len(faces) // most))]


@dataclass(frozen=True)
class Seen:
    """The face of one frame that is most like the person; `nan` where no face is found.

    nearest: distance to the nearest of their pictures. mean: to the mean of them. first: whether
    nobody else of those known is nearer; None where nobody else is known.
    """

    frame: int
    time: float
    nearest: float = math.nan
    mean: float = math.nan
    first: bool | None = None

    @property
    def found(self) -> bool:
        return not math.isnan(self.mean)

    @property
    def recognised(self) -> bool:
        """Whether this program itself would take the face for the person's."""
        return self.mean <= IDENTITY_THRESHOLD or self.nearest <= LINK_THRESHOLD


@dataclass(frozen=True)
class Anonymity:
    """What was measured of a whole result. Spans are [first, last] of consecutive frames.

    frames: how many there are. checked: those in which a face was found. recognised: frames in
    which the person would be. unreplaced: frames in which nobody's face was replaced. unseen:
    frames in which a face was replaced and none is found now. closest: the smallest distance to any
    of the person's pictures, in frame `closest_frame`. mean: mean distance to their mean. within:
    the share of checked frames nearer to one of their pictures than dlib's own bound of 0.6. first:
    the share in which they are the nearest of all people known, None where there are no others.
    """

    frames: int
    checked: int
    recognised: tuple[tuple[int, int], ...]
    recognised_frames: int
    unreplaced: tuple[tuple[int, int], ...]
    unreplaced_frames: int
    unseen: tuple[tuple[int, int], ...]
    unseen_frames: int
    closest: float
    closest_frame: int
    mean: float
    within: float
    first: float | None
    others: int
    pictures: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the bounds that were used."""
        return {
            **asdict(self),
            "bounds": {
                "mean": IDENTITY_THRESHOLD,
                "picture": LINK_THRESHOLD,
                "dlib": FOLLOWED_THRESHOLD,
            },
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Anonymity:
        """The inverse of `as_dict`; a null stands for what could not be measured.

        Raises TypeError and KeyError for something else.
        """
        known: dict[str, Any] = {}
        for field in fields(cls):
            value = values[field.name]
            if isinstance(value, list):
                value = tuple((int(first), int(last)) for first, last in value)
            unknown = value is None and field.name != "first"
            known[field.name] = math.nan if unknown else value
        return cls(**known)

    @property
    def passed(self) -> bool:
        """Whether the person would be recognised in no frame, and a face was replaced in each."""
        return self.recognised_frames == 0 and self.unreplaced_frames == 0


def refuse_leaks(settings: Leaky, *, names: bool) -> None:
    """Raise CommandError for settings by which the person could be told.

    What each of them costs was measured; see docs/quality.md.
    """
    if settings.opacity < LEAST_OPACITY:
        raise CommandError(
            f"With opacity {settings.opacity:g} the old face shows through the new one, so it "
            "would be recognised. Leave the opacity at 1 to anonymise."
        )
    if settings.erode > MOST_ERODE:
        raise CommandError(
            f"With erode {settings.erode:g} a rim of the old face is left around the new one. Use "
            f"{MOST_ERODE:g} or less to anonymise."
        )
    if names:
        raise CommandError(
            "--names writes into the credentials who the person is. Leave it out to anonymise."
        )


def look(
    frames: Iterable[Frame],
    gallery: Gallery,
    others: Mapping[str, Embedding],
    finder: Finds,
    embedder: Embeds,
) -> list[Seen]:
    """Look for the person in every frame of a result.

    others: the mean embeddings of other people, by name.
    """
    seen = []
    for frame in frames:
        faces = [
            _compared(frame, embedder.embed(frame.image, found.landmarks), gallery, others)
            for found in finder.find(frame.image)
        ]
        nothing = Seen(frame.index, frame.time)
        seen.append(min(faces, key=lambda one: one.mean, default=nothing))
    return seen


def judge(
    seen: Sequence[Seen], replaced: Iterable[int], gallery: Gallery, others: int
) -> Anonymity:
    """Sum up a result. replaced: the indices of the frames in which a face was replaced."""
    with_new = set(replaced)
    found = [one for one in seen if one.found]
    closest = min(found, key=lambda one: one.nearest, default=None)
    recognised = [one.frame for one in found if one.recognised]
    unreplaced = [one.frame for one in seen if one.frame not in with_new]
    unseen = [one.frame for one in seen if one.frame in with_new and not one.found]
    firsts = [one.first for one in found if one.first is not None]
    return Anonymity(
        frames=len(seen),
        checked=len(found),
        recognised=spans(recognised),
        recognised_frames=len(recognised),
        unreplaced=spans(unreplaced),
        unreplaced_frames=len(unreplaced),
        unseen=spans(unseen),
        unseen_frames=len(unseen),
        closest=math.nan if closest is None else closest.nearest,
        closest_frame=-1 if closest is None else closest.frame,
        mean=float(np.mean([one.mean for one in found])) if found else math.nan,
        within=_share([one.nearest <= FOLLOWED_THRESHOLD for one in found]),
        first=_share(firsts) if others else None,
        others=others,
        pictures=len(gallery.pictures),
    )


def told(anonymity: Anonymity, name: str) -> list[str]:
    """What is to be said of a result, the gravest first; nothing where there is nothing."""
    sentences = []
    if anonymity.recognised_frames:
        sentences.append(
            f"{name} would still be recognised in {anonymity.recognised_frames} of "
            f"{anonymity.frames} frames: {listed(anonymity.recognised)}."
        )
    if anonymity.unreplaced_frames:
        sentences.append(
            f"Nobody's face was replaced in {anonymity.unreplaced_frames} of {anonymity.frames} "
            f"frames: {listed(anonymity.unreplaced)}. Look whether {name} is to be seen there."
        )
    if anonymity.unseen_frames:
        sentences.append(
            f"No face is found in {anonymity.unseen_frames} frames that have a new one, so they "
            f"were not checked: {listed(anonymity.unseen)}."
        )
    return sentences


def figures(found: Anonymity, name: str) -> list[tuple[str, str]]:
    """What was measured, for readers: names and values."""
    rank = "nobody else is known here to compare with"
    if found.first is not None:
        rank = f"{found.first:.0%} of the frames, among {found.others + 1} people"
    return [
        ("recognised", f"{found.recognised_frames} of {found.frames} frames"),
        ("faces compared", f"in {found.checked} frames, with {found.pictures} pictures of {name}"),
        ("closest match", f"{found.closest:.2f}, in frame {found.closest_frame}"),
        (
            "mean distance",
            f"{found.mean:.2f}; one person's pictures lie below {IDENTITY_THRESHOLD:g}",
        ),
        ("within dlib's 0.6 of a picture", f"{found.within:.0%} of the frames"),
        (f"nearest to {name} of all known", rank),
    ]


def spans(frames: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Ascending numbers as first and last of each run: 1 2 3 7 is 1-3, 7-7."""
    runs: list[tuple[int, int]] = []
    for frame in frames:
        if runs and frame == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    return tuple(runs)


def listed(runs: Sequence[tuple[int, int]], most: int = 8) -> str:
    """`1-3, 7 and 4 more stretches`."""
    shown = [f"{first}" if first == last else f"{first}-{last}" for first, last in runs[:most]]
    more = len(runs) - len(shown)
    stretches = "stretch" if more == 1 else "stretches"
    return ", ".join(shown) + (f" and {more} more {stretches}" if more else "")


def _compared(
    frame: Frame, embedding: Embedding, gallery: Gallery, others: Mapping[str, Embedding]
) -> Seen:
    nearest = float(np.linalg.norm(gallery.pictures - embedding, axis=1).min())
    mean = float(np.linalg.norm(gallery.mean - embedding))
    rivals = [float(np.linalg.norm(other - embedding)) for other in others.values()]
    return Seen(frame.index, frame.time, nearest, mean, mean < min(rivals) if rivals else None)


def _share(known: Sequence[bool]) -> float:
    return sum(known) / len(known) if known else math.nan
