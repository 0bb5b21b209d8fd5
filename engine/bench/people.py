"""Synthetic people of a bench's own workspace, with their faces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.faces.align import Alignment
from engine.faces.extract import ExtractSettings, extract_person
from engine.gather.run import gather_paths
from engine.reporting import NullReporter
from projects.consent import Consent
from projects.faces import FaceIndex
from projects.people import Person, add_person, list_people
from projects.workspace import Workspace, now


def filmed(
    workspace: Workspace,
    name: str,
    clip: Path,
    say: Callable[[str], None],
    alignment: Alignment = Alignment.EYES_BRIDGE,
) -> Person:
    """A person whose faces are those of a clip; found once. Raises SwapdeckError."""
    known = {person.name: person for person in list_people(workspace)}
    consent = Consent("synthetic", "any use: nobody has this face", "swapdeck bench", now())
    person = known.get(name) or add_person(workspace, name, consent)
    if not _has_faces(person):
        say(f"finding the faces of {name}")
        gather_paths(person, [clip], NullReporter())
        extract_person(person, ExtractSettings(alignment=alignment), NullReporter())
    return person


def _has_faces(person: Person) -> bool:
    if not person.index_path.exists():
        return False
    with FaceIndex(person.index_path, readonly=True) as index:
        return index.counts().kept > 0
