"""Identity-aware placement: the source's own proportions at the target's pose.

A chip is fitted to the eyes and the bridge of a nose. Where the bridge is longer, that fit puts the
eyes higher, so a face that is laid back by the target's fit has its eyes where the target's nose
would want them. People differ in this by up to 2 % of the face's height, which is the width of an
iris. What stays in place between two people at the same pose is the line of their eyes: so the new
face is moved, up or down the face, until its owner's usual eyes lie on the target's usual eyes.

Both are medians over the faces of a dataset, so that nothing is added that trembles. Measured with
the exact truth by `python -m engine.bench.placement`, which also tells what was tried and did not
help: other points, another scale, an own shape for each pose.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.conversion.complexion import Complexion, complexion
from engine.conversion.outline import MIRRORED, radii
from engine.faces.align import CROP_MARGIN, CROP_SIZE, Alignment, apply, chip_matrix, fit_transform
from engine.faces.dataset import landmarks_of, load_crop, transform_of
from engine.faces.masks import FOREHEAD, face_outline
from engine.faces.pose import head_pose
from engine.faces.template import EYE_LINE
from projects.errors import DamagedError
from projects.faces import Face, FaceIndex
from projects.people import Person

Floats = npt.NDArray[np.float64]

FEWEST: Final = 8
"""Fewer faces do not tell what is usual."""
_MOST: Final = 400
_LOOKED_AT: Final = 24
_TURNED: Final = 25.0
"""Degrees of yaw up to which a face shows its proportions."""
_EYES: Final = np.r_[36:48]


@dataclass(frozen=True)
class Proportions:
    """What the faces of a person have in common, in the unit chip.

    eyes: how far down the eyes lie. outline: float64 [RAYS], how far the outline is from the middle
    of the chip in each direction; see `engine.conversion.outline`. skin: the face's usual colour.
    """

    eyes: float
    outline: Floats
    skin: Complexion | None = None


@dataclass(frozen=True)
class TwoFaces:
    """The person whose face goes in, and the person whose footage it is."""

    new: Proportions
    old: Proportions


def proportions(
    landmarks: Sequence[npt.NDArray[np.floating]],
    alignment: Alignment = Alignment.EYES_BRIDGE,
    skin: Complexion | None = None,
) -> Proportions | None:
    """The medians over a person's faces, of each of which `landmarks` has [68, 2] frame pixels.

    skin: their usual colour. None where fewer than FEWEST of them look towards the camera.
    """
    frontal = [points for points in landmarks if abs(head_pose(points).yaw) <= _TURNED]
    if len(frontal) < FEWEST:
        return None
    shapes = [apply(fit_transform(points, alignment), points) for points in frontal]
    outlines = [radii(face_outline(shape, FOREHEAD)) for shape in shapes]
    eyes = float(np.median([shape[_EYES, 1].mean() for shape in shapes]))
    # Faces that turn to one side more often than to the other would make a lopsided outline.
    usual = np.median(outlines, axis=0)
    return Proportions(eyes, (usual + usual[MIRRORED]) / 2, skin)


def proportions_of(person: Person, alignment: Alignment) -> Proportions | None:
    """Those of the kept faces of a dataset; of some of them, evenly, where there are many."""
    with FaceIndex(person.index_path, readonly=True) as index:
        faces = index.faces(kept=True)
    chosen = _some(faces, _MOST)
    skin = complexion(_pictures(person, _some(faces, _LOOKED_AT)))
    return proportions([landmarks_of(face) for face in chosen], alignment, skin)


def _some(faces: Sequence[Face], most: int) -> Sequence[Face]:
    return faces[:: max(1, -(-len(faces) // most))]


def _pictures(
    person: Person, faces: Sequence[Face]
) -> Iterator[tuple[npt.NDArray[np.uint8], npt.NDArray[np.floating]]]:
    """Stored crops, and the landmarks in their pixels; without those that are not there any more,
    of which `faces doctor` tells."""
    for face in faces:
        try:
            picture = load_crop(person, face)
        except DamagedError:
            continue
        to_crop = chip_matrix(transform_of(face), CROP_SIZE, CROP_MARGIN)
        yield picture, apply(to_crop, landmarks_of(face))


def placed(transform: Floats, two: TwoFaces | None, scale: float = 1.0) -> Floats:
    """Where the new face goes: float64 [2, 3], frame pixels to the unit chip.

    transform: where the old one was cut out, likewise. two: whose proportions differ; None for
    faces that are taken to be alike. scale: how much larger than life the new face is, around the
    middle of its eyes.
    """
    down = 0.0 if two is None else two.old.eyes - two.new.eyes
    eyes = np.array([0.5, EYE_LINE if two is None else two.new.eyes])
    moved = transform.copy()
    moved[1, 2] -= down
    moved /= scale
    moved[:, 2] += eyes * (1 - 1 / scale)
    return moved
