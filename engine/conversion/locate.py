"""The first pass of a conversion: where the target person's face is in every frame.

Only small results are kept, so the length of a video does not matter. Having all of them before
the second pass is what lets tracks be judged as a whole and smoothed without lag.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from engine.conversion.progress import Progress
from engine.conversion.settings import ConvertSettings
from engine.conversion.smooth import smooth_transforms
from engine.conversion.tracking import Sighting, Track, Tracker
from engine.faces.align import Alignment, crop, fit_transform
from engine.faces.detect import Detection, FaceFinder
from engine.faces.embed import Embedder
from engine.faces.identity import FOLLOWED_THRESHOLD, IDENTITY_THRESHOLD
from engine.faces.smooth import smooth_series
from engine.faces.tracks import overlap, thumbnail
from engine.media import Frame, open_frames
from engine.media.ahead import ahead
from engine.reporting import Reporter

Image = npt.NDArray[np.uint8]
Identity = npt.NDArray[np.float32]

_THUMBNAIL_SIDE: Final = 64
_BESIDE: Final = 48
"""Frames within which a doubtful track may belong to a sure one that it carries on."""


class Finder(Protocol):
    """Finds faces; one for each thread. `engine.faces.FaceFinder` is one."""

    def find(self, image: Image) -> list[Detection]: ...


class Embeds(Protocol):
    """Tells identities apart. `engine.faces.Embedder` is one."""

    def embed(self, image: Image, landmarks: npt.NDArray[np.floating]) -> Identity: ...


@dataclass(frozen=True)
class Eyes:
    """What faces are found and told apart with."""

    finder: Callable[[], Finder]
    embedder: Embeds

    @classmethod
    def for_settings(cls, settings: ConvertSettings) -> "Eyes":
        """The installed models. Raises ModelError when they are missing."""
        return cls(lambda: FaceFinder(settings.landmark_model, settings.upsample), Embedder())


@dataclass(frozen=True)
class LocatedFace:
    """The target person's face in one frame, steadied along its track.

    landmarks: float32 [68, 2] frame pixels. transform: float64 [2, 3], frame pixels to the unit
    chip. filled: not found in this frame, but placed between the frames around it.
    """

    frame: int
    track: int
    box: tuple[int, int, int, int]
    landmarks: npt.NDArray[np.float32]
    transform: npt.NDArray[np.float64]
    filled: bool


@dataclass(frozen=True)
class Located:
    """Where the target person is in a whole source.

    frames: how many were read. faces: by the frame's index. left_alone: sightings of others.
    nearest: the smallest distance of any track to the person, infinite where no face was found.
    """

    frames: int
    faces: dict[int, LocatedFace]
    left_alone: int
    nearest: float
    warnings: tuple[str, ...] = field(default=())


def locate(
    source: Path,
    identity: Identity,
    settings: ConvertSettings,
    reporter: Reporter,
    eyes: Eyes | None = None,
) -> Located:
    """Find the person with the mean embedding `identity` (float32 [128]) in every frame.

    Raises MediaError, ModelError, StopRequested.
    """
    eyes = eyes or Eyes.for_settings(settings)
    tracker = Tracker()
    frames = 0
    with (
        open_frames(source) as reader,
        closing(ahead(reader, 4)) as read,
        closing(_sightings(read, eyes, settings.alignment)) as found,
    ):
        progress = Progress(reporter, "find faces", reader.info.frames)
        for frame, sightings in found:
            frames += 1
            look = _Look(frame.image, eyes.embedder)
            tracks = tracker.add(frame.index, sightings, look.same_person)
            for track, sighting in zip(tracks, sightings, strict=True):
                if track.wants_look():
                    track.embeddings.append(look.embedding(sighting))
            progress.step()
        shortfall = reader.shortfall()
    progress.end()
    theirs = _target_tracks(tracker.tracks, identity)
    faces = _one_a_frame(theirs, identity, settings)
    seen = sum(len(track.sightings) for track in tracker.tracks)
    distances = [track.distance(identity) for track in tracker.tracks]
    return Located(
        frames=frames,
        faces=faces,
        left_alone=seen - sum(not face.filled for face in faces.values()),
        nearest=min(distances, default=float("inf")),
        warnings=(shortfall,) if shortfall else (),
    )


class _Look:
    """The identities of the faces of one frame, each embedded at most once."""

    def __init__(self, image: Image, embedder: Embeds) -> None:
        self._image = image
        self._embedder = embedder
        self._known: dict[int, Identity] = {}

    def embedding(self, sighting: Sighting) -> Identity:
        if id(sighting) not in self._known:
            landmarks = sighting.detection.landmarks
            self._known[id(sighting)] = self._embedder.embed(self._image, landmarks)
        return self._known[id(sighting)]

    def same_person(self, track: Track, sighting: Sighting) -> bool:
        return track.distance(self.embedding(sighting)) <= FOLLOWED_THRESHOLD


def _sightings(
    frames: Iterator[Frame], eyes: Eyes, alignment: Alignment
) -> Generator[tuple[Frame, list[Sighting]], None, None]:
    """Every frame with its faces, found by one thread a core, in order."""
    local = threading.local()

    def look(frame: Frame) -> list[Sighting]:
        if not hasattr(local, "finder"):
            local.finder = eyes.finder()
        return [_sighting(frame, found, alignment) for found in local.finder.find(frame.image)]

    workers = os.cpu_count() or 1
    waiting: deque[tuple[Frame, Future[list[Sighting]]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="locate") as pool:
        try:
            for frame in frames:
                waiting.append((frame, pool.submit(look, frame)))
                if len(waiting) > 2 * workers:
                    ready, future = waiting.popleft()
                    yield ready, future.result()
            while waiting:
                ready, future = waiting.popleft()
                yield ready, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _sighting(frame: Frame, found: Detection, alignment: Alignment) -> Sighting:
    picture = crop(frame.image, fit_transform(found.landmarks, alignment), _THUMBNAIL_SIDE)
    return Sighting(frame.index, found, thumbnail(picture))


def _target_tracks(tracks: list[Track], identity: Identity) -> list[Track]:
    """The tracks that show the person.

    A track of doubtful distance (a profile, a hand over the face) is taken where it carries on one
    that is sure: it begins soon after that ends, or ends soon before that begins, in its place.
    """
    sure = [t for t in tracks if t.distance(identity) <= IDENTITY_THRESHOLD]
    doubtful = [
        t for t in tracks if IDENTITY_THRESHOLD < t.distance(identity) <= FOLLOWED_THRESHOLD
    ]
    return sure + [t for t in doubtful if any(_beside(t, s) for s in sure)]


def _beside(track: Track, sure: Track) -> bool:
    for early, late in ((track, sure), (sure, track)):
        before, after = early.sightings[-1], late.sightings[0]
        if 0 < after.frame - before.frame <= _BESIDE:
            return overlap(before.detection.box, after.detection.box) > 0
    return False


def _one_a_frame(
    tracks: list[Track], identity: Identity, settings: ConvertSettings
) -> dict[int, LocatedFace]:
    """The person's face in each frame: a person is only once in a picture, so the nearest wins."""
    faces: dict[int, LocatedFace] = {}
    for track in sorted(tracks, key=lambda track: track.distance(identity)):
        for face in _steadied(track, settings):
            faces.setdefault(face.frame, face)
    return dict(sorted(faces.items()))


