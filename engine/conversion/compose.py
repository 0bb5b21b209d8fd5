"""One frame's new picture, from what the model answered for a face in it.

Three steps, so that a pipeline can overlap frames and nothing pulses: `measure` looks at one frame
alone and keeps only what is small; `steady` weighs the frames of a track around one another; and
`compose` makes the picture. All three are pure, and run in any thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from engine.conversion.blend import Finish, blend, laid
from engine.conversion.colour import coloured, measured_colour
from engine.conversion.complexion import filmed_alike
from engine.conversion.grain import Texture, matched, sharpened, texture
from engine.conversion.locate import LocatedFace
from engine.conversion.mask import FINE, Free, blend_mask, moved
from engine.conversion.occlusion import covered
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
_MOVING: Final = 2
"""Frames before and after one whose covers count: a hand does not wait."""
_SURE: Final = 0.5
AUTO: Final = "auto"
"""The choice of a matcher by the two people, of a blender by the matcher, and of a mask by that."""


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
    cover: uint8 [C, C], 0 to 255, how much of the old face something else covers. Each is None
    where the frame does not tell, where nothing covers it, or nobody asks.
    """

    frame: int
    track: int
    matcher: str
    colour: Numbers | None = None
    texture: Texture | None = None
    cover: Image | None = None


def needs_own(settings: PictureSettings) -> bool:
    """Whether `Decoded.own` is looked at; where not, it may be anything."""
    return settings.colour in (AUTO, "light") or settings.occlusion


def matcher_for(settings: PictureSettings, two: TwoFaces | None) -> str:
    """The name in MATCHERS of the matcher that is used for two people.

    By itself, the new face keeps its complexion, as far as that is the person's and not the
    camera's: where both people's footage has the colours of one and the same camera.
    """
    if settings.colour != AUTO:
        return settings.colour
    return "light" if two is not None and filmed_alike(two.new.skin, two.old.skin) else "lab"


def blender_for(settings: PictureSettings, matcher: str) -> str:
    """The name in BLENDERS of the blender that is used with a matcher.

    By itself, a face that is to have the frame's colours has them up to its edge; one that keeps
    its own is not drawn to the frame's.
    """
    if settings.blend != AUTO:
        return settings.blend
    return "feather" if matcher in ("light", "none") else "poisson"


def shape_for(settings: PictureSettings, matcher: str) -> str:
    """The name in SHAPES of the mask that is used with a matcher.

    By itself, a face that is drawn to the colours along its edge ends on skin, so that it is not
    drawn to those of hair; any other reaches as far as there is a face.
    """
    if settings.mask != AUTO:
        return settings.mask
    return "both" if blender_for(settings, matcher) == "poisson" else "wide"


def seen(face: LocatedFace, free: Free | None, size: int) -> Image:
    """The face's outline on a chip, without what a mask by hand leaves out: uint8 [size, size]."""
    outline = face_mask(face.landmarks, face.transform, size)
    if free is None:
        return outline
    return np.asarray(np.rint(outline * free(size)), np.uint8)


def measure(image: Image, decoded: Decoded, settings: PictureSettings) -> Look:
    """What one frame says of the light on a face, of its grain and of what covers it; about 20 KB.

    image: uint8 [H, W, 3] RGB, the frame that `decoded` is of.
    """
    face, size = decoded.face, len(decoded.chip)
    outline = seen(face, decoded.free, size)
    inside = (outline > 255 * _SURE) & (decoded.mask > _SURE)
    cover = covered(image, face, decoded.chip, decoded.own) if settings.occlusion else None
    if cover is not None:
        inside &= cv2.resize(cover, (size, size), interpolation=cv2.INTER_AREA) < 1 - _SURE
    original = np.asarray(decoded.chip / 255, np.float32)
    matcher = matcher_for(settings, decoded.two)
    colour = measured_colour(matcher, decoded.rgb, decoded.own, original, inside)
    of_skin = None
    if settings.grain > 0 or settings.sharpness > 0:
        part, weight = laid(image, inside.astype(np.float32), face.transform)
        of_skin = None if part is None else texture(part, weight)
    kept = None if cover is None else np.rint(cover * 255).astype(np.uint8)
    return Look(face.frame, face.track, matcher, colour, of_skin, kept)


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
        _steady_cover(own, now.frame),
    )


