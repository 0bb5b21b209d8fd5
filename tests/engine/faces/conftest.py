"""Stored faces made from numbers, for tests of what is done with them."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.avatars.demo import demo_clips
from engine.faces.align import fit_transform
from engine.faces.template import TEMPLATE
from engine.media import open_frames
from projects.faces import Face
from tests.conftest import REPEATABLE

SOURCE = "5" * 64

MakeFace = Callable[..., Face]
AtDistance = Callable[[float], NDArray[np.float32]]


@pytest.fixture
def made_face() -> MakeFace:
    """A face that is not judged: frame, embedding, left, width, sharpness, source."""
    return _made_face


@pytest.fixture
def at_distance() -> AtDistance:
    """An embedding at a distance from the one of all zeros."""
    return _at_distance


def _made_face(
    frame: int,
    *,
    embedding: NDArray[np.float32],
    left: int = 100,
    width: int = 120,
    sharpness: float = 5.0,
    source: str = SOURCE,
    number: int = 0,
) -> Face:
    """A face that is not judged, its box `width` pixels wide and `left` pixels from the left."""
    landmarks = (TEMPLATE * width + [left, 80]).astype("<f4")
    return Face(
        id=0,
        source=source,
        frame=frame,
        time=frame / 25,
        box=(left, 80, left + width, 80 + width),
        landmarks=landmarks.tobytes(),
        transform=fit_transform(landmarks).astype("<f8").tobytes(),
        yaw=0.0,
        pitch=0.0,
        roll=0.0,
        sharpness=sharpness,
        embedding=embedding.astype("<f4").tobytes(),
        crop=f"{source[:16]}-{frame:07d}-{number}.png",
        kept=False,
        reason="not judged yet",
    )


def _at_distance(distance: float) -> NDArray[np.float32]:
    """An embedding at `distance` from the one of all zeros."""
    embedding = np.zeros(128, np.float32)
    embedding[0] = distance
    return embedding


@pytest.fixture(scope="session")
def frames() -> dict[str, list[NDArray[np.uint8]]]:
    """The first 40 frames of the two rendered people, uint8 [H, W, 3] RGB."""
    clips = demo_clips()
    found = {}
    for name, path in (("source", clips.source_training), ("target", clips.target_training)):
        with open_frames(path) as reader:
            found[name] = [frame.image for frame in islice(reader, 40)]
    return found


@pytest.fixture(scope="session")
def long_frames() -> list[NDArray[np.uint8]]:
    """The first 110 frames of a rendered person: more than two stretches of a search."""
    with open_frames(demo_clips().source_training) as reader:
        return [frame.image for frame in islice(reader, 110)]


@pytest.fixture
def clip(tmp_path: Path) -> Callable[..., Path]:
    """A video of given frames; `cut` keeps only that part of the file, with its header."""

    def write(name: str, images: Sequence[NDArray[np.uint8]], *, cut: float = 1.0) -> Path:
        path = _write_clip(tmp_path / name, images)
        data = path.read_bytes()
        path.write_bytes(data[: round(len(data) * cut)])
        return path

    return write


@pytest.fixture(scope="session")
def write_clip() -> Callable[[Path, Sequence[NDArray[np.uint8]]], Path]:
    """Writes frames as a video; for what several tests look at."""
    return _write_clip


def _write_clip(path: Path, images: Sequence[NDArray[np.uint8]]) -> Path:
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        options = {"crf": "12", **REPEATABLE}
        stream = container.add_stream("libx264", rate=Fraction(25), options=options)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path
