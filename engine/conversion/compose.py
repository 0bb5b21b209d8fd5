"""One frame's new picture, from what the model answered for a face in it.

Three steps, so that a pipeline can overlap frames and nothing pulses: `measure` looks at one frame
alone and keeps only what is small; `steady` weighs the frames of a track around one another; and
`compose` makes the picture. All three are pure, and run in any thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.conversion.blend import blend
from engine.conversion.colour import COLOURS
from engine.conversion.locate import LocatedFace
from engine.conversion.mask import Free, blend_mask
from engine.conversion.picture import PictureSettings
from engine.conversion.swapper import face_mask

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

AROUND = 7
"""Frames before and after one whose looks `steady` is given, at most."""
_SURE = 0.5


@dataclass(frozen=True)
class Decoded:
    """A located face and what the model answered for it.

    chip: uint8 [S, S, 3] RGB, what the frame shows. rgb: float32 [S, S, 3] RGB in 0..1, the new
    face. own: float32 [S, S, 3], the face of the frame by its own person's decoder. mask: float32
    [S, S] in 0..1, the one that the model learnt. free: what a person left of the face.
    """

    face: LocatedFace
    chip: Image
    rgb: Floats
    own: Floats
    mask: Floats
    free: Free | None = None


@dataclass(frozen=True)
class Look:
    """What is measured of a face in one frame and steadied along its track."""

    frame: int
    track: int


def seen(face: LocatedFace, free: Free | None, size: int) -> Image:
    """The face's outline on a chip, without what a mask by hand leaves out: uint8 [size, size]."""
    outline = face_mask(face.landmarks, face.transform, size)
    if free is None:
        return outline
    return np.asarray(np.rint(outline * free(size)), np.uint8)


def measure(decoded: Decoded, settings: PictureSettings) -> Look:
    """What one frame says of the light and of what covers the face; a few kilobytes at most."""
    return Look(decoded.face.frame, decoded.face.track)


def steady(looks: Sequence[Look], at: int) -> Look:
    """The look number `at` of consecutive ones, steadied by those of its own track.

    looks: up to AROUND before and after it; fewer at an end of a track or of the footage.
    """
    return looks[at]


def compose(image: Image, decoded: Decoded, look: Look, settings: PictureSettings) -> Image:
    """The frame with the new face in it, uint8 [H, W, 3] RGB; the one given is unchanged.

    Pixels outside the face's mask keep their bits. For several faces, one call follows another.
    """
    face, chip = decoded.face, decoded.chip
    mask = blend_mask(face.landmarks, face.transform, decoded.mask, settings, decoded.free)
    outline = seen(face, decoded.free, len(chip)) > 255 * _SURE
    inside = outline & (decoded.mask > _SURE)
    original = np.asarray(chip / 255, np.float32)
    rgb = COLOURS[settings.colour](decoded.rgb, decoded.own, original, inside)
    done = image.copy()
    blend(done, rgb, mask, face.transform, settings.opacity)
    return done
