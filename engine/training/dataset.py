"""A person's kept faces as one array that fits on the device."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.align import CROP_MARGIN, apply, chip_matrix, to_chip
from engine.faces.dataset import landmarks_of, load_crop, load_mask, transform_of
from engine.faces.masks import face_hull_mask
from engine.reporting import Reporter
from engine.training.augment import CHANNELS
from engine.training.holdout import split
from projects.errors import SwapdeckError
from projects.faces import Face, FaceIndex
from projects.people import Person

EYES = (slice(36, 42), slice(42, 48))
MOUTH = (slice(48, 60),)
"""Landmarks around each eye, and around the lips."""
MOST_HELD = 32
"""Held-out faces that are looked at."""


@dataclass(frozen=True)
class Held:
    """Some of the faces that were held out, spread evenly over them."""

    pixels: NDArray[np.uint8]
    """[M, R, R, 6], as `Dataset.pixels`."""
    landmarks: NDArray[np.float32]
    """[M, 68, 2] in the unit chip."""


@dataclass(frozen=True)
class Dataset:
    """Crops with their masks, ready for `augment.sample`."""

    pixels: NDArray[np.uint8]
    """[N, R, R, 6]: red, green, blue, masks of face, eyes and mouth; CROP_MARGIN chips wide.
    With CLAHE [2 N, ...]: the equalised twins follow."""
    fingerprint: str
    """SHA-256 over which faces these are, how they are aligned, and their masks by hand."""
    held: Held | None
    """Faces that are not trained on; None when there are too few to spare any."""


def load_dataset(person: Person, size: int, clahe: bool, reporter: Reporter) -> Dataset:
    """The kept faces of a person for chips of `size` pixels, in a fixed order.

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
    reporter.event("stage", name=f"load {person.name}", total=len(faces), unit="faces")
    pixels = _load(person, parts.train, size, reporter)
    if clahe:
        pixels = np.concatenate([pixels, np.stack([_equalised(picture) for picture in pixels])])
    return Dataset(
        pixels, _fingerprint(person, faces), _load_held(person, parts.held, size, reporter)
    )


def crop_side(size: int) -> int:
    """Side in pixels of the crops behind chips of `size` pixels: one pixel stays about one."""
    return 2 * round(size * CROP_MARGIN / 2)


def _load_held(person: Person, faces: Sequence[Face], size: int, reporter: Reporter) -> Held | None:
    if not faces:
        return None
    chosen = [faces[i] for i in np.unique(np.linspace(0, len(faces) - 1, MOST_HELD).astype(int))]
    landmarks = [to_chip(landmarks_of(face), transform_of(face)) for face in chosen]
    return Held(_load(person, chosen, size, reporter), np.stack(landmarks))


def _load(
    person: Person, faces: Sequence[Face], size: int, reporter: Reporter
) -> NDArray[np.uint8]:
    side = crop_side(size)
    pixels = np.empty((len(faces), side, side, CHANNELS), np.uint8)
    with ThreadPoolExecutor() as pool:
        for done, picture in enumerate(_pictures(pool, person, faces, side)):
            pixels[done] = picture
            if done % 64 == 0:
                reporter.check()
    return pixels


def _pictures(
    pool: ThreadPoolExecutor, person: Person, faces: Sequence[Face], side: int
) -> Iterator[NDArray[np.uint8]]:
    return pool.map(lambda face: _picture(person, face, side), faces)


def _picture(person: Person, face: Face, side: int) -> NDArray[np.uint8]:
    rgb = cv2.resize(load_crop(person, face), (side, side), interpolation=cv2.INTER_AREA)
    points = apply(chip_matrix(transform_of(face), side, CROP_MARGIN), landmarks_of(face))
    masks = [face_hull_mask(points, side), *(_filled(points, f, side) for f in (EYES, MOUTH))]
    free = load_mask(person, face)
    if free is not None:
        shown = cv2.resize(free, (side, side), interpolation=cv2.INTER_AREA)
        masks = [np.asarray(cv2.multiply(m, shown, scale=1 / 255), np.uint8) for m in masks]
    return np.dstack([rgb, *masks])


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
    """The same crop with its lightness equalised locally (Zuiderveld 1994)."""
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
