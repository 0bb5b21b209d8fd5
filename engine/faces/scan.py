"""Searching one source for faces, a batch of frames at a time."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.faces import measure
from engine.faces.align import (
    CROP_MARGIN,
    CROP_SIZE,
    Alignment,
    apply,
    chip_matrix,
    crop,
    fit_transform,
)
from engine.faces.detect import Detection, FaceFinder
from engine.faces.embed import Embedder
from engine.faces.judge import UNJUDGED
from engine.faces.pose import head_pose
from engine.faces.sharpness import sharpness
from engine.faces.tracks import Sighting, group_tracks, thumbnail
from engine.media import Frame, open_frames
from engine.media.pictures import save_png
from projects.faces import Face
from projects.sources import Source

_BATCH_FRAMES: Final = 24
_BATCH_BYTES: Final = 48 << 20
_EMBED_EVERY: Final = 12
"""Faces of one track that share an embedding, at most."""


@dataclass(frozen=True)
class ScanSettings:
    """What decides which faces are found; another value means searching anew."""

    every: int
    max_faces: int
    alignment: Alignment
    upsample: int
    landmark_model: Path | None

    def text(self) -> str:
        """As JSON, to be stored with a source's progress."""
        return json.dumps(
            {
                "version": 1,
                "every": self.every,
                "max_faces": self.max_faces,
                "alignment": self.alignment.value,
                "upsample": self.upsample,
                "landmark_model": str(self.landmark_model or ""),
            }
        )


@dataclass(frozen=True)
class Batch:
    """Consecutive frames of one source that are searched and stored together."""

    source: Source
    frames: tuple[Frame, ...]
    next_frame: int
    """Where the search goes on after this batch."""
    last: bool
    warning: str
    """With the last batch: what was wrong with the source, or ""."""


def batches(source: Source, start: int, every: int) -> Iterator[Batch]:
    """The frames of a source from `start`, every `every`-th, in batches of bounded memory.

    Raises MediaError.
    """
    pending: list[Frame] = []
    next_frame = start
    with open_frames(source.path, start) as reader:
        for frame in reader:
            next_frame = frame.index + 1
            if frame.index % every:
                continue
            pending.append(frame)
            full = sum(waiting.image.nbytes for waiting in pending) >= _BATCH_BYTES
            if full or len(pending) >= _BATCH_FRAMES:
                yield Batch(source, tuple(pending), next_frame, False, "")
                pending.clear()
        yield Batch(source, tuple(pending), next_frame, True, reader.shortfall())


class Scanner:
    """Finds the faces of batches and writes their crops. May be used from several threads."""

    def __init__(self, settings: ScanSettings, faces_dir: Path) -> None:
        """Raises ModelError."""
        self._settings = settings
        self._faces_dir = faces_dir
        self._embedder = Embedder()
        self._local = threading.local()
        self._finder()

    def scan(self, batch: Batch) -> list[Face]:
        """The faces of a batch, ready to be stored and not judged; their crops are written.

        A face keeps the name of its crop when its batch is searched again.
        """
        found: list[tuple[Face, NDArray[np.uint8]]] = []
        sightings: list[Sighting] = []
        for frame in batch.frames:
            for number, detection in enumerate(self._detect(frame.image)):
                face, picture = self._describe(batch.source, frame, number, detection)
                found.append((face, picture))
                sightings.append(Sighting(frame.index, detection.box, thumbnail(picture)))
        faces = [face for face, _ in found]
        for group in group_tracks(sightings, self._settings.every, _EMBED_EVERY):
            clearest = max(group, key=lambda place: faces[place].sharpness)
            embedding = self._embed(*found[clearest])
            for place in group:
                faces[place] = replace(faces[place], embedding=embedding)
        for face, picture in found:
            save_png(self._faces_dir / face.crop, picture)
        return faces

    def _finder(self) -> FaceFinder:
        if not hasattr(self._local, "finder"):
            self._local.finder = FaceFinder(self._settings.landmark_model, self._settings.upsample)
        finder: FaceFinder = self._local.finder
        return finder

    def _detect(self, image: NDArray[np.uint8]) -> list[Detection]:
        found = sorted(self._finder().find(image), key=lambda d: d.box[0] - d.box[2])
        return found[: self._settings.max_faces]

    def _describe(
        self, source: Source, frame: Frame, number: int, detection: Detection
    ) -> tuple[Face, NDArray[np.uint8]]:
        transform = fit_transform(detection.landmarks, self._settings.alignment)
        picture = crop(frame.image, transform, CROP_SIZE, CROP_MARGIN)
        pose = head_pose(detection.landmarks)
        face = Face(
            id=0,
            source=source.digest,
            frame=frame.index,
            time=frame.time,
            box=detection.box,
            landmarks=detection.landmarks.astype("<f4").tobytes(),
            transform=transform.astype("<f8").tobytes(),
            yaw=pose.yaw,
            pitch=pose.pitch,
            roll=pose.roll,
            sharpness=sharpness(picture),
            size=measure.face_size(detection.landmarks),
            brightness=measure.brightness(picture, detection.landmarks, transform),
            mouth=measure.mouth_opening(detection.landmarks),
            eyes=measure.eye_opening(detection.landmarks),
            hash=measure.difference_hash(picture),
            embedding=b"",
            crop=f"{crop_prefix(source)}{frame.index:07d}-{number}.png",
            kept=False,
            reason=UNJUDGED,
        )
        return face, picture

    def _embed(self, face: Face, picture: NDArray[np.uint8]) -> bytes:
        landmarks = np.frombuffer(face.landmarks, "<f4").reshape(68, 2)
        transform = np.frombuffer(face.transform, "<f8").reshape(2, 3)
        inside = apply(chip_matrix(transform, CROP_SIZE, CROP_MARGIN), landmarks)
        return self._embedder.embed(picture, inside).astype("<f4").tobytes()


def crop_prefix(source: Source) -> str:
    """How the names of all crops of a source begin."""
    return f"{source.digest[:16]}-"
