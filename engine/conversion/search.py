"""The first pass of a conversion: everybody's heads in every frame, whoever they are.

The frames are searched as extraction searches them: on key frames, followed by optical flow between
them, by processes of their own. Only small results are kept, so the length of a video does not
matter, and tracks can be judged as a whole.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from engine.conversion.progress import Progress
from engine.conversion.tracks import Seen, Track, unmoved
from engine.faces.align import (
    CROP_MARGIN,
    CROP_SIZE,
    Alignment,
    apply,
    chip_matrix,
    crop_pixels,
    fit_transform,
)
from engine.faces.courses import Course, Sees, courses
from engine.faces.detectors import Box, overlap
from engine.faces.embed import Embedder
from engine.faces.follow import cuts
from engine.faces.identity import FOLLOWED_THRESHOLD
from engine.faces.motion import moved, upright
from engine.faces.picture import Picture
from engine.faces.searchers import Searchers, searchers
from engine.faces.segments import Choice, Segment, segments
from engine.faces.sight import Sighter, box_around
from engine.media import RawFrame, open_frames
from engine.media.ahead import ahead
from engine.reporting import Reporter
from projects.errors import SwapdeckError

LONGEST_GAP: Final = 8
"""A head that is not found for at most this many frames of a shot is followed across them."""
STAGE: Final = "find faces"
_LOOK_EVERY: Final = 32
"""Frames of a track from one look at its identity to the next; each look takes 70 ms."""
_SAME: Final = 0.4
_NEAR: Final = 0.3
_WORTH_PROCESSES: Final = 120
"""Frames from which on it is worth a second to start processes."""


class SearchEndedError(SwapdeckError):
    """A process that searched ended without a word."""


class Embeds(Protocol):
    """Tells identities apart. `engine.faces.embed.Embedder` is one."""

    def embed(
        self, image: npt.NDArray[np.uint8], landmarks: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.float32]: ...


@dataclass(frozen=True)
class InstalledFinder:
    """Makes finders of the installed models. Raises ModelError, CommandError when called."""

    landmark_model: Path | None = None
    upsample: int = 0

    def __call__(self) -> Sees:
        return Sighter("hog", self.landmark_model, self.upsample)


@dataclass(frozen=True)
class Eyes:
    """What faces are found and told apart with. Both are called where they are used, once each;
    they are equal where they make the same, and can be sent to another process."""

    finder: Callable[[], Sees] = InstalledFinder()
    embedder: Callable[[], Embeds] = Embedder

    @classmethod
    def installed(cls, landmark_model: Path | None = None, upsample: int = 0) -> "Eyes":
        """The installed models, or another one for the landmarks."""
        return cls(InstalledFinder(landmark_model, upsample))


def search(source: Path, eyes: Eyes, reporter: Reporter) -> Seen:
    """Everybody in the whole of a source.

    Raises MediaError, ModelError, StopRequested.
    """
    with open_frames(source) as reader:
        found = search_frames(
            reader.raw(), reader.info.frames, eyes, reporter, alone=reader.info.kind == "image"
        )
        return Seen(found.frames, found.tracks, found.cuts, reader.shortfall(), found.damaged)


def search_frames(
    frames: Iterable[RawFrame],
    expected: int | None,
    eyes: Eyes,
    reporter: Reporter,
    *,
    alone: bool = False,
) -> Seen:
    """Everybody in consecutive frames. expected: about how many there are. alone: each is a picture
    that stands for itself."""
    joining = _Joining()
    progress = Progress(reporter, STAGE, expected)
    few = expected is not None and expected < _WORTH_PROCESSES
    work = partial(_look, eyes, alone)
    try:
        with (
            searchers(1 if few else os.cpu_count() or 1) as pool,
            closing(ahead(segments(frames, 0, Choice()), 1)) as stretches,
        ):
            _run(stretches, work, pool, joining, progress)
    except BrokenProcessPool as error:
        reporter.check()  # who ends a whole job ends these processes with it
        raise SearchEndedError(
            "A process that searched for faces was killed, or ran out of memory. Close other "
            "programs and run the same command again."
        ) from error
    progress.end()
    return joining.seen()


def _run(
    stretches: Iterable[Segment],
    work: "Callable[[Segment], _Stretch]",
    pool: Searchers,
    joining: "_Joining",
    progress: Progress,
) -> None:
    waiting: deque[Future[_Stretch]] = deque()
    for stretch in stretches:
        while len(waiting) > pool.number:
            progress.step(joining.add(waiting.popleft().result()))
        waiting.append(pool.submit(work, stretch))
    while waiting:
        progress.step(joining.add(waiting.popleft().result()))


@dataclass(frozen=True)
class _Found:
    """One face through a stretch. before: where it was in the last frame before the stretch.
    motion: as `Track` has it."""

    frames: list[int]
    landmarks: npt.NDArray[np.float32]
    confidence: npt.NDArray[np.float32]
    before: Box | None
    looks: list[int]
    embeddings: npt.NDArray[np.float32]
    motion: npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Stretch:
    """What was found in one. last_before: the index of the last frame before it."""

    frames: int
    last_before: int | None
    found: list[_Found]
    cuts: list[int]
    damaged: list[int]


@lru_cache(maxsize=1)
def _opened(eyes: Eyes) -> tuple[Sees, Embeds]:
    return eyes.finder(), eyes.embedder()


def _look(eyes: Eyes, alone: bool, segment: Segment) -> _Stretch:
    """Search one stretch; runs in a process of its own."""
    finder, embedder = _opened(eyes)
    core = segment.core
    pictures = [Picture(frame.image) for frame in segment.frames]
    found = []
    for course in courses(segment, finder, alone=alone):
        places = [place for place in sorted(course) if place in core]
        if places:
            motion = unmoved(len(places)) if alone else _motion(pictures, course, places)
            found.append(_found(segment, course, places, motion, embedder))
    begun = cuts(pictures)
    last = core.start - 1
    return _Stretch(
        len(core),
        segment.frames[last].index if last >= 0 else None,
        found,
        [segment.frames[place].index for place in sorted(begun) if place in core],
        [frame.index for frame in segment.core_frames if frame.damaged],
    )


def _motion(pictures: list[Picture], course: Course, places: list[int]) -> npt.NDArray[np.float32]:
    """How a face came to each of its places from the frame before."""
    motion = unmoved(len(places))
    before = None
    for place in range(places[0] - 1, places[-1] + 1):
        here = course.get(place)
        now = None if here is None else upright(pictures[place], here.landmarks)
        if before is not None and now is not None:
            move = moved(before, now)
            if move is not None:
                motion[places.index(place)] = move
        before = now
    return motion


def _found(
    segment: Segment,
    course: Course,
    places: list[int],
    motion: npt.NDArray[np.float32],
    embedder: Embeds,
) -> _Found:
    looks: list[int] = []
    for start in range(0, len(places), _LOOK_EVERY):
        part = places[start : start + _LOOK_EVERY]
        if not looks or len(part) > _LOOK_EVERY // 2:
            looks.append(max(part, key=lambda place: course[place].confidence))
    before = course.get(segment.core.start - 1)
    return _Found(
        [segment.frames[place].index for place in places],
        np.stack([course[place].landmarks for place in places]),
        np.array([course[place].confidence for place in places], np.float32),
        None if before is None else before.box,
        [segment.frames[place].index for place in looks],
        np.stack([_embedding(segment, course, place, embedder) for place in looks]),
        motion,
    )


def _embedding(
    segment: Segment, course: Course, place: int, embedder: Embeds
) -> npt.NDArray[np.float32]:
    landmarks = course[place].landmarks
    transform = fit_transform(landmarks, Alignment.EYES_BRIDGE)
    picture = crop_pixels(segment.frames[place].image, transform, CROP_SIZE, CROP_MARGIN)
    inside = apply(chip_matrix(transform, CROP_SIZE, CROP_MARGIN), landmarks)
    return embedder.embed(picture, inside)


class _Growing:
    """A track that may still go on."""

    def __init__(self, found: _Found) -> None:
        self.parts = [found]

    @property
    def last(self) -> int:
        return self.parts[-1].frames[-1]

    def box(self) -> Box:
        return box_around(self.parts[-1].landmarks[-1])

    def apart(self, found: _Found) -> float:
        """How far the nearest of its looks is from those of `found`."""
        ours = np.concatenate([part.embeddings for part in self.parts])
        return float(np.linalg.norm(ours[:, None] - found.embeddings[None], axis=-1).min())

    def track(self, number: int) -> Track:
        parts = self.parts
        return Track(
            number,
            np.array([frame for part in parts for frame in part.frames], np.int64),
            np.concatenate([part.landmarks for part in parts]).astype(np.float32),
            np.concatenate([part.confidence for part in parts]),
            np.array([frame for part in parts for frame in part.looks], np.int64),
            np.concatenate([part.embeddings for part in parts]).astype(np.float32),
            np.concatenate([part.motion for part in parts]),
        )


class _Joining:
    """Puts what is found in one stretch after another together."""

    def __init__(self) -> None:
        self._tracks: list[_Growing] = []
        self._frames = 0
        self._cuts: list[int] = []
        self._damaged: list[int] = []

    def add(self, stretch: _Stretch) -> int:
        """The next stretch; how many frames it has."""
        self._frames += stretch.frames
        self._cuts += stretch.cuts
        self._damaged += stretch.damaged
        gone_on: list[_Growing] = []
        for found in sorted(stretch.found, key=lambda one: one.frames[0]):
            track = self._going(found, stretch.last_before, gone_on) or self._lost(found)
            if track is None:
                track = _Growing(found)
                self._tracks.append(track)
            else:
                track.parts.append(found)
            gone_on.append(track)
        return stretch.frames

    def seen(self) -> Seen:
        ordered = sorted(self._tracks, key=lambda track: track.parts[0].frames[0])
        tracks = tuple(track.track(number) for number, track in enumerate(ordered))
        return Seen(self._frames, tracks, tuple(self._cuts), damaged=tuple(self._damaged))

    def _going(
        self, found: _Found, last_before: int | None, gone_on: list[_Growing]
    ) -> _Growing | None:
        """The track that was followed into the stretch as this face."""
        before = found.before
        if before is None:
            return None
        same = [
            track
            for track in self._tracks
            if track.last == last_before
            and track not in gone_on
            and overlap(track.box(), before) > _SAME
        ]
        return max(same, key=lambda track: overlap(track.box(), before), default=None)

    def _lost(self, found: _Found) -> _Growing | None:
        """The track that was lost for some frames of the same shot before this face was found."""
        begin, box = found.frames[0], box_around(found.landmarks[0])
        near = [
            track
            for track in self._tracks
            if 1 < begin - track.last <= LONGEST_GAP + 1
            and not any(track.last < cut <= begin for cut in self._cuts)
            and overlap(track.box(), box) > _NEAR
            and track.apart(found) <= FOLLOWED_THRESHOLD
        ]
        return max(near, key=lambda track: overlap(track.box(), box), default=None)
