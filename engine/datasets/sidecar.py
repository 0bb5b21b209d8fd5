"""One face as JSON beside its picture: written by the export, read back bit by bit, not trusted."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from projects.errors import DamagedError
from projects.faces import Face
from projects.names import printable
from projects.texts import check_version, read_json

VERSION: Final = 1
_REALS: Final = ("time", "yaw", "pitch", "roll", "sharpness")
_MEASURED: Final = ("size", "brightness", "mouth", "eyes", "confidence", "covered", "likeness")
_ARRAYS: Final = {
    "landmarks": ((68, 2), "<f4"),
    "transform": ((2, 3), "<f8"),
    "embedding": ((128,), "<f4"),
}
_MOST: Final = 2**40
_FAR: Final = 1e9
_LONGEST: Final = 200  # characters in a reason


def to_json(face: Face, picture: bytes) -> dict[str, Any]:
    """The sidecar of a face. picture: its crop as a PNG file's bytes.

    Numbers are written so that the same bits are read again; what was not measured is null.
    """
    numbers = {name: getattr(face, name) for name in (*_REALS, *_MEASURED)}
    arrays = {
        name: np.frombuffer(getattr(face, name), kind).astype(np.float64).reshape(shape).tolist()
        for name, (shape, kind) in _ARRAYS.items()
    }
    return {
        "version": VERSION,
        "picture_sha256": hashlib.sha256(picture).hexdigest(),
        "source": face.source,
        "frame": face.frame,
        "box": list(face.box),
        **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
        "track": face.track,
        "hash": f"{face.hash & (2**64 - 1):016x}",
        "kept": face.kept,
        "reason": face.reason,
        **arrays,
    }


def read_sidecar(path: Path, picture: bytes) -> Face:
    """The face in a sidecar, its crop named as the sidecar is.

    Raises:
        DamagedError: it holds what no face has, or is not of this picture.
        NewerVersionError: a newer swapdeck wrote it.
    """
    document = read_json(path)
    check_version(path, document, VERSION)
    try:
        face = from_json(document, f"{path.stem}.png")
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise DamagedError(
            f"{path} is damaged: it holds what no face has ({printable(str(error))[:80]}). Export "
            "the dataset again."
        ) from error
    if hashlib.sha256(picture).hexdigest() != document.get("picture_sha256"):
        raise DamagedError(
            f"{path} is not of the picture beside it, which was changed. Export the dataset again, "
            "or import the pictures alone, without their JSON files."
        )
    return face


def from_json(document: Mapping[str, Any], crop: str) -> Face:
    """The face that `to_json` wrote, its crop so named.

    Raises:
        ValueError, TypeError, KeyError, OverflowError: it holds what no face has.
    """
    reason, kept = document["reason"], document["kept"]
    if type(reason) is not str or len(reason) > _LONGEST or printable(reason) != reason:
        raise ValueError("its reason is no text")
    if type(kept) is not bool or (kept and reason not in ("", "by hand")):
        raise ValueError("it is kept for a reason that is none")
    if not re.fullmatch(r"[0-9a-f]{64}", document["source"]):
        raise ValueError("its source is no SHA-256")
    if not re.fullmatch(r"[0-9a-f]{16}", document["hash"]):
        raise ValueError("its hash is none")
    bits = int(document["hash"], 16)
    left, top, right, bottom = (_whole(side) for side in document["box"])
    values: dict[str, Any] = {name: _real(document[name], name) for name in _REALS}
    for name in _MEASURED:
        values[name] = math.nan if document[name] is None else _real(document[name], name)
    for name in _ARRAYS:
        values[name] = _array(document[name], name).tobytes()
    return Face(
        id=0,
        source=document["source"],
        frame=_whole(document["frame"]),
        box=(left, top, right, bottom),
        track=_whole(document["track"]),
        hash=bits - 2**64 if bits >= 2**63 else bits,
        crop=crop,
        kept=kept,
        reason=reason,
        **values,
    )


def _whole(value: object) -> int:
    if type(value) is not int or abs(value) >= _MOST:
        raise ValueError("a whole number is none")
    return value


def _real(value: object, name: str) -> float:
    if type(value) not in (int, float) or not abs(float(value)) < _FAR:  # type: ignore[arg-type]
        raise ValueError(f"its {name} is no number")
    return float(value)  # type: ignore[arg-type]


def _array(value: object, name: str) -> NDArray[np.floating]:
    shape, kind = _ARRAYS[name]
    array = np.array(value)
    if array.shape != shape or array.dtype.kind not in "fi":
        raise ValueError(f"its {name} are not {'x'.join(map(str, shape))} numbers")
    if not (np.abs(array) < _FAR).all():
        raise ValueError(f"its {name} are no numbers")
    if name == "transform" and abs(float(np.linalg.det(array[:, :2]))) < 1e-12:
        raise ValueError("its transform cannot be undone")
    return array.astype(kind)
