"""Mending a face by hand: its landmarks or box are corrected, and all that follows is made anew."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from engine.datasets.corrections import (
    Space,
    compose,
    entries,
    face_of,
    first_stem,
    in_frame,
    is_number,
    next_crop,
    points_of,
    space_of,
    to_crop,
    was_mended,
)
from engine.datasets.describe import box_of, described
from engine.datasets.masks import moved, remove_masks, save_masks
from engine.datasets.searched import Searched, searched
from engine.datasets.sidecar import from_json, to_json
from engine.faces.align import apply, invert
from engine.faces.dataset import landmarks_of, load_crop, load_mask, transform_of
from engine.faces.details import detail_of, load_detail, remove_detail, save_detail
from engine.faces.detect import FaceFinder
from engine.faces.embed import Embedder
from engine.faces.turning import turned, turned_back
from engine.media import open_frames
from engine.media.pictures import png
from projects.errors import CommandError, SwapdeckError
from projects.faces import Face, FaceIndex
from projects.files import inside, read_errors, sweep, write_bytes
from projects.people import Person
from projects.sources import find_source

POINTS: Final = 68
_POINT: Final = re.compile(r"\s*(\d{1,2})\s*=\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*")
_NOTE: Final = "before mending "
_Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Mend:
    """What is wrong with a face: its landmarks (float64 [68, 2]) or its box, in frame pixels.

    From a box alone the landmarks are found anew. restore: put back what was found at first.
    """

    face: Face
    landmarks: NDArray[np.float64] | None = None
    box: _Box | None = None
    restore: bool = False


def read_mends(path: Path, index: FaceIndex) -> list[Mend]:
    """The corrections of a JSON file.

    The file: {"version": 1, "faces": [{"face": 12, "landmarks": [[x, y], … 68 of them]},
    {"face": "0123456789abcdef-0000012-0.png", "box": [left, top, right, bottom]},
    {"face": 13, "points": {"36": [x, y]}, "space": "crop"}]}. "space" is "frame" (pixels of the
    frame, taken when nothing is said) or "crop" (those of the crop in the faces folder).

    Raises:
        CommandError: the file is something else, or names a face that is not there.
    """
    found = [
        _read(entry, index, f"{path}, face {number}")
        for number, entry in enumerate(entries(path, "faces"), 1)
    ]
    if not found:
        raise CommandError(f"{path} corrects no face.")
    if len({mend.face.id for mend in found}) < len(found):
        raise CommandError(f"{path} corrects a face twice. Write each of them once.")
    return found


def moved_points(face: Face, points: Sequence[str], shift: Sequence[float], space: Space) -> Mend:
    """A correction from the command line: points as "36=x,y", all others moved by `shift` (x, y).

    Raises:
        CommandError: a point cannot be understood.
    """
    landmarks = landmarks_of(face).astype(np.float64)
    if space == "crop":
        landmarks = apply(to_crop(face), landmarks)
    landmarks += np.asarray(shift, np.float64)
    for text in points:
        found = _POINT.fullmatch(text)
        try:
            number, x, y = int(found[1]), float(found[2]), float(found[3])  # type: ignore[index]
        except (TypeError, ValueError):
            number, x, y = POINTS, 0.0, 0.0
        if number >= POINTS or not (is_number(x) and is_number(y)):
            raise CommandError(f"{text!r} is no point: write its number 0 to 67 as in 36=120.5,88.")
        landmarks[number] = (x, y)
    return Mend(face, in_frame(landmarks, face, space))


def mend(person: Person, index: FaceIndex, mends: Sequence[Mend]) -> list[Face]:
    """Carry out corrections, all of them or none; the faces as they are now.

    The crop, pose, measures and embedding are made anew from the frame; of faces whose source is
    not here, from the old crop. Verdicts stay. A mask by hand moves with its face.

    What is restored is what was found, bit by bit.

    Raises:
        CommandError: landmarks that no face can have, or nothing to restore.
        SwapdeckError: a frame, a crop or the index cannot be read or written.
    """
    mended: list[tuple[Face, Face]] = []
    notes: dict[str, str] = {}
    written: list[Path] = []
    sweep(person.faces_dir)  # what a killed run left
    try:
        for old, new, picture, detail in _mended(person, index, mends):
            notes |= _note(person, index, old)
            path = inside(person.faces_dir, new.crop)
            written.append(path)
            write_bytes(path, picture)
            save_detail(person.root, new.crop, detail)
            mask = load_mask(person, old)
            if mask is not None:
                save_masks(person, {new.crop: moved(mask, old, new)})
            mended.append((old, new))
        for name, note in notes.items():
            index.set_meta(name, note)
        index.set_geometry([new for _, new in mended])
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
            remove_masks(person, [path.name])
            if was_mended(path.name):
                remove_detail(person.root, path.name)
        raise
    for old, new in mended:
        if old.crop != new.crop:
            inside(person.faces_dir, old.crop).unlink(missing_ok=True)
            remove_masks(person, [old.crop])
            if was_mended(old.crop):  # that of the face as it was found waits for a restoring
                remove_detail(person.root, old.crop)
    return [new for _, new in mended]


def _mended(
    person: Person, index: FaceIndex, mends: Sequence[Mend]
) -> Iterator[tuple[Face, Face, bytes, NDArray[np.uint8] | None]]:
    """Each face as it was and as it will be, with its new crop as a PNG file's bytes, and a detail
    where it has a new one."""
    for one in mends:
        if one.restore:
            yield (one.face, *_as_found(index, one.face), None)
    finder, embedder = cache(FaceFinder), Embedder()
    others = [one for one in mends if not one.restore]
    for one, image, matrix in _pictures(person, index, others):
        how = searched(index, one.face.source)
        new, picture = _made(one, image, matrix, finder, embedder, how)
        detail = detail_of(image, compose(transform_of(new), invert(matrix)))
        yield one.face, new, png(picture), detail


def _made(
    one: Mend,
    image: NDArray[np.uint8],
    matrix: NDArray[np.float64],
    finder: Callable[[Path | None], FaceFinder],
    embedder: Embedder,
    how: Searched,
) -> tuple[Face, NDArray[np.uint8]]:
    """The mended face and its crop. image: in which the face is upright. matrix: frame pixels to
    those of `image`. finder: the one with a landmark model."""
    if one.landmarks is not None:
        points = apply(matrix, one.landmarks).astype(np.float32)
    else:
        box = _carried(cast(_Box, one.box), matrix)
        points = finder(how.landmark_model).landmarks(image, box)
    new, picture = described(one.face, image, points, embedder, alignment=how.alignment)
    landmarks = apply(invert(matrix), points).astype("<f4")
    transform = compose(np.frombuffer(new.transform, "<f8").reshape(2, 3), matrix)
    scale = float(np.hypot(*matrix[:, 0]))
    new = replace(
        new,
        box=one.box or box_of(landmarks),
        size=new.size / scale,
        landmarks=landmarks.tobytes(),
        transform=transform.astype("<f8").tobytes(),
        crop=next_crop(one.face.crop),
        confidence=1.0,
    )
    return new, picture


def _carried(box: _Box, matrix: NDArray[np.float64]) -> _Box:
    """A box through a similarity that turns it to stand upright, whichever way it lies."""
    corners = np.array(box, np.float64).reshape(2, 2)
    middle = apply(matrix, corners.mean(0))
    size = np.abs(corners[1] - corners[0]) * float(np.hypot(*matrix[:, 0]))
    if abs(matrix[1, 0]) > abs(matrix[0, 0]):
        size = size[::-1]
    sides = np.concatenate([middle - size / 2, middle + size / 2])
    left, top, right, bottom = np.rint(sides).astype(int).tolist()
    return left, top, right, bottom


def _upright(degrees: int, width: int, height: int) -> NDArray[np.float64]:
    """float64 [2, 3], from the pixels of a frame to those of the frame turned clockwise."""
    axes = np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])
    origin, x, y = turned_back(axes, degrees, width, height)
    return invert(np.column_stack([x - origin, y - origin, origin]))


def _pictures(
    person: Person, index: FaceIndex, mends: Sequence[Mend]
) -> Iterator[tuple[Mend, NDArray[np.uint8], NDArray[np.float64]]]:
    """Each correction with a picture in which its face is upright, and frame pixels to its."""
    for digest in dict.fromkeys(mend.face.source for mend in mends):
        wanted: dict[int, list[Mend]] = {}
        for one in mends:
            if one.face.source == digest:
                wanted.setdefault(one.face.frame, []).append(one)
        source = find_source(person, digest)
        if source is None:
            for one in (one for group in wanted.values() for one in group):
                picture = load_detail(person.root, one.face.crop)
                if picture is None:
                    picture = load_crop(person, one.face)
                yield one, picture, to_crop(one.face, len(picture))
            continue
        degrees = searched(index, digest).rotate
        with open_frames(source.path, min(wanted)) as reader:
            for frame in reader:
                for one in wanted.pop(frame.index, ()):
                    height, width = frame.image.shape[:2]
                    matrix = _upright(degrees, width, height)
                    yield one, turned(frame.image, degrees), matrix
                if not wanted:
                    break
        if wanted:
            raise SwapdeckError(
                f"Frame {min(wanted)} of {source.name} cannot be decoded. Nothing was changed."
            )


def _read(entry: Mapping[str, Any], index: FaceIndex, where: str) -> Mend:
    face, space = face_of(index, entry.get("face"), where), space_of(entry, where)
    given = [key for key in ("landmarks", "points", "box") if key in entry]
    if len(given) != 1:
        raise CommandError(f'{where} needs one of "landmarks", "points" and "box".')
    if "box" in entry:
        box = entry["box"]
        if not (isinstance(box, list) and len(box) == 4 and all(map(is_number, box))):
            raise CommandError(f'{where}: "box" is [left, top, right, bottom] in pixels.')
        return boxed(face, [float(side) for side in box], space, where)
    if "landmarks" in entry:
        points = points_of(entry["landmarks"], f"{where}: landmarks", least=POINTS, most=POINTS)
        return Mend(face, in_frame(points, face, space))
    some = entry["points"]
    if not isinstance(some, Mapping) or not some:
        raise CommandError(f'{where}: "points" is an object such as {{"36": [120.5, 88]}}.')
    texts = []
    for number, value in some.items():
        ((x, y),) = points_of([value], f"{where}: point {number}", least=1, most=1)
        texts.append(f"{number}={x:f},{y:f}")
    return moved_points(face, texts, (0.0, 0.0), space)


def boxed(face: Face, box: Sequence[float], space: Space, where: str) -> Mend:
    """A correction by a box: left, top, right, bottom in the pixels of `space`.

    Raises:
        CommandError: it is inside out, or too small for a face.
    """
    corners = in_frame(np.array(box, np.float64).reshape(2, 2), face, space)
    left, top, right, bottom = np.rint(corners.reshape(-1)).astype(int).tolist()
    if right - left < 8 or bottom - top < 8:
        raise CommandError(
            f"{where}: a box is left, top, right, bottom in pixels, at least 8 of them wide and "
            "high."
        )
    return Mend(face, box=(left, top, right, bottom))


def _note(person: Person, index: FaceIndex, face: Face) -> dict[str, str]:
    """What is kept of a face as it was found, by its name in the index; nothing where it is."""
    name = f"{_NOTE}{first_stem(face.crop)}"
    if was_mended(face.crop) and index.meta(name) is not None:
        return {}
    path = inside(person.faces_dir, face.crop)
    load_crop(person, face)  # a crop that cannot be read cannot be put back
    with read_errors(path):
        picture = path.read_bytes()
    found = {"face": to_json(face, picture), "picture": base64.b64encode(picture).decode()}
    return {name: json.dumps(found)}


def _as_found(index: FaceIndex, face: Face) -> tuple[Face, bytes]:
    """A mended face as it was found, its verdict as it is now, and its crop's bytes."""
    known = None
    if was_mended(face.crop):
        known = index.meta(f"{_NOTE}{first_stem(face.crop)}")
    try:
        noted = json.loads(known or "null")
        found = from_json(noted["face"], f"{first_stem(face.crop)}.png")
        picture = base64.b64decode(noted["picture"], validate=True)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise CommandError(
            f"Face {face.id} was not mended here, so there is nothing to restore."
        ) from error
    return replace(found, id=face.id, kept=face.kept, reason=face.reason), picture
