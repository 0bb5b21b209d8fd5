"""Reading a person's stored faces back as arrays."""

import struct
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.align import CROP_SIZE
from engine.faces.identity import main_identity
from projects.errors import DamagedError, SwapdeckError
from projects.faces import Face, FaceIndex, FaceRow
from projects.files import inside
from projects.people import Person


def landmarks_of(face: Face) -> NDArray[np.float32]:
    """float32 [68, 2], frame pixels (x, y)."""
    return np.frombuffer(face.landmarks, "<f4").reshape(68, 2).astype(np.float32)


def transform_of(face: Face) -> NDArray[np.float64]:
    """float64 [2, 3], frame pixels to the unit chip."""
    return np.frombuffer(face.transform, "<f8").reshape(2, 3).astype(np.float64)


def embedding_of(face: Face) -> NDArray[np.float32]:
    """float32 [128]."""
    return np.frombuffer(face.embedding, "<f4").astype(np.float32)


def load_crop(person: Person, face: Face) -> NDArray[np.uint8]:
    """The stored crop: uint8 [CROP_SIZE, CROP_SIZE, 3] RGB, showing CROP_MARGIN chips.

    Raises DamagedError when the picture is missing or cannot be read.
    """
    try:
        data = inside(person.faces_dir, face.crop).read_bytes()
    except OSError as error:
        raise _bad_crop(person, face, "is missing or cannot be opened") from error
    image = decode_crop(data, cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise _bad_crop(person, face, "is damaged or of another size")
    return image


def mask_path(person: Person, crop: str) -> Path:
    """Where the mask of the face with this crop lies, when it has one."""
    return inside(person.root, "masks", f"{Path(crop).stem}.png")


def load_mask(person: Person, face: FaceRow) -> NDArray[np.uint8] | None:
    """The mask that somebody attached to a face: uint8 [CROP_SIZE, CROP_SIZE] in the crop's pixels,
    255 is face; None without one.

    Raises DamagedError when it cannot be read.
    """
    path = mask_path(person, face.crop)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _bad_mask(path) from error
    mask = decode_crop(data, cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise _bad_mask(path)
    return mask


def decode_crop(data: bytes, flags: int) -> NDArray[np.uint8] | None:
    """A PNG of CROP_SIZE x CROP_SIZE pixels as OpenCV's `flags` say; None for anything else."""
    # A PNG says its size at once: one of a billion pixels is never unpacked.
    said = struct.unpack(">II", data[16:24]) if len(data) > 24 else None
    if said != (CROP_SIZE, CROP_SIZE):
        return None
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if image is None or image.shape[:2] != (CROP_SIZE, CROP_SIZE):
        return None
    return np.asarray(image, np.uint8)


def person_identity(index: FaceIndex) -> NDArray[np.float32]:
    """The mean embedding of the kept faces: float32 [128].

    Raises SwapdeckError when there are none.
    """
    faces = index.faces(kept=True)
    if not faces:
        raise SwapdeckError(
            "This person has no faces in the dataset yet. Find them with: swapdeck extract PERSON"
        )
    embeddings, weights = distinct_embeddings(faces)
    return main_identity(embeddings, weights).mean


def distinct_embeddings(faces: list[Face]) -> tuple[NDArray[np.float32], list[int]]:
    """The embeddings [N, 128] that differ, in order of appearance, and how many faces have each."""
    counts: dict[bytes, int] = {}
    for face in faces:
        counts[face.embedding] = counts.get(face.embedding, 0) + 1
    rows = [np.frombuffer(data, "<f4") for data in counts]
    return np.stack(rows).astype(np.float32), list(counts.values())


def _bad_mask(path: Path) -> DamagedError:
    return DamagedError(
        f"The mask {path} is no picture of {CROP_SIZE}x{CROP_SIZE} pixels that can be read. Attach "
        "it again with swapdeck faces mask, or delete it."
    )


def _bad_crop(person: Person, face: Face, what: str) -> DamagedError:
    return DamagedError(
        f"The picture {face.crop} of {person.name} {what}. "
        f"Find the faces again with: swapdeck extract {person.slug} --again"
    )
