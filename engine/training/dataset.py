"""A person's kept faces as crops with their masks, one after the other and never all at once."""

import hashlib
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.align import CROP_MARGIN, CROP_SIZE, apply, chip_matrix, crop, to_chip
from engine.faces.dataset import landmarks_of, load_crop, load_mask, transform_of
from engine.faces.details import detail_path, detail_side, load_detail
from engine.faces.masks import face_hull_mask
from engine.reporting import Reporter
from engine.training.augment import CHANNELS
from engine.training.holdout import split
from projects.errors import SwapdeckError
from projects.face_crop import crop_side
from projects.faces import Face, FaceIndex
from projects.files import inside
from projects.people import Person

EYES = (slice(36, 42), slice(42, 48))
MOUTH = (slice(48, 60),)
"""Landmarks around each eye, and around the lips."""
MOST_HELD = 32
"""Held-out faces that are looked at."""
AT_ONCE = 64
"""Crops that are made ahead of the one that is waited for."""


@dataclass(frozen=True)
class Held:
    """Some of the faces that were held out, spread evenly over them."""

    pixels: NDArray[np.uint8]
    """[M, R, R, 6], as `crops` gives them."""
    landmarks: NDArray[np.float32]
    """[M, 68, 2] in the unit chip."""


@dataclass(frozen=True)
class Dataset:
    """Which faces of a person are trained on; their crops are not read yet."""

    person: Person
    faces: tuple[Face, ...]
    """In a fixed order."""
    held: tuple[Face, ...]
    """Faces that are not trained on; none when there are too few to spare any."""
    fingerprint: str
    """SHA-256 over which faces these are, how they are aligned, and their masks by hand."""
    side: int
    """Of a crop, in pixels: R."""
    twins: bool
    """With CLAHE: each crop has an equalised twin, and those follow in the same order."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """[N, R, R, 6] of all crops; with twins N is twice the number of faces."""
        count = len(self.faces) * (2 if self.twins else 1)
        return count, self.side, self.side, CHANNELS

    @property
    def nbytes(self) -> int:
        """Bytes of all crops."""
        return int(np.prod(self.shape, dtype=np.int64))


def find_dataset(person: Person, size: int, clahe: bool, side: int | None = None) -> Dataset:
    """The kept faces of a person for chips of `size` pixels, as crops of `side`; without one, of
    as many pixels as there are of most of them, and as the chips need.

    Raises SwapdeckError when there are none.
    """
    with FaceIndex(person.index_path) as index:
        faces = sorted(index.faces(kept=True), key=lambda f: (f.source, f.frame, f.id))
    if not faces:
        raise SwapdeckError(
            f"{person.name} has no faces to train on. Bring footage in with 'swapdeck gather "
            f"{person.slug} FILE', then find the faces with 'swapdeck extract {person.slug}'."
        )
    parts = split(faces)
    fingerprint = _fingerprint(person, faces)
    side = side or _side(person, faces, crop_side(size))
    return Dataset(person, parts.train, parts.held, fingerprint, side, clahe)


def _side(person: Person, faces: Sequence[Face], needed: int) -> int:
    if needed <= CROP_SIZE:
        return needed
    there = sorted(
        detail_side(transform_of(face))
        if detail_path(person.root, face.crop).exists()
        else CROP_SIZE
        for face in faces
    )
    return min(needed, there[len(there) // 2])


def crops(dataset: Dataset) -> Generator[NDArray[np.uint8]]:
    """The crop of each face in order: uint8 [R, R, 6], red, green, blue, masks of face, eyes and
    mouth; CROP_MARGIN chips wide.

    A few are made ahead, so that all cores are busy and memory is not. Raises DamagedError.
    """
    return _crops(dataset.person, dataset.faces, dataset.side)


def load_held(dataset: Dataset) -> Held | None:
    """The held-out faces that are looked at; None where none are."""
    if not dataset.held:
        return None
    spread = np.linspace(0, len(dataset.held) - 1, MOST_HELD).astype(int)
    chosen = [dataset.held[i] for i in np.unique(spread)]
    landmarks = [to_chip(landmarks_of(face), transform_of(face)) for face in chosen]
    pixels = np.stack(list(_crops(dataset.person, chosen, dataset.side)))
    return Held(pixels, np.stack(landmarks))


def twins_of(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Twins of crops [M, R, R, 6] with their lightness equalised locally (Zuiderveld 1994)."""
    return np.stack([_equalised(picture) for picture in pictures])


