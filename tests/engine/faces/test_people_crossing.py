"""A made clip with cuts, two people who cross, and one who leaves and comes back: nobody is taken
for the other, in any frame."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.avatars.demo import demo_clips
from engine.faces.extract import ExtractSettings, extract_person
from engine.media import open_frames
from engine.reporting import CollectingReporter, NullReporter
from projects.consent import Consent
from projects.faces import Face, FaceIndex
from projects.people import Person, add_person, load_person
from projects.sources import add_source
from projects.workspace import open_workspace

Image = NDArray[np.uint8]
WIDTH, HEIGHT = 960, 360
HEAD = (480, 360)  # width and height of the shipped clips; the head is in their middle


@dataclass(frozen=True)
class Place:
    """Where the middle of a person's picture is in a frame; `front` is drawn last."""

    person: str
    x: float
    frame: int  # of the person's own clip
    front: bool = False


def scene() -> Iterator[list[Place]]:
    """Shot 1: bruno walks before anna and on. 2: anna alone, who leaves and comes back. 3: bruno
    where anna was. 4: both, with changed places."""
    for t in range(72):
        share = t / 71
        yield [
            Place("anna", 250 + 420 * share, t),
            Place("bruno", 720 - 480 * share, t, front=True),
        ]
    for t in range(90):
        away = max(0.0, float(np.sin(np.pi * (t - 20) / 50))) if 20 <= t < 70 else 0.0
        yield [Place("anna", 640 + 500 * away, 72 + t)]
    for t in range(24):
        yield [Place("bruno", 640, 72 + t)]
    for t in range(36):
        yield [Place("bruno", 260, 110 + t), Place("anna", 690, 180 + t)]


def drawn(places: list[Place], footage: dict[str, list[Image]]) -> Image:
    """uint8 [HEIGHT, WIDTH, 3]: each head, cut out with a soft edge, before a patterned wall."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    wall = (96 + 14 * np.sin(x / 13) * np.cos(y / 17))[..., None].repeat(3, -1).astype(np.float32)
    oval = np.zeros((HEAD[1], HEAD[0]), np.float32)
    cv2.ellipse(oval, (240, 178), (112, 150), 0, 0, 360, 1.0, -1)
    oval = cv2.GaussianBlur(oval, (0, 0), 5)
    for place in sorted(places, key=lambda place: place.front):
        shift = np.array([[1, 0, place.x - HEAD[0] / 2], [0, 1, 0]], np.float64)
        head = cv2.warpAffine(footage[place.person][place.frame], shift, (WIDTH, HEIGHT))
        mask = cv2.warpAffine(oval, shift, (WIDTH, HEIGHT))[..., None]
        wall = wall * (1 - mask) + head * mask
    return wall.round().astype(np.uint8)


@pytest.fixture(scope="module")
def footage() -> dict[str, list[Image]]:
    clips = demo_clips()
    found = {}
    for name, path in (("anna", clips.source_training), ("bruno", clips.target_training)):
        with open_frames(path) as reader:
            found[name] = [frame.image for frame in reader]
    return found


@pytest.fixture(scope="module")
def searched(
    write_clip: Callable[..., Path],
    footage: dict[str, list[Image]],
    consent: Consent,
    tmp_path_factory: pytest.TempPathFactory,
) -> Person:
    """Ada with the faces of the film; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("crossing")
    film = write_clip(folder / "film.mp4", [drawn(places, footage) for places in scene()])
    ada = add_person(open_workspace(folder / "workspace", create=True), "Ada", consent)
    add_source(ada, film, "video", str(film))
    extract_person(ada, ExtractSettings(), NullReporter())
    return ada


def shown(face: Face, places: list[Place]) -> str:
    """Whose picture a face's middle lies in; where two lie there, the one in front."""
    middle = (face.box[0] + face.box[2]) / 2
    there = [place for place in places if abs(place.x - middle) < 90]
    return max(there, key=lambda place: (place.front, -abs(place.x - middle))).person


def stored(person: Person) -> list[Face]:
    with FaceIndex(person.index_path) as index:
        return index.faces()


def test_no_face_is_given_to_the_other_person(searched: Person) -> None:
    truth = list(scene())
    verdicts = {
        (face.frame, shown(face, truth[face.frame])): face.reason
        for face in stored(searched)
        if face.reason != "false face"
    }
    assert {reason for (_, who), reason in verdicts.items() if who == "anna"} <= {"", "covered"}
    assert {reason for (_, who), reason in verdicts.items() if who == "bruno"} == {"stranger"}
    seen = {who: [t for t, name in verdicts if name == who] for who in ("anna", "bruno")}
    assert len(seen["bruno"]) > 0.95 * (72 + 24 + 36)
    whole = [
        t
        for t, places in enumerate(truth)
        for one in places
        if one.person == "anna"
        and 110 < one.x < WIDTH - 110
        and all(abs(one.x - other.x) > 190 for other in places if other.front)
    ]
    assert len(set(whole) & set(seen["anna"])) > 0.95 * len(whole)


def test_a_track_shows_one_person(searched: Person) -> None:
    truth = list(scene())
    tracks: dict[int, list[Face]] = {}
    for face in stored(searched):
        tracks.setdefault(face.track, []).append(face)
    for faces in tracks.values():
        assert len({shown(face, truth[face.frame]) for face in faces}) == 1
        frames = [face.frame for face in faces]
        assert len(frames) == len(set(frames)), "a head is once in a frame"


def test_a_reference_picture_says_who_is_meant(
    searched: Person, footage: dict[str, list[Image]], tmp_path: Path
) -> None:
    ada = load_person(shutil.copytree(searched.root, tmp_path / "ada"))
    picture = tmp_path / "bruno.png"
    cv2.imwrite(str(picture), footage["bruno"][200][..., ::-1])
    extract_person(ada, ExtractSettings(like=(picture,)), NullReporter())
    truth = list(scene())
    kept = [face for face in stored(ada) if face.kept]
    assert kept and {shown(face, truth[face.frame]) for face in kept} == {"bruno"}

    reporter = CollectingReporter()
    result = extract_person(ada, ExtractSettings(), reporter)
    assert (result.frames, result.kept) == (0, len(kept)), "the picture is remembered"
    extract_person(ada, ExtractSettings(forget=True), NullReporter())
    assert {shown(f, truth[f.frame]) for f in stored(ada) if f.kept} == {"anna"}
