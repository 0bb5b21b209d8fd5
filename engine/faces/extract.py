"""From a person's sources to a judged dataset of faces.

The sources are read here, batch by batch, and searched by threads: the detector, the landmarks
and the pictures' encoding all release the GIL. A batch's faces and how far the search has come
are stored in one transaction, in order, so that whatever ends the program costs the batches in
flight at most, and the next run goes on from there.
"""

import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from pathlib import Path

from engine.faces.align import Alignment
from engine.faces.judge import JudgeSettings, judge
from engine.faces.models import load_landmark_model
from engine.faces.scan import Batch, Scanner, ScanSettings, batches, crop_prefix
from engine.media import MediaError, probe
from engine.reporting import Reporter
from projects.errors import CommandError, SwapdeckError
from projects.faces import Face, FaceIndex
from projects.files import write_errors
from projects.people import Person
from projects.sources import Source, list_sources

_CHECK_SECONDS = 0.25
_STAGE = "faces"


class NoFacesError(SwapdeckError):
    """Nothing was found that a dataset could be made of."""


@dataclass(frozen=True)
class ExtractSettings:
    """How faces are searched for and judged."""

    every: int = 1
    """Every n-th frame is looked at."""
    min_size: int = 48
    """Faces less wide than this many frame pixels are rejected."""
    max_faces: int = 8
    """At most so many faces a frame, the largest ones."""
    min_sharpness: float = 0.5
    """Faces below this are rejected; see `sharpness`. A blur of 3 pixels in a crop is at 0.5."""
    alignment: Alignment = Alignment.EYES_BRIDGE
    upsample: int = 0
    """How often frames are doubled before the search, for faces below 80 pixels."""
    landmark_model: Path | None = None
    """A dlib 68-point model to be used instead of the installed one."""
    workers: int = 0
    """Threads that search; 0 is one a processor."""
    again: bool = False
    """Search every source anew from its first frame."""


@dataclass(frozen=True)
class ExtractResult:
    """What a run did, and the dataset as it is now."""

    sources: int
    frames: int
    """Frames that this run looked at."""
    faces: int
    """Faces in the dataset, kept and rejected."""
    kept: int
    reasons: dict[str, int]
    """How many were rejected, by reason."""
    warnings: tuple[str, ...]
    seconds: float

    @property
    def rejected(self) -> int:
        return self.faces - self.kept


def extract_person(person: Person, settings: ExtractSettings, reporter: Reporter) -> ExtractResult:
    """Find, align and judge every face in a person's sources; goes on where it ended before.

    Raises CommandError without any source, NoFacesError when no face was found or none was good
    enough, ModelError, and StopRequested with everything stored so far.
    """
    began = time.monotonic()
    sources = list_sources(person)
    if not sources:
        raise CommandError(
            f"{person.name} has no sources yet. Bring some in with: "
            f"swapdeck gather {person.slug} FILE"
        )
    with write_errors(person.faces_dir):
        person.faces_dir.mkdir(exist_ok=True)
    with FaceIndex(person.index_path) as index:
        run = _Run(person, settings, index, reporter)
        run.search(sources)
        counts = index.counts()
        if not counts.total:
            raise NoFacesError(_no_face(person, sources))
        reporter.event("stage", name="judge", total=None, unit="faces")
        bounds = JudgeSettings(settings.min_size, settings.min_sharpness, settings.every)
        run.warnings += judge(index, bounds)
        counts = index.counts()
    for warning in run.warnings:
        reporter.event("warning", text=warning)
    if not counts.kept:
        listed = ", ".join(f"{number} {reason}" for reason, number in counts.reasons.items())
        raise NoFacesError(
            f"Of {counts.total} faces of {person.name} none was kept: {listed}. Bring in sharper "
            "or larger footage, lower --min-size, or keep faces by hand with: "
            f"swapdeck faces {person.slug}"
        )
    return ExtractResult(
        sources=len(sources),
        frames=run.frames,
        faces=counts.total,
        kept=counts.kept,
        reasons=counts.reasons,
        warnings=tuple(run.warnings),
        seconds=time.monotonic() - began,
    )


