"""Faces that an extraction found already in the very footage that is converted."""

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from engine.conversion.tracks import Seen, Track
from engine.faces.dataset import embedding_of, landmarks_of
from engine.faces.extract import ExtractSettings
from engine.faces.scan import ScanSettings
from engine.faces.segments import Choice
from projects.errors import SwapdeckError
from projects.face_query import of_source
from projects.faces import Face, FaceIndex, ScanProgress
from projects.people import Person, list_people
from projects.workspace import Workspace


def extracted(
    workspace: Workspace, digest: str, landmark_model: Path | None, upsample: int
) -> Seen | None:
    """Everybody in a source that was searched wholly, frame by frame, as a conversion would.

    digest: the SHA-256 of the source. None where nobody's faces were extracted from it so.
    """
    for person in list_people(workspace, []):
        try:
            found = _of_person(person, digest, landmark_model, upsample)
        except SwapdeckError:
            continue  # a damaged index is extraction's to tell of; the footage is here
        if found is not None:
            return found
    return None


def _of_person(
    person: Person, digest: str, landmark_model: Path | None, upsample: int
) -> Seen | None:
    with FaceIndex(person.index_path, readonly=True) as index:
        progress = index.progress(digest)
        if progress is None or not _serves(progress, landmark_model, upsample):
            return None
        faces = list(index.each(of_source(digest)))
    if any(face.track < 0 for face in faces):
        return None  # imported ones may be among them, or faces of an older version
    faces.sort(key=lambda face: (face.track, face.frame))
    tracks = [list(group) for _, group in groupby(faces, key=lambda face: face.track)]
    tracks.sort(key=lambda track: track[0].frame)
    return Seen(
        progress.next_frame,
        tuple(_track(number, track) for number, track in enumerate(tracks)),
        shortfall=progress.warning,
    )


def _serves(progress: ScanProgress, landmark_model: Path | None, upsample: int) -> bool:
    """Whether a conversion would have searched so: every frame, and for every face."""
    if not progress.finished:
        return False
    usual = ExtractSettings()
    wanted = json.loads(
        ScanSettings(
            choice=Choice(),
            max_faces=usual.max_faces,
            alignment=usual.alignment,
            upsample=upsample,
            landmark_model=landmark_model,
            detector=usual.detector,
            rotate=0,
        ).text()
    )
    try:
        found = dict(json.loads(progress.settings))
    except (ValueError, TypeError):
        return False
    # A transform is fitted anew, so how crops were aligned does not matter.
    return {**found, "alignment": ""} == {**wanted, "alignment": ""}


def _track(number: int, faces: Sequence[Face]) -> Track:
    looks: dict[bytes, Face] = {}
    for face in faces:
        looks.setdefault(face.embedding, face)
    seen = list(looks.values())
    return Track(
        number,
        np.array([face.frame for face in faces], np.int64),
        np.stack([landmarks_of(face) for face in faces]),
        np.array([np.nan_to_num(face.confidence) for face in faces], np.float32),
        np.array([face.frame for face in seen], np.int64),
        np.stack([embedding_of(face) for face in seen]),
    )