def chunks(
    dataset: Dataset, size: int, reporter: Reporter
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """All crops, those of the twins too, as pieces of [N, R, R, 6]: where each piece begins, and
    uint8 [M, R, R, 6] with M up to `size`. Says how far it is. Raises DamagedError, StopRequested.
    """
    total, done = len(dataset.faces), 0
    stage = f"load {dataset.person.name}"
    reporter.event("stage", name=stage, total=total, unit="faces")
    with closing(crops(dataset)) as made:
        while piece := list(islice(made, size)):
            reporter.check()
            pictures = np.stack(piece)
            yield done, pictures
            if dataset.twins:
                yield total + done, twins_of(pictures)
            done += len(piece)
            reporter.event("progress", stage=stage, done=done, total=total)


def content_key(dataset: Dataset) -> str:
    """SHA-256 over all that decides the crops' bytes, but their files by date and size only."""
    digest = hashlib.sha256(f"{dataset.fingerprint} {dataset.shape} {dataset.twins}".encode())
    person, fine = dataset.person, dataset.side > CROP_SIZE
    for face in dataset.faces:
        paths = [inside(person.faces_dir, face.crop)]
        paths += [detail_path(person.root, face.crop)] if fine else []
        for path in paths:
            try:
                status = path.stat()
            except OSError:
                continue  # of a crop, reading it says so
            digest.update(f"{face.id} {status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()


def _crops(person: Person, faces: Sequence[Face], side: int) -> Generator[NDArray[np.uint8]]:
    make = partial(_picture, person, side)
    with ThreadPoolExecutor() as pool:
        waiting = iter(faces)
        made = [pool.submit(make, face) for face in islice(waiting, AT_ONCE)]
        try:
            while made:
                yield made.pop(0).result()
                made += [pool.submit(make, face) for face in islice(waiting, 1)]
        finally:
            for future in made:
                future.cancel()


def picture_of(
    image: NDArray[np.uint8],
    landmarks: NDArray[np.floating],
    transform: NDArray[np.float64],
    side: int,
) -> NDArray[np.uint8]:
    """A face that belongs to nobody's dataset, as `crops` would give it: uint8 [side, side, 6].

    image: uint8 [H, W, 3] RGB. landmarks: [68, 2] of its pixels. transform: float64 [2, 3], its
    pixels to the unit chip.
    """
    masks = _masks(landmarks, transform, side)
    return np.dstack([crop(image, transform, side, CROP_MARGIN), *masks])


def _picture(person: Person, side: int, face: Face) -> NDArray[np.uint8]:
    detail = load_detail(person.root, face.crop) if side > CROP_SIZE else None
    stored = load_crop(person, face) if detail is None else detail
    how = cv2.INTER_AREA if len(stored) >= side else cv2.INTER_CUBIC
    rgb = cv2.resize(stored, (side, side), interpolation=how)
    masks = _masks(landmarks_of(face), transform_of(face), side)
    free = load_mask(person, face)
    if free is not None:
        how = cv2.INTER_AREA if len(free) >= side else cv2.INTER_LINEAR
        shown = cv2.resize(free, (side, side), interpolation=how)
        masks = [np.asarray(cv2.multiply(m, shown, scale=1 / 255), np.uint8) for m in masks]
    return np.dstack([rgb, *masks])


def _masks(
    landmarks: NDArray[np.floating], transform: NDArray[np.float64], side: int
) -> list[NDArray[np.uint8]]:
    """Face, eyes and mouth in a crop: uint8 [side, side] each."""
    points = apply(chip_matrix(transform, side, CROP_MARGIN), landmarks)
    return [face_hull_mask(points, side), *(_filled(points, part, side) for part in (EYES, MOUTH))]


def _filled(
    points: NDArray[np.float64], features: tuple[slice, ...], side: int
) -> NDArray[np.uint8]:
    """The features with a soft border. points: [68, 2] pixels. Returns uint8 [side, side]."""
    mask = np.zeros((side, side), np.uint8)
    for feature in features:
        outline = cv2.convexHull(np.rint(points[feature]).astype(np.int32))
        cv2.fillConvexPoly(mask, outline, 255)
    grown = cv2.dilate(mask, np.ones((1 + side // 20, 1 + side // 20), np.uint8))
    return np.asarray(cv2.GaussianBlur(grown, (0, 0), side / 60), np.uint8)


def _equalised(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    lab = cv2.cvtColor(picture[..., :3], cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(clipLimit=2.0, tileGridSize=(4, 4)).apply(lab[..., 0])
    return np.dstack([cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), picture[..., 3:]])


def _fingerprint(person: Person, faces: list[Face]) -> str:
    digest = hashlib.sha256()
    for face in faces:
        digest.update(f"{face.source} {face.frame} {face.crop}".encode())
        digest.update(face.landmarks + face.transform)
        mask = load_mask(person, face)
        digest.update(b"" if mask is None else mask.tobytes())
    return digest.hexdigest()
