"""What a person corrected in the footage that is converted: mended landmarks, painted masks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from engine.conversion.locate import Faces, LocatedFace
from engine.conversion.mask import Free
from engine.datasets.corrections import compose, to_crop, was_mended
from engine.faces.align import Alignment, apply, chip_matrix, fit_transform, invert
from engine.faces.dataset import landmarks_of, load_mask, transform_of
from engine.media import probe
from engine.media.pictures import list_pictures
from projects.face_query import of_source
from projects.faces import Face, FaceIndex
from projects.files import inside, sha256_file
from projects.people import Person

_MIDDLE = np.array([[0.5, 0.5]])


@dataclass(frozen=True)
class MaskByHand:
    """A mask and where it lies.

    mask: uint8 [CROP_SIZE, CROP_SIZE], 255 is face. matrix: float64 [2, 3], frame pixels to the
    mask's. middle: float64 [1, 2], the frame pixel in the middle of its face.
    """

    mask: npt.NDArray[np.uint8]
    matrix: npt.NDArray[np.float64]
    middle: npt.NDArray[np.float64]


MasksByHand = Mapping[int, Sequence[MaskByHand]]
"""The masks of a source's faces, by the frame's index."""


@dataclass(frozen=True)
class ByHand:
    """places: kept faces that were mended, by the frame's index. masks: of any face."""

    places: Mapping[int, Face] = field(default_factory=dict)
    masks: MasksByHand = field(default_factory=dict)


NOTHING_BY_HAND = ByHand()


def set_by_hand(person: Person, path: Path) -> ByHand:
    """What was corrected in the frames of `path`, known by its bytes, whatever its name is now.

    Raises:
        DamagedError: a mask cannot be read. MediaError: `path`.
    """
    masked = {file.stem for file in inside(person.root, "masks").glob("*.png")}
    with FaceIndex(person.index_path, readonly=True) as index:
        if not masked and not any(was_mended(crop) for crop in index.crops()):
            return NOTHING_BY_HAND
        places: dict[int, Face] = {}
        masks: dict[int, list[MaskByHand]] = {}
        for number, digest in _digests(path):
            for row in index.rows(of_source(digest)):
                mended = row.kept and was_mended(row.crop)
                if not mended and Path(row.crop).stem not in masked:
                    continue
                face = index.face(row.id)
                frame = row.frame if number is None else number
                if mended:
                    places[frame] = face
                mask = load_mask(person, face)
                if mask is not None:
                    middle = apply(invert(transform_of(face)), _MIDDLE)
                    masks.setdefault(frame, []).append(MaskByHand(mask, to_crop(face), middle))
    return ByHand(places, masks)


def placed_by_hand(found: Faces, by_hand: ByHand, alignment: Alignment, role: int = 0) -> Faces:
    """The located faces, with those of a role that a person mended where that person put them."""
    faces = dict(found)
    for frame, face in by_hand.places.items():
        landmarks = landmarks_of(face)
        there = faces.get(frame, ())
        placed = next(
            (one for one in there if one.role == role),
            LocatedFace(frame, -1, face.box, landmarks, transform_of(face), False, role),
        )
        mended = replace(
            placed,
            box=face.box,
            landmarks=landmarks,
            transform=fit_transform(landmarks, alignment),
            filled=False,
        )
        faces[frame] = (*(one for one in there if one.role != role), mended)
    return dict(sorted(faces.items()))


def mask_on(masks: Sequence[MaskByHand], transform: npt.NDArray[np.float64]) -> Free | None:
    """The mask of the face that `transform` (frame pixels to the unit chip) shows, on its chip."""
    for mask in masks:
        x, y = apply(transform, mask.middle)[0]
        if 0.25 < x < 0.75 and 0.25 < y < 0.75:
            return partial(_warped, mask, transform)
    return None


def _warped(
    hand: MaskByHand, transform: npt.NDArray[np.float64], size: int
) -> npt.NDArray[np.float32]:
    to_mask = compose(hand.matrix, invert(chip_matrix(transform, size)))
    shown = cv2.warpAffine(
        hand.mask,
        to_mask,
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(shown, np.float32) / np.float32(255)


def _digests(path: Path) -> Iterator[tuple[int | None, str]]:
    """The SHA-256 of a source; of a folder's pictures, each with its number among the frames."""
    if probe(path).kind != "images":
        yield None, sha256_file(path)
        return
    for number, picture in enumerate(list_pictures(path)):
        yield number, sha256_file(picture)
