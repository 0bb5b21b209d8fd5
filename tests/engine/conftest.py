"""Jobs at work, and datasets made from numbers, with real crops on the disk."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from engine.faces.align import CROP_MARGIN, CROP_SIZE, apply, chip_matrix, fit_transform
from engine.faces.template import TEMPLATE
from engine.media.pictures import save_png
from projects.faces import Face, FaceIndex
from projects.jobs import create_job
from projects.people import Person
from projects.workspace import Workspace
from tests.engine.running import Running, not_for_ever

SOURCE = "5" * 64
MakeFace = Callable[..., Face]
Store = Callable[..., list[Face]]


def made_face(frame: int, **changes: Any) -> Face:
    """A kept face, 120 pixels wide, of frame `frame`; `changes` replace what it has."""
    chance = np.random.default_rng(frame)
    source = changes.get("source", SOURCE)
    landmarks = (TEMPLATE * 120 + [100, 80]).astype("<f4")
    embedding = (np.ones(128) * 0.05 + chance.normal(0, 0.005, 128)).astype("<f4")
    face = Face(
        id=0,
        source=source,
        frame=frame,
        time=frame / 25,
        box=(100, 80, 220, 200),
        landmarks=landmarks.tobytes(),
        transform=fit_transform(landmarks).astype("<f8").tobytes(),
        yaw=float(chance.uniform(-30, 30)),
        pitch=float(chance.uniform(-15, 15)),
        roll=0.0,
        sharpness=float(chance.uniform(2, 12)),
        size=120.0,
        brightness=float(chance.uniform(0.3, 0.7)),
        mouth=float(chance.uniform(0, 0.4)),
        eyes=0.3,
        confidence=0.95,
        covered=0.0,
        track=0,
        likeness=0.2,
        hash=int(chance.integers(-(2**63), 2**63)),
        embedding=embedding.tobytes(),
        crop=f"{source[:16]}-{frame:07d}-0.png",
        kept=True,
        reason="",
    )
    return replace(face, **changes)


def drawn(face: Face) -> np.ndarray:
    """A crop for a face: its outline and features in colour, so that it can be told from others."""
    picture = np.full((CROP_SIZE, CROP_SIZE, 3), 40, np.uint8)
    transform = np.frombuffer(face.transform, "<f8").reshape(2, 3)
    landmarks = np.frombuffer(face.landmarks, "<f4").reshape(68, 2)
    points = apply(chip_matrix(transform, CROP_SIZE, CROP_MARGIN), landmarks)
    light = 0.5 if math.isnan(face.brightness) else face.brightness
    skin = tuple(int(255 * light * share) for share in (1.0, 0.8, 0.65))
    cv2.fillConvexPoly(picture, cv2.convexHull(np.rint(points).astype(np.int32)), skin)
    for x, y in points:
        cv2.circle(picture, (round(x), round(y)), 2, (20, face.frame % 200, 90), -1)
    return picture


@pytest.fixture(name="made_face")
def made_face_fixture() -> MakeFace:
    return made_face


@pytest.fixture
def store() -> Store:
    """Stores faces with their crops for a person; gives them back with their ids."""

    def stored(person: Person, faces: Sequence[Face], *, crops: bool = True) -> list[Face]:
        found = []
        with FaceIndex(person.index_path) as index:
            for source in sorted({face.source for face in faces}):
                theirs = [face for face in faces if face.source == source]
                if index.progress(source) is None:
                    index.start(source, "{}")
                ids = index.add_frames(source, theirs, max(f.frame for f in theirs) + 1)
                found += [replace(f, id=i) for f, i in zip(theirs, ids, strict=True)]
        for face in found if crops else ():
            save_png(person.faces_dir / face.crop, drawn(face))
        return found

    return stored


@pytest.fixture(scope="session")
def filmed_once(short_clips: dict[str, Path]) -> list[tuple[Face, np.ndarray]]:
    """The faces of the first six frames of rendered footage, and their crops."""
    from engine.datasets.describe import described
    from engine.faces.detect import FaceFinder
    from engine.faces.embed import Embedder
    from engine.media import open_frames
    from projects.files import sha256_file

    digest = sha256_file(short_clips["anna"])
    finder, embedder = FaceFinder(), Embedder()
    made = []
    with open_frames(short_clips["anna"]) as reader:
        for frame, _ in zip(reader, range(6), strict=False):
            (found, *_) = finder.find(frame.image)
            blank = made_face(frame.index, source=digest, box=found.box)
            made.append(described(blank, frame.image, found.landmarks, embedder))
    return made


@pytest.fixture
def filmed(ada: Person, short_clips: dict[str, Path], filmed_once: Any, store: Store) -> list[Face]:
    """Ada with a source of rendered footage, and the faces of its first six frames."""
    from projects.sources import add_source

    add_source(ada, short_clips["anna"], "video", "rendered")
    stored = store(ada, [face for face, _ in filmed_once], crops=False)
    for face, (_, picture) in zip(stored, filmed_once, strict=True):
        save_png(ada.faces_dir / face.crop, picture)
    return stored


@pytest.fixture
def start(workspace: Workspace) -> Iterator[Callable[..., Running]]:
    """Starts a job that does the given work; all that still run are killed at the end."""
    started: list[Running] = []

    def begin(
        work: str, verb: str = "train", after: str = "", arguments: Mapping[str, Any] | None = None
    ) -> Running:
        job = create_job(
            workspace, verb, "ada-as-ben", {"steps": 3, **(arguments or {})}, after=after
        )
        started.append(Running(job, work))
        return started[-1]

    with not_for_ever():
        yield begin
    for running in started:
        running.close()