class _Run:
    """One search through sources: what is under way, and how far it has come."""

    def __init__(
        self, person: Person, settings: ExtractSettings, index: FaceIndex, reporter: Reporter
    ) -> None:
        self.frames = 0
        self.warnings: list[str] = []
        self._person = person
        self._settings = settings
        self._index = index
        self._reporter = reporter
        self._scan = ScanSettings(
            every=settings.every,
            max_faces=settings.max_faces,
            alignment=settings.alignment,
            upsample=settings.upsample,
            landmark_model=settings.landmark_model,
        )
        self._found = 0
        self._total: int | None = 0
        self._began = time.monotonic()

    def search(self, sources: list[Source]) -> None:
        # Before anything found earlier is forgotten: a model that is no model costs nothing.
        load_landmark_model(self._scan.landmark_model)
        unfinished = self._open(sources)
        if not unfinished:
            return
        self._total = _expected_frames(unfinished, self._settings.every)
        self._reporter.event("stage", name=_STAGE, total=self._total, unit="frames")
        scanner = Scanner(self._scan, self._person.faces_dir)
        workers = self._settings.workers or os.cpu_count() or 1
        waiting: deque[tuple[Batch, Future[list[Face]]]] = deque()
        with ThreadPoolExecutor(workers, thread_name_prefix="faces") as pool:
            try:
                for batch in self._batches(unfinished):
                    while len(waiting) > workers:
                        self._store(*waiting.popleft())
                    waiting.append((batch, pool.submit(scanner.scan, batch)))
                while waiting:
                    self._store(*waiting.popleft())
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _open(self, sources: list[Source]) -> list[tuple[Source, int]]:
        """The sources that are not searched to their end yet, each with its next frame."""
        unfinished = []
        for source in sources:
            progress = self._index.progress(source.digest)
            same = progress is not None and progress.settings == self._scan.text()
            if progress is None or not same or self._settings.again:
                self._index.start(source.digest, self._scan.text())
                for crop in self._person.faces_dir.glob(f"{crop_prefix(source)}*.png"):
                    crop.unlink()
                unfinished.append((source, 0))
            elif not progress.finished:
                unfinished.append((source, progress.next_frame))
            elif progress.warning:
                self.warnings.append(progress.warning)
        return unfinished

    def _batches(self, unfinished: list[tuple[Source, int]]) -> Iterator[Batch]:
        for source, start in unfinished:
            try:
                yield from batches(source, start, self._settings.every)
            except MediaError as error:
                # The others are still worth searching; this one stays unfinished.
                self.warnings.append(f"{source.name} was left out. {error}")

    def _store(self, batch: Batch, future: Future[list[Face]]) -> None:
        self._reporter.check()
        while True:
            try:
                faces = future.result(_CHECK_SECONDS)
                break
            except FutureTimeout:
                self._reporter.check()
        self._index.add_frames(batch.source.digest, faces, batch.next_frame)
        if batch.last:
            self._index.finish(batch.source.digest, batch.warning)
        if batch.warning:
            self.warnings.append(batch.warning)
        self.frames += len(batch.frames)
        self._found += len(faces)
        self._progress(batch)

    def _progress(self, batch: Batch) -> None:
        rate = self.frames / max(time.monotonic() - self._began, 1e-6)
        left = max(self._total - self.frames, 0) if self._total is not None else None
        self._reporter.event(
            "progress",
            stage=_STAGE,
            done=self.frames,
            total=self._total,
            rate=rate,
            eta=left / rate if left is not None and rate else None,
            text=f"{self._found} faces in {self.frames} frames, now {batch.source.name}",
        )


def _expected_frames(unfinished: list[tuple[Source, int]], every: int) -> int | None:
    """How many frames are left to look at, None when a source does not say."""
    expected = 0
    for source, start in unfinished:
        if source.kind == "image":
            expected += 1
            continue
        try:
            declared = probe(source.path).frames
        except MediaError:
            continue
        if declared is None:
            return None
        expected += max(-(-declared // every) - -(-start // every), 0)
    return expected


def _no_face(person: Person, sources: list[Source]) -> str:
    names = ", ".join(source.name for source in sources[:3])
    more = f" and {len(sources) - 3} more" if len(sources) > 3 else ""
    return (
        f"No face was found in any frame of {person.name}'s sources: {names}{more}. "
        "Bring in footage in which the face is turned towards the camera and at least 80 pixels "
        f"wide: swapdeck gather {person.slug} FILE"
    )