def _steadied(track: Track, settings: ConvertSettings) -> list[LocatedFace]:
    frames, boxes, landmarks, filled = _without_gaps(track)
    transforms = np.stack([fit_transform(points, settings.alignment) for points in landmarks])
    points = smooth_series(landmarks, settings.smooth).astype(np.float32)
    steady = smooth_transforms(transforms, settings.smooth)
    return [
        LocatedFace(frame, track.number, _box(boxes[i]), points[i], steady[i], filled[i])
        for i, frame in enumerate(frames)
    ]


def _without_gaps(
    track: Track,
) -> tuple[list[int], npt.NDArray[np.float64], npt.NDArray[np.float64], list[bool]]:
    """Frames, boxes [T, 4], landmarks [T, 68, 2] and which of them lie on a line between others."""
    found = [sighting.frame for sighting in track.sightings]
    frames = list(range(found[0], found[-1] + 1))
    boxes = np.array([sighting.detection.box for sighting in track.sightings], np.float64)
    points = np.stack([sighting.detection.landmarks for sighting in track.sightings])
    rows = np.concatenate([boxes, points.reshape(len(points), -1)], axis=1)
    full = np.stack([np.interp(frames, found, column) for column in rows.T], axis=1)
    known = set(found)
    return frames, full[:, :4], full[:, 4:].reshape(-1, 68, 2), [f not in known for f in frames]


def _box(row: npt.NDArray[np.float64]) -> tuple[int, int, int, int]:
    left, top, right, bottom = np.rint(row).astype(int).tolist()
    return left, top, right, bottom
