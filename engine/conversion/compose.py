"""One frame's new picture, from what the model answered for a face in it.

Three steps, so that a pipeline can overlap frames and nothing pulses: `measure` looks at one frame
alone and keeps only what is small; `steady` weighs the frames of a track around one another; and
`compose` makes the picture. All three are pure, and run in any thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.conversion.blend import Finish, blend, laid
from engine.conversion.colour import coloured, measured_colour
from engine.conversion.grain import Texture, matched, sharpened, texture
from engine.conversion.locate import LocatedFace
from engine.conversion.mask import FINE, Free, blend_mask, moved
from engine.conversion.outline import bent, radii
from engine.conversion.picture import PictureSettings
from engine.conversion.placement import TwoFaces, placed
from engine.conversion.smooth import weighed
from engine.conversion.swapper import face_mask
from engine.conversion.transport import Numbers
from engine.faces.align import apply
from engine.faces.masks import FOREHEAD, face_outline

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

AROUND: Final = 7
"""Frames before and after one whose looks `steady` is given, at most."""
_SURE: Final = 0.5


@dataclass(frozen=True, eq=False)
class Decoded:
    """A located face and what the model answered for it.

    chip: uint8 [S, S, 3] RGB, what the frame shows. rgb: float32 [S, S, 3] RGB in 0..1, the new
    face. own: float32 [S, S, 3], the face of the frame by its own person's decoder. mask: float32
    [S, S] in 0..1, the one that the model learnt. free: what a person left of the face. two: whose
    proportions the new face has, and whose the old one; None where that is not known.
    """

    face: LocatedFace
    chip: Image
    rgb: Floats
    own: Floats
    mask: Floats
    free: Free | None = None
    two: TwoFaces | None = None


@dataclass(frozen=True, eq=False)
class Look:
    """What is measured of a face in one frame and steadied along its track.

    colour: what the matcher named `matcher` goes by. texture: how sharp and grainy the old face is.
    Each is None where the frame does not tell, or nobody asks.
    """

    frame: int
    track: int
    matcher: str
    colour: Numbers | None = None
    texture: Texture | None = None


def needs_own(settings: PictureSettings) -> bool:
    """Whether `Decoded.own` is looked at; where not, it may be anything."""
    return settings.colour == "light"


def seen(face: LocatedFace, free: Free | None, size: int) -> Image:
    """The face's outline on a chip, without what a mask by hand leaves out: uint8 [size, size]."""
    outline = face_mask(face.landmarks, face.transform, size)
    if free is None:
        return outline
    return np.asarray(np.rint(outline * free(size)), np.uint8)


def measure(image: Image, decoded: Decoded, settings: PictureSettings) -> Look:
    """What one frame says of the light on a face and of its grain; a few kilobytes at most.

    image: uint8 [H, W, 3] RGB, the frame that `decoded` is of.
    """
    face, size = decoded.face, len(decoded.chip)
    outline = seen(face, decoded.free, size)
    inside = (outline > 255 * _SURE) & (decoded.mask > _SURE)
    original = np.asarray(decoded.chip / 255, np.float32)
    colour = measured_colour(settings.colour, decoded.rgb, decoded.own, original, inside)
    of_skin = None
    if settings.grain > 0:
        part, weight = laid(image, inside.astype(np.float32), face.transform)
        of_skin = None if part is None else texture(part, weight)
    return Look(face.frame, face.track, settings.colour, colour, of_skin)


def steady(looks: Sequence[Look], at: int) -> Look:
    """The look number `at` of consecutive ones, steadied by those of its own track.

    looks: up to AROUND before and after it; fewer at an end of a track or of the footage.
    """
    now = looks[at]
    own = [
        look
        for look in looks
        if (look.track, look.matcher) == (now.track, now.matcher)
        and abs(look.frame - now.frame) <= AROUND
    ]
    away = [look.frame - now.frame for look in own]
    colour = weighed([look.colour for look in own], away, AROUND)
    textures = [
        None if look.texture is None else np.array([look.texture.grain, look.texture.detail])
        for look in own
    ]
    skin = weighed(textures, away, AROUND)
    return Look(
        now.frame,
        now.track,
        now.matcher,
        colour,
        None if skin is None else Texture(float(skin[0]), float(skin[1])),
    )


def compose(image: Image, decoded: Decoded, look: Look, settings: PictureSettings) -> Image:
    """The frame with the new face in it, uint8 [H, W, 3] RGB; the one given is unchanged.

    Pixels outside the face's mask keep their bits. For several faces, one call follows another.
    """
    face = decoded.face
    two = decoded.two if settings.placement == "own" else None
    place = placed(face.transform, two, settings.scale)
    rgb, learnt = coloured(settings.colour, decoded.rgb, look.colour), decoded.mask
    if two is not None and settings.outline > 0:
        goal = radii(face_outline(apply(place, face.landmarks), FOREHEAD))
        factors = 1 + (two.new.outline / two.old.outline - 1) * settings.outline
        rgb, learnt = bent(rgb, goal, factors), bent(learnt, goal, factors)
    free = None if decoded.free is None else moved(decoded.free(FINE), face.transform, place)
    mask = blend_mask(face.landmarks, place, learnt, settings, free)
    done = image.copy()
    blend(done, rgb, mask, place, settings.opacity, settings.blend, _finish(look, settings))
    return done


def _finish(look: Look, settings: PictureSettings) -> Finish | None:
    """What is done to the new face at the frame's resolution."""
    if look.texture is None and settings.sharpen == 0:
        return None
    return partial(_finished, look=look, settings=settings)


def _finished(
    part: Floats, face: Floats, weight: Floats, look: Look, settings: PictureSettings
) -> Floats:
    if look.texture is not None:
        face = matched(face, weight, look.texture, look.frame, settings.grain)
    return sharpened(face, settings.sharpen)
