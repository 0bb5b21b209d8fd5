"""From a person's sources to a judged dataset of faces.

The sources are decoded here, stretch by stretch, and searched by processes of their own. A
stretch's faces and how far the search has come are stored in one transaction, in order, so that
whatever ends the program costs the stretches in flight at most; the next run goes on from there.
"""

import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.faces.align import Alignment
from engine.faces.cover import measure_cover
from engine.faces.decisions import put_aside, put_back
from engine.faces.details import remove_details_of
from engine.faces.identity import REFERENCES, References
from engine.faces.judge import JudgeSettings, judge, remember_bounds
from engine.faces.models import embedding_model_path, landmark_model_path
from engine.faces.references import read_references
from engine.faces.scan import Numbering, Scanned, ScanSettings, crop_prefix, scan
from engine.faces.searchers import Searchers, searchers
from engine.faces.segments import Choice, Segment, first_needed, segments
from engine.faces.sight import Sighter
from engine.media import MediaError, open_frames, probe
from engine.media.ahead import ahead
from engine.reporting import Reporter
from projects.errors import CommandError, SwapdeckError
from projects.faces import FaceIndex
from projects.files import write_errors
from projects.people import Person
from projects.sources import Source, list_sources

_CHECK_SECONDS = 0.25
_STAGE = "faces"
_WORTH_PROCESSES = 120
"""Frames from which on it is worth a second to start processes."""
_PICTURE = 30
"""Frames of a video that take as long as one picture, which is searched more thoroughly."""


class SearchEndedError(SwapdeckError):
    """A process that searched ended without a word."""


class NoFacesError(SwapdeckError):
    """Nothing was found that a dataset could be made of."""


@dataclass(frozen=True)
class ExtractSettings:
    """How faces are searched for and judged."""

    every: int = 1
    """Every n-th frame is looked at."""
    begin: float | None = None
    end: float | None = None
    """Seconds of each video between which frames are looked at; None for its own ends."""
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
    detector: str = "hog"
    """hog, mmod or yunet:FILE; see `engine.faces.detectors`."""
    rotate: int = 0
    """Degrees by which frames are turned clockwise to be upright: 0, 90, 180 or 270."""
    like: tuple[Path, ...] = ()
    not_like: tuple[Path, ...] = ()
    """Pictures of the person, and of others; remembered until others are given."""
    forget: bool = False
    """Forget the pictures that were given before."""
    workers: int = 0
    """Processes that search; 0 is one a processor, and none for little footage."""
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

    Raises CommandError without any source or for a reference picture without a face, NoFacesError
    when no face was found or none was good enough, ModelError, and StopRequested with everything
    stored so far.
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
        _remember_references(index, settings)
        run = _Run(person, settings, index, reporter)
        run.search(sources)
        counts = index.counts()
        if not counts.total:
            raise NoFacesError(_no_face(person, sources))
        reporter.event("stage", name="judge", total=None, unit="faces")
        bounds = JudgeSettings(settings.min_size, settings.min_sharpness, settings.every)
        remember_bounds(index, bounds)
        warnings = judge(index, bounds)
        if measure_cover(person, index, reporter):
            warnings = judge(index, bounds)
        run.warnings += warnings
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


def _remember_references(index: FaceIndex, settings: ExtractSettings) -> None:
    """Keep the pictures that were given; those of a kind that was not given stay as they were."""
    if not (settings.like or settings.not_like or settings.forget):
        return
    known = References() if settings.forget else References.read(index.meta(REFERENCES))
    given = read_references(settings.like, settings.not_like, settings.landmark_model)
    kept = References(
        given.like if settings.like else known.like,
        given.not_like if settings.not_like else known.not_like,
    )
    index.set_meta(REFERENCES, kept.text())


