"""How fast faces are found, beside the naive way: `swapdeck bench extract [FILE…]`.

The naive way is dlib's HOG detector, its 68 landmarks and its embedding on every frame, one frame
after the other in one process. It is timed, and its faces are counted, on every EVERY-th frame.
Ours is the whole `extract`: decoding, searching, following, landmarks, embedding, crops, index and
judgement. Both have their models loaded already, and run as a job's worker does.

python -m engine.bench.extraction FILE FRAMES
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
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
from engine.media import Frame, RawFrame, open_frames, probe
from engine.memory import with_large_pages
from engine.reporting import NullReporter
from projects.consent import Consent
from projects.errors import SwapdeckError
from projects.faces import FaceIndex
from projects.people import add_person
from projects.sources import add_source
from projects.workspace import now, open_workspace

SIZES: Final = ((640, 360), (1920, 1080))
"""Width and height of the footage that is made of the shipped clips."""
FRAMES: Final = 1200
EVERY: Final = 6
_WARM: Final = 130
_SAME: Final = 0.4


@dataclass(frozen=True)
class Measured:
    """Frames a second of each way on one clip. naive_faces: in the frames that the naive way saw.
    both: how many of them ours found in the same frame and place."""

    frames: int
    decoding: float
    naive: float
    ours: float
    naive_faces: int
    both: int
    our_faces: int

    @property
    def times(self) -> float:
        """How many times as fast ours is."""
        return self.ours / self.naive

    @property
    def found(self) -> float:
        """The share of the naive way's faces that ours found, 0 to 1."""
        return self.both / self.naive_faces if self.naive_faces else 1.0


def run(files: Sequence[Path] = (), frames: int = FRAMES) -> Iterator[tuple[str, Measured]]:
    """Measure on `files`, or on footage made of the shipped clips, up to so many frames of each:
    what it is, and the figures."""
    for file in files:
        yield f"{file.name}, {size_of(file)}", _in_a_process(file, frames)
    with tempfile.TemporaryDirectory(prefix="swapdeck-bench-") as folder:
        for size in () if files else SIZES:
            path = Path(folder) / f"{size[1]}.mp4"
            write_wide(path, islice(shipped_frames(), frames), size)
            yield f"rendered, {size_of(path)}", _in_a_process(path, frames)


def measure(path: Path, frames: int) -> Measured:
    """Measure up to so many frames of a video, in this process."""
    naive = _Naive()
    _ours(path, _WARM)
    counted = sum(1 for _ in _raw_frames(path, frames))
    decoding = _rate(_raw_frames(path, frames))
    in_rgb = _rate(_frames(path, frames))
    expected = {f.index: naive.boxes(f) for f in _frames(path, frames) if f.index % EVERY == 0}
    by_naive = 1 / (naive.seconds / len(expected) + 1 / in_rgb)
    found, seconds = _ours(path, frames)
    both = sum(
        sum(any(overlap(box, other) > _SAME for other in found.get(index, ())) for box in boxes)
        for index, boxes in expected.items()
    )
    return Measured(
        frames=counted,
        decoding=decoding,
        naive=by_naive,
        ours=counted / seconds,
        naive_faces=sum(map(len, expected.values())),
        both=both,
        our_faces=sum(map(len, found.values())),
    )


def _in_a_process(path: Path, frames: int) -> Measured:
    done = subprocess.run(
        [sys.executable, "-m", "engine.bench.extraction", str(path.absolute()), str(frames)],
        cwd=Path(__file__).resolve().parents[2],  # where this very package is found
        env=with_large_pages(os.environ),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SwapdeckError(f"Measuring {path.name} ended with exit code {done.returncode}.")
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


class _Naive:
    def __init__(self) -> None:
        self.seconds = 0.0
        self._finder, self._embedder = FaceFinder(), Embedder()

    def boxes(self, frame: Frame) -> list[Box]:
        began = time.perf_counter()
        found = self._finder.search(frame.image)
        for one in found:
            self._embedder.embed(frame.image, one.landmarks)
        self.seconds += time.perf_counter() - began
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


def _rate(frames: Iterator[Frame | RawFrame]) -> float:
    began = time.perf_counter()
    return sum(1 for _ in frames) / (time.perf_counter() - began)


def _raw_frames(path: Path, frames: int) -> Iterator[RawFrame]:
    with open_frames(path) as reader:
        yield from islice(reader.raw(), frames)


def _frames(path: Path, frames: int) -> Iterator[Frame]:
    with open_frames(path) as reader:
        yield from islice(reader, frames)


def shipped_frames() -> Iterator[NDArray[np.uint8]]:
    """The frames of both clips, again and again; each time is a cut."""
    clips = demo_clips()
    for path in cycle((clips.source_training, clips.target_training)):
        with open_frames(path) as reader:
            for frame in reader:
                yield frame.image


def write_wide(path: Path, images: Iterator[NDArray[np.uint8]], size: tuple[int, int]) -> None:
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


def size_of(path: Path) -> str:
    info = probe(path)
    return f"{info.width}x{info.height}"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(measure(Path(sys.argv[1]), int(sys.argv[2])))))
