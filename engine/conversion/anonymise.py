"""Conversion whose purpose is that the person in the footage cannot be recognised any more.

The settings are refused that would leave something of them, every frame of the finished result is
searched for them, and what is found is said and written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.conversion.progress import Progress
from engine.faces.dataset import person_identity
from engine.faces.detect import FaceFinder
from engine.faces.embed import Embedder
from engine.media import open_frames
from engine.quality.anonymity import Anonymity, Embedding, Gallery, judge, look, told
from engine.reporting import Reporter
from projects.errors import SwapdeckError
from projects.faces import FaceIndex
from projects.people import Person, list_people
from projects.workspace import Workspace


class RecognisedError(SwapdeckError):
    """The result is there, and the person can be told in it or was not replaced everywhere."""


def search_result(
    workspace: Workspace,
    person: Person,
    output: Path,
    replaced: Iterable[int],
    reporter: Reporter,
) -> Anonymity:
    """Look for a person in every frame of a finished result.

    replaced: the indices of the frames in which their face was replaced. Takes about a tenth of a
    second a frame. Raises SwapdeckError where the person has no faces, MediaError, StopRequested.
    """
    gallery = Gallery.of(person)
    others = _others(workspace, person)
    with open_frames(output) as reader:
        progress = Progress(reporter, f"look for {person.name}", reader.info.frames)
        seen = look(
            reader,
            gallery,
            others,
            FaceFinder(),
            Embedder(),
            lambda done: progress.step(),
        )
        progress.end()
    return judge(seen, replaced, gallery, len(others))


def require_unrecognised(output: Path, found: Sequence[tuple[Person, Anonymity]]) -> None:
    """Raise RecognisedError where somebody would be recognised, or was not replaced everywhere."""
    sentences = [text for person, one in found for text in told(one, person.name)]
    if all(one.passed for _, one in found):
        return
    raise RecognisedError(
        f"{output} is written, but do not pass it on as it is. {' '.join(sentences)} Mend those "
        "frames, as with settings by shot, a trained model with more steps, or by cutting them "
        "out, and convert again with --overwrite."
    )


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
