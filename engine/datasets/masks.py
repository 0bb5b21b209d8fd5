"""Masks that people attach to faces: polygons in a JSON file, or painted pictures.

A mask is stored as people/NAME/masks/CROP.png, uint8 grey in the crop's pixels, 255 where the face
is seen. Training and conversion multiply their own masks by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.datasets.corrections import (
    compose,
    entries,
    face_of,
    in_frame,
    points_of,
    space_of,
    to_crop,
)
from engine.faces.align import CROP_SIZE, apply, invert
from engine.faces.dataset import mask_path
from engine.media import probe
from engine.media.pictures import is_picture_name, read_picture
from projects.errors import CommandError
from projects.faces import Face, FaceIndex
from projects.files import inside, sweep, write_bytes, write_errors
from projects.people import Person
from projects.sources import find_source

Mask = NDArray[np.uint8]
_POLYGONS: Final = 200
_POINTS: Final = 5000
_SUBPIXEL_BITS: Final = 4


def polygon_masks(path: Path, index: FaceIndex, faces: Iterable[Face]) -> dict[str, Mask]:
    """The masks of a JSON file by the crops of their faces.

    The file: {"version": 1, "masks": [{"face": 12, "space": "crop", "include": [[[x, y], …], …],
    "exclude": […]}]}. Without "include" all is face but what is excluded. `faces` are meant by
    entries that name none.

    Raises:
        CommandError: the file is something else, or names a face that is not there.
    """
    made: dict[str, Mask] = {}
    given = list(faces)
    for number, entry in enumerate(entries(path, "masks"), 1):
        where = f"{path}, mask {number}"
        meant = (
            given if given and "face" not in entry else [face_of(index, entry.get("face"), where)]
        )
        for face in meant:
            made[face.crop] = _drawn(entry, face, where)
    if not made:
        raise CommandError(f"{path} holds no mask.")
    return made


def painted_mask(path: Path, person: Person, face: Face) -> Mask:
    """A painted picture as a mask: white is face. It is as large as the crop, or as the frame.

    Raises:
        CommandError: it has another size. MediaError: it is no picture.
    """
    painted = cv2.cvtColor(read_picture(path), cv2.COLOR_RGB2GRAY)
    height, width = painted.shape
    if (height, width) == (CROP_SIZE, CROP_SIZE):
        return np.asarray(painted, np.uint8)
    source = find_source(person, face.source)
    sizes = f"{CROP_SIZE}x{CROP_SIZE} pixels, as its crop in {person.faces_dir}"
    if source is not None:
        info = probe(source.path)
        if (width, height) == (info.width, info.height):
            return np.asarray(
                cv2.warpAffine(painted, to_crop(face), (CROP_SIZE, CROP_SIZE)), np.uint8
            )
        sizes += f", or {info.width}x{info.height} as {source.name}"
    raise CommandError(
        f"{path} has {width}x{height} pixels. The mask of face {face.id} needs {sizes}."
    )


def folder_masks(folder: Path, person: Person, index: FaceIndex) -> dict[str, Mask]:
    """The painted masks in a folder, each named as the crop of its face.

    Raises:
        CommandError: a name is that of no face, or a size is wrong.
    """
    pictures = sorted(path for path in folder.iterdir() if is_picture_name(path) and path.is_file())
    if not pictures:
        raise CommandError(f"{folder} holds no pictures. Name a PNG, a JSON file, or their folder.")
    made: dict[str, Mask] = {}
    for path in pictures:
        face = face_of(index, f"{path.stem}.png", str(path))
        made[face.crop] = painted_mask(path, person, face)
    return made


def save_masks(person: Person, masks: Mapping[str, Mask]) -> None:
    """Write masks by their faces' crops, each complete or not at all."""
    folder = inside(person.root, "masks")
    with write_errors(folder):
        folder.mkdir(exist_ok=True)
    sweep(folder)  # what a killed run left
    for crop, mask in masks.items():
        write_bytes(mask_path(person, crop), cv2.imencode(".png", mask)[1].tobytes())


def remove_masks(person: Person, crops: Iterable[str]) -> int:
    """Delete the masks of these faces; how many there were."""
    removed = 0
    for crop in crops:
        path = mask_path(person, crop)
        if path.is_file():
            with write_errors(path):
                path.unlink()
            removed += 1
    return removed


def moved(mask: Mask, old: Face, new: Face) -> Mask:
    """A mask of `old`'s crop in the pixels of `new`'s: the same face, aligned anew."""
    matrix = compose(to_crop(new), invert(to_crop(old)))
    return np.asarray(
        cv2.warpAffine(mask, matrix, (CROP_SIZE, CROP_SIZE), borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )


def _drawn(entry: Mapping[str, Any], face: Face, where: str) -> Mask:
    space = space_of(entry, where)
    include, exclude = (_polygons(entry.get(key), key, where) for key in ("include", "exclude"))
    if not include and not exclude:
        raise CommandError(f'{where} has no polygon. Add some to "include" or "exclude".')
    mask = np.full((CROP_SIZE, CROP_SIZE), 0 if include else 255, np.uint8)
    for polygons, value in ((include, 255), (exclude, 0)):
        for polygon in polygons:
            points = apply(to_crop(face), in_frame(polygon, face, space))
            fixed = np.rint(np.clip(points, -1e5, 1e5) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
            cv2.fillPoly(mask, [fixed], value, cv2.LINE_AA, _SUBPIXEL_BITS)
    return mask


def _polygons(value: object, key: str, where: str) -> list[NDArray[np.float64]]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > _POLYGONS:
        raise CommandError(f'{where}: "{key}" is not a list of at most {_POLYGONS} polygons.')
    return [
        points_of(polygon, f'{where}: a polygon in "{key}"', least=3, most=_POINTS)
        for polygon in value
    ]
