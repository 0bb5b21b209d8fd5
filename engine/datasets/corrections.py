"""JSON files in which people correct faces: reading them without trusting them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from engine.faces.align import CROP_MARGIN, CROP_SIZE, apply, chip_matrix, invert
from engine.faces.dataset import transform_of
from projects.errors import CommandError
from projects.face_query import of_crops, of_ids
from projects.faces import Face, FaceIndex
from projects.names import printable
from projects.texts import check_version, read_json

VERSION: Final = 1
Space = Literal["frame", "crop"]
"""Whether coordinates are pixels of the frame, or of the crop in the faces folder."""
_FAR: Final = 1e6
_MENDED: Final = re.compile(r"-m(\d{1,6})$")


def entries(path: Path, key: str) -> list[Mapping[str, Any]]:
    """The objects of the list `key` in a JSON file of version 1.

    Raises:
        CommandError: the file is something else. DamagedError: it cannot be read.
    """
    document = read_json(path)
    check_version(path, document, VERSION)
    found = document.get(key)
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise CommandError(
            f'{path} has no list "{key}" of objects. It should look like this: '
            f'{{"version": 1, "{key}": [{{"face": 12, …}}]}}'
        )
    return found


def face_of(index: FaceIndex, name: object, where: str) -> Face:
    """The face that a file names by its number or its crop.

    Raises:
        CommandError: there is none.
    """
    if isinstance(name, int) and not isinstance(name, bool) and abs(name) < 2**62:
        found = index.faces(where=of_ids([name]))
    elif isinstance(name, str):
        found = index.faces(where=of_crops([name if name.endswith(".png") else f"{name}.png"]))
    else:
        raise CommandError(f'{where} names no face: add "face" with a number or a crop\'s name.')
    if not found:
        raise CommandError(f"{where}: there is no face {printable(str(name))!r}.")
    return found[0]


def space_of(entry: Mapping[str, Any], where: str) -> Space:
    """The pixels that an entry counts in; the frame's when it does not say.

    Raises:
        CommandError: it says something else.
    """
    space = entry.get("space", "frame")
    if space not in ("frame", "crop"):
        raise CommandError(f'{where}: "space" is "frame" or "crop".')
    return cast(Space, space)


def points_of(value: object, where: str, *, least: int, most: int) -> NDArray[np.float64]:
    """A list of [x, y] as float64 [N, 2], `least` <= N <= `most`.

    Raises:
        CommandError: it is anything else.
    """
    pairs = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    sound = least <= len(pairs) <= most and all(
        isinstance(pair, Sequence) and len(pair) == 2 and all(map(is_number, pair))
        for pair in pairs
    )
    if not sound:
        many = f"{least}" if least == most else f"{least} to {most}"
        raise CommandError(f"{where} is not a list of {many} points [x, y] in pixels.")
    return np.array([[float(x), float(y)] for x, y in pairs], np.float64)


def is_number(value: object) -> bool:
    """Whether a JSON value is a number that a place in a picture can have."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) <= _FAR
        and math.isfinite(value)
    )


def to_crop(face: Face, side: int = CROP_SIZE) -> NDArray[np.float64]:
    """float64 [2, 3], from frame pixels to the pixels of the face's crop, or of its detail of
    another side."""
    return chip_matrix(transform_of(face), side, CROP_MARGIN)


def in_frame(points: NDArray[np.float64], face: Face, space: Space) -> NDArray[np.float64]:
    """Points in `space` as frame pixels."""
    return points if space == "frame" else apply(invert(to_crop(face)), points)


def compose(second: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine matrix [2, 3] that does `first`, then `second`."""
    linear = second[:, :2] @ first[:, :2]
    return np.column_stack([linear, second[:, :2] @ first[:, 2] + second[:, 2]])


def next_crop(crop: str) -> str:
    """The name of the crop of a face that is mended once more."""
    stem = Path(crop).stem
    found = _MENDED.search(stem)
    number = int(found[1]) + 1 if found else 1
    return f"{first_stem(crop)}-m{number}.png"


def first_stem(crop: str) -> str:
    """The name of a face's crop before it was mended, without its suffix."""
    return _MENDED.sub("", Path(crop).stem)


def was_mended(crop: str) -> bool:
    """Whether a crop's name is that of a face which was mended by hand."""
    return _MENDED.search(Path(crop).stem) is not None