@dataclass(frozen=True)
class _Work:
    """A stretch that is being searched, without its frames. before: the index of the last frame
    before it. warning: with a source's last: what was wrong with it."""

    source: Source
    frames: int
    before: int | None
    next_frame: int
    last: bool
    warning: str
    scanned: Future[Scanned]

    @classmethod
    def of(
        cls, source: Source, segment: Segment, warning: str, scanned: Future[Scanned]
    ) -> "_Work":
        start = segment.core.start
        before = segment.frames[start - 1].index if start else None
        frames = len(segment.core)
        return cls(source, frames, before, segment.next_frame, segment.last, warning, scanned)


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
        self._choice = Choice(settings.every, settings.begin, settings.end)
        self._scan = ScanSettings(
            choice=self._choice,
            max_faces=settings.max_faces,
            alignment=settings.alignment,
            upsample=settings.upsample,
            landmark_model=settings.landmark_model,
            detector=settings.detector,
            rotate=settings.rotate,
        )
        self._numbering: dict[str, Numbering] = {}
        self._found = 0
        self._total: int | None = 0
        self._began = time.monotonic()

    def search(self, sources: list[Source]) -> None:
        _check_models(self._scan)
        unfinished = self._open(sources)
        if not unfinished:
            return
        self._total = _expected_frames(unfinished, self._choice)
        self._reporter.event("stage", name=_STAGE, total=self._total, unit="frames")
        try:
            with searchers(self._workers(unfinished)) as pool:
                self._search(unfinished, pool)
        except BrokenProcessPool as error:
            self._reporter.check()  # who ends a whole job ends these processes with it
            raise SearchEndedError(
                "A process that searched for faces was killed, or ran out of memory. Run the same "
                "command again: it goes on from there. With --workers 1 it needs the least memory."
            ) from error

    def _search(self, unfinished: list[tuple[Source, int]], pool: Searchers) -> None:
        waiting: deque[_Work] = deque()
        for source, segment, warning in self._segments(unfinished):
            while len(waiting) > pool.number:
                self._store(waiting.popleft())
            work = partial(scan, self._scan, self._person.faces_dir, source)
            scanned = pool.submit(work, segment)
            waiting.append(_Work.of(source, segment, warning, scanned))
        while waiting:
            self._store(waiting.popleft())

    def _workers(self, unfinished: list[tuple[Source, int]]) -> int:
        pictures = sum(source.kind == "image" for source, _ in unfinished)
        if self._total is not None and self._total + _PICTURE * pictures < _WORTH_PROCESSES:
            return 1
        return self._settings.workers or os.cpu_count() or 1

    def _open(self, sources: list[Source]) -> list[tuple[Source, int]]:
        """The sources that are not searched to their end yet, each with its next frame."""
        unfinished = []
        for source in sources:
            progress = self._index.progress(source.digest)
            same = progress is not None and progress.settings == self._scan.text()
            if progress is None or not same or self._settings.again:
                put_aside(self._index, source.digest)
                self._index.start(source.digest, self._scan.text())
                for crop in self._person.faces_dir.glob(f"{crop_prefix(source)}*.png"):
                    crop.unlink()
                remove_details_of(self._person.root, crop_prefix(source))
                unfinished.append((source, 0))
            elif not progress.finished:
                unfinished.append((source, progress.next_frame))
            else:
                put_back(self._index, source.digest)  # a run may have ended just before that
                if progress.warning:
                    self.warnings.append(progress.warning)
        return unfinished

    def _segments(
        self, unfinished: list[tuple[Source, int]]
    ) -> Iterator[tuple[Source, Segment, str]]:
        for source, start in unfinished:
            try:
                with open_frames(source.path, first_needed(start, self._choice.every)) as reader:
                    read = ahead(segments(reader.raw(), start, self._choice), 1)
                    with closing(read):
                        for segment in read:
                            warning = reader.shortfall() if segment.last else ""
                            yield source, segment, warning
            except MediaError as error:
                # The others are still worth searching; this one stays unfinished.
                self.warnings.append(f"{source.name} was left out. {error}")

    def _store(self, work: _Work) -> None:
        self._reporter.check()
        while True:
            try:
                scanned = work.scanned.result(_CHECK_SECONDS)
                break
            except FutureTimeout:
                if work.scanned.done():
                    raise  # the search itself ran into one
                self._reporter.check()
        digest = work.source.digest
        if digest not in self._numbering:
            self._numbering[digest] = Numbering(self._index.faces(source=digest))
        if work.frames:
            faces = self._numbering[digest].numbered(scanned, work.before)
            self._index.add_frames(digest, faces, work.next_frame)
            self._found += len(faces)
        if work.last:
            self._index.finish(digest, work.warning)
            put_back(self._index, digest)
            del self._numbering[digest]
        if work.warning:
            self.warnings.append(work.warning)
        self.frames += work.frames
        self._progress(work.source)

    def _progress(self, source: Source) -> None:
        rate = self.frames / max(time.monotonic() - self._began, 1e-6)
        left = max(self._total - self.frames, 0) if self._total is not None else None
        self._reporter.event(
            "progress",
            stage=_STAGE,
            done=self.frames,
            total=self._total,
            rate=rate,
            eta=left / rate if left is not None and rate else None,
            text=f"{self._found} faces in {self.frames} frames, now {source.name}",
        )


def _check_models(settings: ScanSettings) -> None:
    """Before anything found earlier is forgotten: a model that is no model costs nothing."""
    if settings.detector == "hog" and settings.landmark_model is None:
        landmark_model_path()  # loading it takes a second, which is better spent elsewhere
        embedding_model_path()
    else:
        Sighter(settings.detector, settings.landmark_model)


def _expected_frames(unfinished: list[tuple[Source, int]], choice: Choice) -> int | None:
    """How many frames are left to look at, None when a source does not say."""
    expected = 0
    for source, start in unfinished:
        if source.kind == "image":
            expected += 1
            continue
        try:
            info = probe(source.path)
        except MediaError:
            continue
        if info.frames is None:
            return None
        begin, end = start, info.frames
        if info.rate is not None:
            begin = max(begin, round((choice.begin or 0.0) * float(info.rate)))
            if choice.end is not None:
                end = min(end, round(choice.end * float(info.rate)) + 1)
        expected += max(-(-end // choice.every) - -(-begin // choice.every), 0)
    return expected


def _no_face(person: Person, sources: list[Source]) -> str:
    names = ", ".join(source.name for source in sources[:3])
    more = f" and {len(sources) - 3} more" if len(sources) > 3 else ""
    return (
        f"No face was found in any frame of {person.name}'s sources: {names}{more}. "
        "Bring in footage in which the face is turned towards the camera and at least 80 pixels "
        f"wide: swapdeck gather {person.slug} FILE"
    )