def _steady_cover(looks: Sequence[Look], frame: int) -> Image | None:
    """What covers the face by the majority of the frames around one."""
    near = [look for look in looks if abs(look.frame - frame) <= _MOVING]
    side = next((len(look.cover) for look in near if look.cover is not None), 0)
    if not side:
        return None
    nothing = np.zeros((side, side), np.uint8)
    covers = [(nothing if look.cover is None else look.cover).astype(np.float64) for look in near]
    mean = weighed(covers, [look.frame - frame for look in near], _MOVING)
    # Between a third and two thirds of the votes the border is soft.
    return None if mean is None else np.clip(mean * 3 - 255, 0, 255).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Layout:
    """What is laid into a frame, and where. place: float64 [2, 3], frame pixels to the unit chip.
    rgb: float32 [S, S, 3] in 0..1. mask: float32 [M, M], its weight. cover: float32 [C, C], what
    stays before it, or None. All over the unit chip of `place`."""

    place: npt.NDArray[np.float64]
    rgb: Floats
    mask: Floats
    cover: Floats | None


def layout(decoded: Decoded, look: Look, settings: PictureSettings) -> Layout:
    """The new face as it is laid into its frame, before it is blended."""
    face = decoded.face
    two = decoded.two if settings.placement == "own" else None
    place = placed(face.transform, two, settings.scale)
    rgb, learnt = coloured(look.matcher, decoded.rgb, look.colour), decoded.mask
    if two is not None and settings.outline > 0:
        goal = radii(face_outline(apply(place, face.landmarks), FOREHEAD))
        factors = 1 + (two.new.outline / two.old.outline - 1) * settings.outline
        rgb, learnt = bent(rgb, goal, factors), bent(learnt, goal, factors)
    free = None if decoded.free is None else moved(decoded.free(FINE), face.transform, place)
    shape = shape_for(settings, look.matcher)
    mask = blend_mask(face.landmarks, place, learnt, shape, settings, free)
    cover = None
    if look.cover is not None:
        cover = moved(np.asarray(look.cover / 255, np.float32), face.transform, place)
    return Layout(place, rgb, mask, cover)


def compose(image: Image, decoded: Decoded, look: Look, settings: PictureSettings) -> Image:
    """The frame with the new face in it, uint8 [H, W, 3] RGB; the one given is unchanged.

    Pixels outside the face's mask keep their bits. For several faces, one call follows another.
    """
    laid_out = layout(decoded, look, settings)
    done = image.copy()
    blend(
        done,
        laid_out.rgb,
        laid_out.mask,
        laid_out.place,
        settings.opacity,
        blender_for(settings, look.matcher),
        _finish(look, settings),
        laid_out.cover,
    )
    return done


def matte(shape: tuple[int, ...], laid_out: Layout, settings: PictureSettings) -> Image:
    """How much of a frame of a shape [H, W, 3] is the new face: uint8 [H, W], 255 is all of it."""
    white, black = np.ones_like(laid_out.rgb), np.zeros(shape, np.uint8)
    blend(
        black,
        white,
        laid_out.mask,
        laid_out.place,
        settings.opacity,
        "feather",
        cover=laid_out.cover,
    )
    return black[..., 0]


def _finish(look: Look, settings: PictureSettings) -> Finish | None:
    """What is done to the new face at the frame's resolution."""
    if look.texture is None and settings.sharpen == 0:
        return None
    return partial(_finished, look=look, settings=settings)


def _finished(
    part: Floats, face: Floats, weight: Floats, look: Look, settings: PictureSettings
) -> Floats:
    if look.texture is not None:
        face = matched(face, weight, look.texture, look.frame, settings.sharpness, settings.grain)
    return sharpened(face, settings.sharpen)
