"""How fast footage is converted, stage by stage, beside the naive way: `swapdeck bench convert`.

Each stage is timed alone on the same frames: on all cores, in as many threads or processes as a
conversion gives it, and on one core. Then the whole conversion, from opening the footage to the
finished file, with its search, watermark and signature, and nothing in the cache. The naive way
does the same steps one after the other, frame by frame in one process, with dlib's detector,
landmarks and embedding in every frame; it is timed on the first of the frames. The model is of the
real size and has learnt nothing, which costs the same. Compiling it is in none of the figures.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from engine.bench.extraction import shipped_frames, size_of, write_wide
from engine.conversion.cache import WorkspaceCache
from engine.conversion.casting import Role, cast
from engine.conversion.compose import Decoded, compose, measure, needs_own, seen, steady
from engine.conversion.convert import convert
from engine.conversion.locate import LocatedFace, locate
from engine.conversion.parts import Part
from engine.conversion.search import Eyes, search, search_frames
from engine.conversion.segments import LENGTH
from engine.conversion.settings import ConvertSettings
from engine.conversion.swapper import Swapper
from engine.credentials.marking import new_marking
from engine.credentials.watermark import Watermark
from engine.faces.align import crop, fit_transform
from engine.faces.detect import FaceFinder
from engine.faces.embed import Embedder
from engine.media import EncodeSettings, Frame, open_frames
from engine.media.outputs import plan_output
from engine.memory import with_large_pages
from engine.nets.presets import get_preset
from engine.reporting import NullReporter
from engine.training.inference import TrainedSwapper
from engine.training.model import build, fresh_params
from engine.training.settings import settings_for
from projects.consent import Consent
from projects.errors import SwapdeckError
from projects.people import add_person
from projects.swaps import new_swap
from projects.workspace import now, open_workspace

SIZE: Final = (640, 360)
FRAMES: Final = 480
NAIVE_FRAMES: Final = 48
PRESET: Final = "light-64"
_MARK: Final = "0badcafe"
# Not with -m: processes that search import whatever was started so, and JAX with it.
_MAIN: Final = "from engine.bench.conversion import main; main()"


@dataclass(frozen=True)
class Measured:
    """Frames a second. stages: of each stage alone, on all cores. single: the same on one core. A
    conversion's stages share the cores, so it cannot be as fast as one of them with all cores to
    itself. whole: of the conversion. again: of one with another blend, which neither searches nor
    infers. naive: of the naive way. memory: the most that the process ever held, in megabytes, its
    searching processes not counted."""

    frames: int
    stages: dict[str, float]
    single: dict[str, float]
    whole: float
    again: float
    naive: float
    memory: float

    @property
    def slowest(self) -> str:
        return min(self.single, key=lambda name: self.single[name])

    @property
    def share(self) -> float:
        """The conversion's rate as a part of the slowest stage's own, on one core."""
        return self.whole / self.single[self.slowest]

    @property
    def bound(self) -> float:
        """The rate at which all cores would be busy with nothing but the stages, all the time."""
        return 1 / sum(1 / rate for rate in self.stages.values())

    @property
    def times(self) -> float:
        """How many times as fast as the naive way."""
        return self.whole / self.naive


def run(
    files: Sequence[Path] = (),
    frames: int = FRAMES,
    naive_frames: int = NAIVE_FRAMES,
    preset: str = PRESET,
) -> Iterator[tuple[str, Measured]]:
    """Measure on `files`, or on footage made of the shipped clips: what it is, and the figures."""
    with tempfile.TemporaryDirectory(prefix="swapdeck-bench-") as folder:
        if not files:
            path = Path(folder) / "rendered.mp4"
            write_wide(path, islice(shipped_frames(), frames), SIZE)
            files = [path]
        for path in files:
            done = subprocess.run(
                [
                    *(sys.executable, "-c", _MAIN, str(path.absolute())),
                    *(str(frames), str(naive_frames), preset),
                ],
                cwd=Path(__file__).resolve().parents[2],
                env=with_large_pages(os.environ),
                stdout=subprocess.PIPE,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise SwapdeckError(
                    f"Measuring {path.name} ended with exit code {done.returncode}."
                )
            measured = Measured(**json.loads(done.stdout.splitlines()[-1]))
            yield f"{path.name}, {size_of(path)}, {preset}", measured


def measure_conversion(path: Path, frames: int, naive_frames: int, preset: str) -> Measured:
    """Measure up to so many frames of a video, in this process."""
    swapper = _untrained(preset)
    settings = ConvertSettings()
    bench = _Bench(path, frames, swapper, settings)
    stages = bench.stages()
    with _one_core():
        single = bench.stages(alone=True)
    whole, again = bench.convert()
    return Measured(
        frames=len(bench.frames),
        stages=stages,
        single=single,
        whole=whole,
        again=again,
        naive=bench.naive(naive_frames),
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


class _Bench:
    """One video's frames, and where the largest face of each is."""

    def __init__(self, path: Path, most: int, swapper: Swapper, settings: ConvertSettings) -> None:
        self._path, self._swapper, self._settings = path, swapper, settings
        with open_frames(path) as reader:
            self.frames = list(islice(reader, most))
        found = search(path, Eyes.installed(), NullReporter())
        if not found.tracks:
            raise SwapdeckError(f"No face was found in {path}. Measure footage that shows one.")
        longest = max(found.tracks, key=lambda track: len(track.frames))
        self._identity = longest.embeddings.mean(0)
        roles = [Role("bench", "bench", self._identity)]
        located = locate(found, cast(found, roles), roles, settings)
        self._faces = {frame: there[0] for frame, there in located.faces.items()}
        self._mark = Watermark(_MARK)

    def stages(self, *, alone: bool = False) -> dict[str, float]:
        """The rate of each stage. alone: without processes of its own."""
        return {
            "decode": self.decode(),
            "find faces": self.find(alone),
            "infer": self.infer(),
            "compose": self.compose(),
            "encode": self.encode(),
        }

    def decode(self) -> float:
        def read() -> int:
            with open_frames(self._path) as reader:
                return sum(1 for _ in islice(reader, len(self.frames)))

        return _rate(read)

    def find(self, alone: bool) -> float:
        expected = 1 if alone else len(self.frames)

        def work(frames: int = len(self.frames)) -> int:
            with open_frames(self._path) as reader:
                some = islice(reader.raw(), frames)
                return search_frames(some, expected, Eyes.installed(), NullReporter()).frames

        if alone:
            work(1)  # its models are loaded before it is timed
        return _rate(work)

    def infer(self) -> float:
        shown = [frame for frame in self.frames if frame.index in self._faces]
        self._answers(shown[: self._settings.batch])  # compiled before it is timed

        def work() -> int:
            batch = self._settings.batch
            for start in range(0, len(shown), batch):
                self._answers(shown[start : start + batch])
            return len(self.frames)

        return _rate(work)

    def compose(self) -> float:
        shown = [frame for frame in self.frames if frame.index in self._faces]
        some = shown[: self._settings.batch]
        answers = self._answers(some)
        ready = [
            (frame, Decoded(self._faces[frame.index], *answers[n % len(some)]))
            for n, frame in enumerate(shown)
        ]

        def work() -> int:
            with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
                for _ in pool.map(lambda one: self._composed(*one), ready):
                    pass
            return len(self.frames)

        return _rate(work)

    def encode(self) -> float:
        with tempfile.TemporaryDirectory(prefix="swapdeck-bench-") as folder:
            plan = plan_output(self._path, Path(folder) / "out.mp4", self._settings.encode)
            # Marked, as a conversion's are: the mark is a part of what there is to encode.
            marked = [
                replace(frame, image=self._mark.apply(frame.image))
                for frame in self.frames[:LENGTH]
            ]

            def work() -> int:
                encoder = plan.encoder()
                for frame in marked:
                    encoder.add(frame)
                encoder.finish()
                return len(marked)

            return _rate(work)

    def convert(self) -> tuple[float, float]:
        """A whole conversion, and another one with a changed blend."""
        with tempfile.TemporaryDirectory(prefix="swapdeck-bench-") as folder:
            workspace = open_workspace(Path(folder) / "workspace", create=True)
            consent = Consent("synthetic", "a benchmark", "swapdeck bench", now())
            people = (
                add_person(workspace, "one", consent),
                add_person(workspace, "another", consent),
            )
            swap = new_swap(workspace, None, *people, preset=PRESET, seed=0, settings={})
            part = Part(Role("bench", "bench", self._identity), self._swapper, model="bench")
            span = range(len(self.frames))

            def work(output: Path, settings: ConvertSettings) -> int:
                return convert(
                    self._path,
                    output,
                    [part],
                    settings,
                    NullReporter(),
                    workspace=workspace,
                    store=WorkspaceCache(workspace),
                    marking=new_marking(workspace, swap, 0, people, names=False),
                    span=span,
                ).frames

            first = _rate(lambda: work(Path(folder) / "a.mp4", self._settings))
            softer = ConvertSettings(feather=20.0)
            second = _rate(lambda: work(Path(folder) / "b.mp4", softer))
        return first, second

    def naive(self, most: int) -> float:
        finder, embedder = FaceFinder(), Embedder()
        with tempfile.TemporaryDirectory(prefix="swapdeck-bench-") as folder:
            plan = plan_output(self._path, Path(folder) / "out.mp4", EncodeSettings())

            def work() -> int:
                encoder = plan.encoder()
                count = 0
                with open_frames(self._path) as reader:
                    for frame in islice(reader, most):
                        image = frame.image
                        for found in finder.find(image):
                            embedder.embed(image, found.landmarks)
                            transform = fit_transform(found.landmarks)
                            face = LocatedFace(
                                frame.index, 0, found.box, found.landmarks, transform, False
                            )
                            answer = self._answers([frame], face, 1)[0]
                            image = self._composed(frame, Decoded(face, *answer))
                        encoder.add(Frame(frame.index, frame.pts, frame.time, image))
                        count += 1
                encoder.finish()
                return count

            self._answers([self.frames[min(self._faces)]], self._faces[min(self._faces)], 1)
            return _rate(work)

    def _answers(
        self, frames: Sequence[Frame], face: LocatedFace | None = None, batch: int | None = None
    ) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        """Chip, new face, own face and mask of each frame's face."""
        size = self._swapper.size
        faces = [face or self._faces[frame.index] for frame in frames]
        chips = [crop(f.image, p.transform, size) for f, p in zip(frames, faces, strict=True)]
        masks = [seen(place, None, size) for place in faces]
        spare = (batch or self._settings.batch) - len(chips)
        images = np.stack([*chips, *[chips[0]] * spare])
        shapes = np.stack([*masks, *[masks[0]] * spare])
        if needs_own(self._settings):
            rgb, learnt, own = self._swapper.both(images, shapes, "source")
        else:
            rgb, learnt = self._swapper.chips(images, shapes, "source")
            own = rgb
        return [(chip, rgb[n], own[n], learnt[n]) for n, chip in enumerate(chips)]

    def _composed(self, frame: Frame, decoded: Decoded) -> np.ndarray:
        look = steady([measure(frame.image, decoded, self._settings)], 0)
        return self._mark.apply(compose(frame.image, decoded, look, self._settings))


def _untrained(preset: str) -> TrainedSwapper:
    settings = settings_for(preset)
    chosen = get_preset(preset)
    return TrainedSwapper(build(chosen), fresh_params(chosen, 0), settings, 0, False)


@contextmanager
def _one_core() -> Iterator[None]:
    """Keep every thread of this process on one core meanwhile, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    all_ = os.sched_getaffinity(0)
    _pin({min(all_)})
    try:
        yield
    finally:
        _pin(all_)


def _pin(cores: set[int]) -> None:
    for thread in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # it may have ended
            os.sched_setaffinity(int(thread.name), cores)


def _rate(work: Callable[[], int]) -> float:
    began = time.perf_counter()
    done = work()
    return done / (time.perf_counter() - began)


def main() -> None:
    """Measure what the command line says; the figures as JSON."""
    file, frames, naive_frames, preset = sys.argv[1:]
    figures = measure_conversion(Path(file), int(frames), int(naive_frames), preset)
    sys.stdout.write(json.dumps(asdict(figures)))
