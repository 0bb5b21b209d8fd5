"""Conversion whose purpose is that the person in the footage cannot be recognised any more.

The settings are refused that would leave something of them, every frame of the finished result is
searched for them, and what is found is said and written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.conversion.convert import ConvertResult
from engine.conversion.players import Player
from engine.conversion.progress import Progress
from engine.faces.dataset import person_identity
from engine.faces.detect import FaceFinder
from engine.faces.embed import Embedder
from engine.media import Frame, open_frames
from engine.quality.anonymity import Anonymity, Embedding, Gallery, judge, look, told
from engine.reporting import Reporter
from projects.errors import CommandError, SwapdeckError
from projects.faces import FaceIndex
from projects.people import Person, get_person, list_people
from projects.workspace import Workspace


class RecognisedError(SwapdeckError):
    """The result is there, and the person can be told in it or was not replaced everywhere."""


@dataclass(frozen=True)
class Searched:
    """What was found of one person in one result."""

    output: Path
    person: Person
    anonymity: Anonymity


def people_to_hide(cast: Sequence[Player]) -> dict[int, Person]:
    """Who is to be hidden, by the number of their role. Raises CommandError where nobody knows."""
    hidden = {}
    for number, player in enumerate(cast):
        if player.person is None:
            raise CommandError(
                f"Nobody can check whether {player.role.name} is recognised without pictures of "
                "them. Cast people by their names to anonymise: --cast PERSON=SWAP"
            )
        hidden[number] = player.person
    return hidden


def search_result(
    workspace: Workspace, hidden: Mapping[int, Person], done: ConvertResult, reporter: Reporter
) -> list[Searched]:
    """Look for the hidden people in every frame of a finished result.

    Takes about a tenth of a second a frame and person. Raises SwapdeckError where a person has no
    faces, MediaError, StopRequested.
    """
    if not hidden:
        return []
    found = []
    embedder = Embedder()
    for role, person in hidden.items():
        gallery = Gallery.of(person, embedder)
        others = _others(workspace, person)
        with open_frames(done.output) as reader:
            progress = Progress(reporter, f"look for {person.name}", done.frames)
            watched = _stepped(reader, progress)
            seen = look(watched, gallery, others, FaceFinder(), embedder)
            progress.end()
        faces = done.located.faces
        replaced = [
            index - done.first
            for index, here in faces.items()
            if any(face.role == role for face in here)
        ]
        found.append(Searched(done.output, person, judge(seen, replaced, gallery, len(others))))
    return found


def searched_before(workspace: Workspace, results: Iterable[Mapping[str, Any]]) -> list[Searched]:
    """What was found before a crash of this job, by its `result` events."""
    return [
        Searched(Path(event["output"]), get_person(workspace, slug), Anonymity.from_dict(values))
        for event in results
        for slug, values in event.get("anonymity", {}).items()
    ]


def require_unrecognised(searched: Sequence[Searched]) -> None:
    """Raise RecognisedError where somebody would be recognised, or was not replaced everywhere."""
    failed = [one for one in searched if not one.anonymity.passed]
    if not failed:
        return
    sentences = [
        f"{one.output.name}: {text}"
        for one in failed
        for text in told(one.anonymity, one.person.name)
    ]
    raise RecognisedError(
        "Do not pass this on as it is; it is written, so that it can be looked at. "
        f"{' '.join(sentences)} Mend those frames and convert again with --overwrite: train the "
        "model longer, replace faces that were left alone with --cast, or cut the frames out."
    )


def _stepped(frames: Iterable[Frame], progress: Progress) -> Iterator[Frame]:
    for frame in frames:
        yield frame
        progress.step()


def _others(workspace: Workspace, person: Person) -> dict[str, Embedding]:
    """The mean embeddings of everybody else in the workspace who has faces."""
    known: dict[str, Embedding] = {}
    for other in list_people(workspace):
        if other.slug == person.slug or not other.index_path.exists():
            continue
        with FaceIndex(other.index_path, readonly=True) as index:
            if index.counts().kept:
                known[other.slug] = person_identity(index)
    return known
