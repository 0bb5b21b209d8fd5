"""What is found on real footage, where there is some: SWAPDECK_FOOTAGE names its folder.

Real people's pictures stay out of the repository, so these tests are skipped without them.
"""

import os
from pathlib import Path

import pytest

from engine.faces.extract import ExtractSettings, NoFacesError, extract_person
from engine.reporting import NullReporter
from projects.faces import Face, FaceIndex
from projects.people import Person
from projects.sources import add_source

FOOTAGE = Path(os.environ.get("SWAPDECK_FOOTAGE", "../shared/footage"))
pytestmark = pytest.mark.skipif(not FOOTAGE.is_dir(), reason="no real footage here")


def found(person: Person, name: str) -> list[Face]:
    path = FOOTAGE / name
    add_source(person, path, "image" if path.suffix == ".jpg" else "video", str(path))
    extract_person(person, ExtractSettings(), NullReporter())
    with FaceIndex(person.index_path) as index:
        return index.faces()


def test_hands_over_the_face_are_kept_out_profiles_and_closed_eyes_kept(ada: Person) -> None:
    faces = found(ada, "woman.mp4")
    assert [face.frame for face in faces] == list(range(472)), "in every frame, once"
    assert {face.track for face in faces} == {0}
    covered = {face.frame for face in faces if face.reason == "covered"}
    fist_at_the_chin = {56, 57, 58, 228, 229, 230}  # either will do
    assert covered ^ set(range(58, 228)) <= fist_at_the_chin
    assert {face.reason for face in faces} == {"", "covered"}


def test_a_frontal_speaker_is_kept_in_every_frame(ada: Person) -> None:
    assert [face.kept for face in found(ada, "man.mp4")] == [True] * 72


def test_all_five_in_a_picture_are_found_sunglasses_included(ada: Person) -> None:
    faces = found(ada, "several.jpg")
    assert len(faces) == 5
    assert all(face.confidence > 0.1 for face in faces)


def test_no_face_is_found_where_none_is(ada: Person) -> None:
    with pytest.raises(NoFacesError, match="No face was found"):
        found(ada, "no_face.mp4")
