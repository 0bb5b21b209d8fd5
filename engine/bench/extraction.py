"""How fast faces are found, beside the naive way: `swapdeck bench extract [FILE…]`.

The naive way is dlib's HOG detector, its 68 landmarks and its embedding on every frame, one frame
after the other, written by nobody. Ours is the whole `extract`: decoding, searching, following,
landmarks, embedding, crops, index and judgement. Models are loaded before either is timed.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from engine.avatars.demo import demo_clips
from engine.faces.detect import FaceFinder
from engine.faces.detectors import Box, overlap
from engine.faces.embed import Embedder
from engine.faces.extract import ExtractSettings, extract_person
from engine.media import Frame, open_frames, probe
from engine.reporting import NullReporter
from projects.consent import Consent
from projects.faces import FaceIndex
from projects.people import add_person
from projects.sources import add_source
from projects.workspace import now, open_workspace

SIZES: Final = ((640, 360), (1920, 1080))
"""Width and height of the footage that is made of the shipped clips."""
FRAMES: Final = 400
_SAME: Final = 0.4


@dataclass(frozen=True)
class Measured:
    """Frames a second of each way on one clip, and how many faces each found."""

    name: str
    frames: int
    decoding: float
    naive: float
    ours: float
    naive_faces: int
    both: int
    """Faces of the naive way that ours found in the same frame and place."""
    our_faces: int

    @property
    def times(self) -> float:
        """How many times as fast ours is."""
        return self.ours / self.naive

    @property
    def found(self) -> float:
        """The share of the naive way's faces that ours found, 0 to 1."""
        return self.both / self.naive_faces if self.naive_faces else 1.0


def run(files: Sequence[Path] = (), frames: int = FRAMES) -> Iterator[Measured]:
    """Measure on `files`, or on footage made of the shipped clips, up to so many frames of each."""
    with tempfile.TemporaryDirectory(prefix="swapdeck-bench-") as folder:
        for number, file in enumerate(files or [None] * len(SIZES)):
            path = Path(folder) / f"{number}.mp4"
            if file is None:
                _write(path, islice(_shipped(), frames), SIZES[number])
                yield _measure(f"rendered, {_size(path)}", path, frames)
            else:
                yield _measure(f"{file.name}, {_size(file)}", file, frames)


def _measure(name: str, path: Path, frames: int) -> Measured:
    naive = _Naive()
    began = time.perf_counter()
    decoded = sum(1 for _ in _frames(path, frames))
    decoding = decoded / (time.perf_counter() - began)
    began = time.perf_counter()
    expected = {frame.index: naive.boxes(frame) for frame in _frames(path, frames)}
    by_naive = decoded / (time.perf_counter() - began)
    found, seconds = _ours(path, frames)
    both = sum(
        sum(any(overlap(box, other) > _SAME for other in found.get(index, ())) for box in boxes)
        for index, boxes in expected.items()
    )
    return Measured(
        name=name,
        frames=decoded,
        decoding=decoding,
        naive=by_naive,
        ours=decoded / seconds,
        naive_faces=sum(map(len, expected.values())),
        both=both,
        our_faces=sum(map(len, found.values())),
    )


class _Naive:
    def __init__(self) -> None:
        self._finder, self._embedder = FaceFinder(), Embedder()

    def boxes(self, frame: Frame) -> list[Box]:
        found = self._finder.search(frame.image)
        for one in found:
            self._embedder.embed(frame.image, one.landmarks)
        return [one.box for one in found]


def _ours(path: Path, frames: int) -> tuple[dict[int, list[Box]], float]:
    """The boxes by frame, and the seconds of the whole extraction."""
    with tempfile.TemporaryDirectory(prefix="swapdeck-bench-") as folder:
        workspace = open_workspace(Path(folder) / "workspace", create=True)
        consent = Consent("synthetic", "a benchmark", "swapdeck bench", now())
        person = add_person(workspace, "bench", consent)
        add_source(person, path, "video", str(path))
        rate = probe(path).rate
        end = (frames - 0.5) / float(rate) if rate else None
        began = time.perf_counter()
        extract_person(person, ExtractSettings(end=end), NullReporter())
        seconds = time.perf_counter() - began
        boxes: dict[int, list[Box]] = {}
        with FaceIndex(person.index_path, readonly=True) as index:
            for face in index.rows():
                boxes.setdefault(face.frame, []).append(face.box)
    return boxes, seconds


def _frames(path: Path, frames: int) -> Iterator[Frame]:
    with open_frames(path) as reader:
        yield from islice(reader, frames)


def _shipped() -> Iterator[NDArray[np.uint8]]:
    clips = demo_clips()
    for path in (clips.source_training, clips.target_training):
        with open_frames(path) as reader:
            for frame in reader:
                yield frame.image


def _write(path: Path, images: Iterator[NDArray[np.uint8]], size: tuple[int, int]) -> None:
    """The frames as tall as the footage, in its middle, with their edges drawn out to its sides."""
    width, height = size
    with av.open(str(path), "w") as container:
        options = {"crf": "18", "preset": "veryfast"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for image in images:
            across = round(image.shape[1] * height / image.shape[0])
            tall = cv2.resize(image, (across, height), interpolation=cv2.INTER_CUBIC)
            left = (width - across) // 2
            right = width - across - left
            wide = cv2.copyMakeBorder(tall, 0, 0, left, right, cv2.BORDER_REPLICATE)
            frame = av.VideoFrame.from_ndarray(np.asarray(wide, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _size(path: Path) -> str:
    info = probe(path)
    return f"{info.width}x{info.height}"
