"""Searching one source for faces, a stretch of frames at a time."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
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
    crop_pixels,
    fit_transform,
)
from engine.faces.courses import Placed, courses
from engine.faces.details import detail_of, save_detail
from engine.faces.detectors import Box, overlap
from engine.faces.embed import Embedder
from engine.faces.judge import EYES_OFF, UNJUDGED
from engine.faces.pose import head_pose
from engine.faces.segments import Choice, Segment
from engine.faces.sharpness import sharpness
from engine.faces.sight import Sighter
from engine.media import RawFrame
from engine.media.pictures import save_png
from projects.faces import Face
from projects.sources import Source

VERSION: Final = 2
"""Sources that were searched by another version are searched anew."""
_SAME: Final = 0.4


@dataclass(frozen=True)
class ScanSettings:
    """What decides which faces are found; another value means searching anew."""

    choice: Choice
    max_faces: int
    alignment: Alignment
    upsample: int
    landmark_model: Path | None
    detector: str
    rotate: int

    def text(self) -> str:
        """As JSON, to be stored with a source's progress."""
        return json.dumps(
            {
                "version": VERSION,
                "every": self.choice.every,
                "range": [self.choice.begin, self.choice.end],
                "max_faces": self.max_faces,
                "alignment": self.alignment.value,
                "upsample": self.upsample,
                "landmark_model": str(self.landmark_model or ""),
                "detector": self.detector,
                "rotate": self.rotate,
            }
        )


@dataclass(frozen=True)
class Scanned:
    """The faces of a stretch, in the order of their frames; not judged, their tracks numbered
    from 0 within the stretch. before: boxes of the tracks in the last frame before it."""

    faces: tuple[Face, ...]
    before: dict[int, Box] = field(default_factory=dict)


class Scanner:
    """Finds the faces of stretches and writes their crops. Serves one thread."""

    def __init__(self, settings: ScanSettings, faces_dir: Path) -> None:
        """Raises ModelError, CommandError."""
        self._settings = settings
        self._faces_dir = faces_dir
        self._embedder = Embedder()
        self._sighter = Sighter(settings.detector, settings.landmark_model, settings.upsample)

    def scan(self, source: Source, segment: Segment) -> Scanned:
        """The faces of a stretch, ready to be stored when their tracks are numbered; their crops
        are written. A face keeps the name of its crop when its stretch is searched again."""
        found_courses = courses(
            segment,
            self._sighter,
            alone=source.kind == "image",
            every=self._settings.choice.every,
            rotate=self._settings.rotate,
        )
        found: list[_Described] = []
        for place in segment.core:
            here = [
                (number, course[place])
                for number, course in enumerate(found_courses)
                if place in course
            ]
            widest = sorted(here, key=lambda one: one[1].box[0] - one[1].box[2])
            for rank, (number, placed) in enumerate(widest[: self._settings.max_faces]):
                frame = segment.frames[place]
                found.append(self._described(source, frame, rank, number, placed))
        self._embed(found)
        for one in found:
            save_png(self._faces_dir / one.face.crop, one.picture)
            save_detail(self._faces_dir.parent, one.face.crop, one.detail)
        last = segment.core.start - 1
        before = {n: course[last].box for n, course in enumerate(found_courses) if last in course}
        return Scanned(tuple(one.face for one in found), before)

    def _described(
        self, source: Source, frame: RawFrame, rank: int, track: int, placed: Placed
    ) -> "_Described":
        landmarks = placed.landmarks
        transform = fit_transform(landmarks, self._settings.alignment)
        picture = crop_pixels(frame.image, transform, CROP_SIZE, CROP_MARGIN)
        pose = head_pose(placed.upright)
        face = Face(
            id=0,
            source=source.digest,
            frame=frame.index,
            time=frame.time,
            box=placed.box,
            landmarks=landmarks.astype("<f4").tobytes(),
            transform=transform.astype("<f8").tobytes(),
            yaw=pose.yaw,
            pitch=pose.pitch,
            roll=pose.roll,
            sharpness=sharpness(picture),
            size=measure.face_size(landmarks),
            brightness=measure.brightness(picture, landmarks, transform),
            mouth=measure.mouth_opening(landmarks),
            eyes=measure.eye_opening(landmarks),
            confidence=placed.confidence,
            track=track,
            hash=measure.difference_hash(picture),
            embedding=b"",
            crop=f"{crop_prefix(source)}{frame.index:07d}-{rank}.png",
            kept=False,
            reason=UNJUDGED if _eyes_inside(landmarks, frame.image.shape) else EYES_OFF,
        )
        return _Described(face, picture, detail_of(frame.image, transform))

    def _embed(self, found: "list[_Described]") -> None:
        """One embedding for each track, of its clearest face."""
        tracks: dict[int, list[_Described]] = {}
        for one in found:
            tracks.setdefault(one.face.track, []).append(one)
        for faces in tracks.values():
            clearest = max(faces, key=lambda one: one.face.sharpness * (0.1 + one.face.confidence))
            landmarks = np.frombuffer(clearest.face.landmarks, "<f4").reshape(68, 2)
            transform = np.frombuffer(clearest.face.transform, "<f8").reshape(2, 3)
            inside = apply(chip_matrix(transform, CROP_SIZE, CROP_MARGIN), landmarks)
            embedding = self._embedder.embed(clearest.picture, inside).astype("<f4").tobytes()
            for one in faces:
                one.face = replace(one.face, embedding=embedding)


class Numbering:
    """Gives the tracks of a source's stretches, in their order, numbers that go on from one
    stretch to the next."""

    def __init__(self, known: Sequence[Face]) -> None:
        """known: the faces of the source that are stored already, in the order of their frames."""
        self._next = max((face.track for face in known), default=-1) + 1
        self._before = [face for face in known if face.frame == known[-1].frame]

    def numbered(self, scanned: Scanned, last_before: int | None) -> list[Face]:
        """The faces of the next stretch. last_before: the index of the last frame before it."""
        numbers: dict[int, int] = {}
        for track, box in scanned.before.items():
            same = [
                face
                for face in self._before
                if face.frame == last_before
                and face.track not in numbers.values()
                and overlap(face.box, box) > _SAME
            ]
            if same:
                numbers[track] = max(same, key=lambda face: overlap(face.box, box)).track
        for face in scanned.faces:
            if face.track not in numbers:
                numbers[face.track] = self._next
                self._next += 1
        faces = [replace(face, track=numbers[face.track]) for face in scanned.faces]
        self._before = [face for face in faces if face.frame == faces[-1].frame]
        return faces


def scan(settings: ScanSettings, faces_dir: Path, source: Source, segment: Segment) -> Scanned:
    """See `Scanner.scan`; a process keeps its scanner from one stretch to the next."""
    return _scanner(settings, faces_dir).scan(source, segment)


@lru_cache(maxsize=1)
def _scanner(settings: ScanSettings, faces_dir: Path) -> Scanner:
    return Scanner(settings, faces_dir)


def crop_prefix(source: Source) -> str:
    """How the names of all crops of a source begin."""
    return f"{source.digest[:16]}-"


@dataclass
class _Described:
    face: Face
    picture: NDArray[np.uint8]
    detail: NDArray[np.uint8] | None


def _eyes_inside(landmarks: NDArray[np.float32], shape: tuple[int, ...]) -> bool:
    height, width = shape[:2]
    eyes = landmarks[36:48].reshape(2, 6, 2).mean(1)
    return bool(((eyes >= 0) & (eyes <= [width - 1, height - 1])).all())
