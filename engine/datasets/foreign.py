"""Folders of aligned faces from other tools, taken in as the pictures that they are.

What those tools hid in the files, or put beside them, is never looked at: faces are found, aligned
and judged anew.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.datasets.account import Imported
from engine.datasets.describe import described
from engine.datasets.searched import usual_model
from engine.faces.dataset import transform_of
from engine.faces.details import detail_of, save_detail
from engine.faces.detect import Detection, FaceFinder
from engine.faces.embed import Embedder
from engine.faces.judge import UNJUDGED, judge
from engine.faces.tracks import STANDS_ALONE
from engine.media import MediaError
from engine.media.pictures import list_pictures, read_picture, save_png
from engine.reporting import Reporter
from projects.errors import CommandError
from projects.faces import Face, FaceIndex
from projects.files import inside, sha256_file
from projects.names import printable
from projects.people import Person

_BATCH: Final = 16
_SETTINGS: Final = '{"imported": 1, "alignment": "eyes-bridge"}'
_RATE: Final = 25.0
"""Pictures a second, so that those beside each other count as near in time."""
_ROOM: Final = 0.4
"""Room around a picture, in parts of its sides: a face that fills its picture is not found."""
_LARGEST: Final = 1024
"""Pixels of the longer side in which a face is looked for."""
_PACKED: Final = ".pak"


def import_pictures(
    person: Person, index: FaceIndex, folder: Path, reporter: Reporter, done: Imported
) -> None:
    """One face from each picture in a folder, the one in its middle; then all faces are judged.

    The folder becomes a source of its own, its pictures the frames in the order of their names.

    Raises:
        CommandError: there are no pictures. ModelError, StopRequested.
    """
    pictures = _listed(folder)
    listing = "\n".join(f"{path.name} {path.stat().st_size}" for path in pictures)
    source = hashlib.sha256(f"pictures\n{listing}".encode(errors="replace")).hexdigest()
    finder, embedder = FaceFinder(usual_model(index)), Embedder()
    known = set(index.crops())
    reporter.event("stage", name="import", total=len(pictures), unit="pictures")
    for start in range(0, len(pictures), _BATCH):
        faces: list[Face] = []
        for number, path in enumerate(pictures[start : start + _BATCH], start):
            reporter.check()
            try:
                face = _taken(person, path, source, number, known, finder, embedder)
            except (MediaError, CommandError) as error:
                done.refused.append(str(error))
                continue
            if face is None:
                done.faceless += 1
            elif face.crop in known:
                done.known += 1
            else:
                known.add(face.crop)
                faces.append(face)
        if faces:
            index.add_imported(source, faces, _SETTINGS)
            done.new += len(faces)
        reporter.event(
            "progress", stage="import", done=min(start + _BATCH, len(pictures)), total=len(pictures)
        )
    if done.new:
        for warning in judge(index):
            reporter.event("warning", text=warning)


def _listed(folder: Path) -> list[Path]:
    try:
        return list_pictures(folder)
    except MediaError as error:
        if any(path.suffix == _PACKED for path in folder.iterdir()):
            raise CommandError(
                f"{folder} holds a packed dataset, whose format can run code and is not read. "
                "Unpack it into a folder of pictures with the tool that made it."
            ) from error
        raise CommandError(str(error)) from error


def _taken(
    person: Person,
    path: Path,
    source: str,
    number: int,
    known: set[str],
    finder: FaceFinder,
    embedder: Embedder,
) -> Face | None:
    """The face of a picture, its crop written; None when there is none in it.

    A crop is named by the picture's bytes: the same picture twice is one face.
    """
    if path.is_symlink():
        raise MediaError(f"{printable(str(path))} is a link to another file. Copy the file itself.")
    crop = f"{STANDS_ALONE}{sha256_file(path)[:24]}.png"
    if crop in known:
        return _blank(source, number, crop, (0, 0, 0, 0))
    image = read_picture(path)
    found = find_aligned(image, finder)
    if found is None:
        return None
    blank = _blank(source, number, crop, found.box)
    face, picture = described(blank, image, found.landmarks, embedder)
    save_png(inside(person.faces_dir, crop), picture)
    save_detail(person.root, crop, detail_of(image, transform_of(face)))
    return face


def _blank(source: str, number: int, crop: str, box: tuple[int, int, int, int]) -> Face:
    """A face of which nothing was measured yet."""
    return Face(
        id=0,
        source=source,
        frame=number,
        time=number / _RATE,
        box=box,
        yaw=0.0,
        pitch=0.0,
        roll=0.0,
        sharpness=0.0,
        crop=crop,
        kept=False,
        reason=UNJUDGED,
        landmarks=b"",
        transform=b"",
        embedding=b"",
    )


def find_aligned(image: NDArray[np.uint8], finder: FaceFinder) -> Detection | None:
    """The face in the middle of a picture that may hold nothing else.

    image: uint8 [H, W, 3] RGB. The box and the landmarks are in its pixels.
    """
    height, width = image.shape[:2]
    shrink = max(1.0, max(height, width) / _LARGEST)
    small = image
    if shrink > 1:
        size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
        small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    room_x, room_y = (math.ceil(_ROOM * side) for side in (small.shape[1], small.shape[0]))
    padded = cv2.copyMakeBorder(
        small, room_y, room_y, room_x, room_x, cv2.BORDER_CONSTANT, value=(96, 96, 96)
    )
    middle = np.array([small.shape[1] / 2 + room_x, small.shape[0] / 2 + room_y])
    found = min(
        finder.find(np.asarray(padded, np.uint8)),
        key=lambda one: float(np.hypot(*(one.landmarks.mean(0) - middle))),
        default=None,
    )
    if found is None:
        return None
    scale = np.array([width / small.shape[1], height / small.shape[0]])
    landmarks = (found.landmarks - [room_x, room_y]) * scale
    corners = (np.array(found.box).reshape(2, 2) - [room_x, room_y]) * scale
    left, top, right, bottom = np.rint(corners.reshape(-1)).astype(int).tolist()
    return Detection((left, top, right, bottom), landmarks.astype(np.float32), found.score)
