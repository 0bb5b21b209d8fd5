"""One face as a value, and as the rows of a face index."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from projects.errors import DamagedError
from projects.face_schema import ARRAYS, COLUMNS

_BLOBS = {"landmarks": 68 * 2 * 4, "transform": 2 * 3 * 8, "embedding": 128 * 4}  # bytes
_REALS = ("time", "yaw", "pitch", "roll", "sharpness")
_MEASURED = ("size", "brightness", "mouth", "eyes", "confidence", "covered", "likeness")
_MOST = 2**40  # frames, pixels and ids are far below; arithmetic with them stays exact
NAMES = tuple(name.strip('"') for name in COLUMNS)
_SIDES = ("left", "top", "right", "bottom")


@dataclass(frozen=True, kw_only=True)
class FaceRow:
    """What is known of one face in one frame, without its arrays."""

    id: int  # 0 before it is stored
    source: str  # digest
    frame: int
    time: float  # seconds
    box: tuple[int, int, int, int]  # left, top, right, bottom; frame pixels
    yaw: float  # degrees, as the next two
    pitch: float
    roll: float
    sharpness: float
    # NaN in the following means that it was not measured.
    size: float = math.nan  # the face's width in frame pixels, as the landmarks have it
    brightness: float = math.nan  # mean luma under the face hull, 0 to 1
    mouth: float = math.nan  # opening between the inner lips / distance of the eye centres
    eyes: float = math.nan  # mean opening: between the lids / width of the eye
    confidence: float = math.nan  # of the landmarks, 0 to 1
    covered: float = math.nan  # how surely something covers a part of the face, 0 to 1
    track: int = -1  # number within its source, from 0; -1 is unknown
    likeness: float = math.nan  # distance to the person's mean embedding
    hash: int = -1  # 64-bit difference hash of the crop, signed; -1 is unknown
    crop: str  # file name in the person's faces folder
    kept: bool
    reason: str  # "" when kept; else "stranger", "too small", "blurred", "by hand", …


@dataclass(frozen=True, kw_only=True)
class Face(FaceRow):
    """One face in one frame. Arrays are little-endian bytes, so that this needs no NumPy."""

    landmarks: bytes  # float32 [68, 2], frame pixels, x and y
    transform: bytes  # float64 [2, 3], frame pixels to the unit chip [0, 1] x [0, 1]
    embedding: bytes  # float32 [128]


_F = TypeVar("_F", bound=FaceRow)


def row_values(face: Face) -> tuple[Any, ...]:
    """A face's values in the order of COLUMNS, without its id. SQLite stores NaN as NULL."""
    return (
        *(face.source, face.frame, face.time, *face.box),
        *(face.yaw, face.pitch, face.roll, face.sharpness, face.size, face.brightness),
        *(face.mouth, face.eyes, face.confidence, face.covered, face.track, face.likeness),
        *(face.hash, face.crop, int(face.kept), face.reason),
    )


def typed_column(name: str) -> str:
    """A column, or NULL where its value is not of the column's kind, or is infinite."""
    if name in (*_REALS, *_MEASURED):
        sound = f"""typeof("{name}") IN ('real', 'integer') AND "{name}" BETWEEN -1e300 AND 1e300"""
    else:
        kind = "text" if name in ("source", "crop", "reason") else "integer"
        sound = f"""typeof("{name}") = '{kind}'"""
    return f'CASE WHEN {sound} THEN "{name}" END'


def check_face(face: Face, source: str) -> None:
    if face.source != source:
        raise ValueError(f"a face of {face.source} was added to the source {source}")
    for name, size in _BLOBS.items():
        if len(getattr(face, name)) != size:
            raise ValueError(f"{name} must be {size} bytes, not {len(getattr(face, name))}")
    if face.kept and face.reason not in ("", "by hand"):
        raise ValueError(f"a face that is kept has no reason, but this has {face.reason!r}")
    if not -(2**63) <= face.hash < 2**63:
        raise ValueError(f"a hash is a signed number of 64 bits, not {face.hash}")


def read_face(row: Any, path: Path) -> Face:
    arrays = dict(zip(ARRAYS, row[len(COLUMNS) :], strict=True))
    if not all(_is_blob(arrays[name], size) for name, size in _BLOBS.items()):
        raise _damaged(row, path)
    return read_row(Face, row[: len(COLUMNS)], arrays, path)


def read_row(kind: type[_F], row: Any, arrays: Mapping[str, Any], path: Path) -> _F:
    values = dict(zip(NAMES, row, strict=True))
    box = tuple(values.pop(name) for name in _SIDES)
    for name in _MEASURED:
        if values[name] is None:
            values[name] = math.nan
    sound = (
        all(type(n) is int and abs(n) < _MOST for n in (values["id"], values["frame"], *box))
        and type(values["track"]) is int
        and type(values["hash"]) is int
        and all(type(values[name]) in (int, float) for name in (*_REALS, *_MEASURED))
        and all(type(values[name]) is str for name in ("source", "crop", "reason"))
        and values["crop"] not in ("", ".", "..")
        and not any(c in "/\\\0" for c in values["crop"])
    )
    if not sound:
        raise _damaged(row, path)
    values["kept"] = bool(values["kept"])
    return kind(box=box, **values, **arrays)


def _damaged(row: Any, path: Path) -> DamagedError:
    return DamagedError(
        f"{path} is damaged: its face {row[0]!r:.40} holds what no face has. Put back a good "
        "copy, or move it away and extract the person again."
    )


def _is_blob(value: object, size: int) -> bool:
    return isinstance(value, bytes) and len(value) == size
