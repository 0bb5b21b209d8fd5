"""What lies before a face, a hand, a microphone, hair, and has to stay before the new one.

Nothing here was learnt from other people's pictures. The model has learnt how the target's face
looks, and has never seen what may cover it: where the frame differs from the target's face as the
model renders it, by more than misplaced edges would explain, it is not that face. This tells where
something surely is and where surely nothing is; between them the border is put along the edges of
the picture, by flooding it from both (F. Meyer, "Color image segmentation", 1992), and softened by
a guided filter (K. He, J. Sun and X. Tang, "Guided image filtering", ECCV 2010).
"""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from engine.conversion.colour import to_lab
from engine.conversion.inside import medians, pixels_in
from engine.conversion.locate import LocatedFace
from engine.conversion.swapper import face_mask
from engine.faces.align import crop

Floats = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

SIDE: Final = 128
"""Pixels a side in which borders are found."""
_CLEAR: Final = 0.9
"""Unlikeness below which it is the face. Where nothing covers it, 9 pixels of 10 stay below 0.6 on
footage that was trained on, and below 1.5 on other footage of the person."""
_COVERED: Final = 3.2
"""Unlikeness above which it is something else."""
_HEIGHT: Final = 0.65
_STRANGE: Final = 14.0
"""Difference in L*a*b* from which the picture beside a face is not what the model expects there."""
_FAMILIAR: Final = 7.0
_FEWEST: Final = 0.02
"""The least share of a face, not counting its rim, that something before it covers."""
_RIM: Final = 9
_POOR: Final = 1.5
"""A model whose rendering differs by so much all over says nothing about a frame."""
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
_BESIDE, _ON, _BEFORE = 3, 1, 2


def covered(image: Image, face: LocatedFace, chip: Image, own: Floats) -> Floats | None:
    """How much of each pixel something else covers: float32 [SIDE, SIDE] in 0..1 over the unit
    chip of the face; None where nothing does.

    image: uint8 [H, W, 3] RGB, the frame. chip: uint8 [S, S, 3], cut from it. own: float32 [S, S,
    3] in 0..1, the same face as the model renders it.
    """
    unlike, differs, usual = _unlikeness(face, chip, own)
    if usual > _POOR:
        return None
    hull = face_mask(face.landmarks, face.transform, SIDE) > 127
    if int((_core(hull) & (unlike > _CLEAR)).sum()) < _FEWEST / 2 * int(hull.sum()):
        return None
    picture = crop(image, face.transform, SIDE)
    seeds = _seeds(unlike, differs, hull)
    flooded = np.asarray(cv2.watershed(cv2.GaussianBlur(picture, (0, 0), 1.0), seeds), np.int32)
    before = _large(_without_lines(flooded) & hull, hull)
    if not before.any():
        return None
    # Beyond the border of the face it goes on, or the filter would let the face shine through.
    near = cv2.dilate(before.astype(np.uint8), np.ones((_RIM, _RIM), np.uint8)) > 0
    wide = before | ((flooded == _BEFORE) & near & ~hull)
    return guided(np.asarray(picture @ _LUMA / 255, np.float32), wide.astype(np.float32))


def _unlikeness(face: LocatedFace, chip: Image, own: Floats) -> tuple[Floats, Floats, float]:
    """In how many usual errors the frame differs from the rendering, and by how much in L*a*b*,
    float32 [SIDE, SIDE] each; and the median of the first inside the face."""
    size = len(chip)
    k = size / 64
    inside = face_mask(face.landmarks, face.transform, size) > 127
    # A rendering is a little softer than what it renders.
    frame = _blurred(to_lab(np.asarray(chip / 255, np.float32)), 1.3 * k)
    model = _in_the_light_of(frame, _blurred(to_lab(own), 1.0 * k), inside)
    differs = np.sqrt((frame - model) ** 2 @ np.array([1, 1.5, 1.5], np.float32))
    mx, my = _slopes(model[..., 0])
    fx, fy = _slopes(frame[..., 0])
    # Where the face has edges of its own, a pixel's shift makes a difference.
    edges = _blurred(np.hypot(mx, my), 1.5 * k) * k
    other_edges = _blurred(np.hypot(fx - mx, fy - my), 1.5 * k) * k
    unlike = _blurred(differs, 1.5 * k) / (3 + 3 * edges) + other_edges / (0.8 + 1.2 * edges)
    usual = float(medians(pixels_in(inside, unlike))[0]) if inside.any() else np.inf
    return _enlarged(unlike), _enlarged(differs), usual


def _in_the_light_of(frame: Floats, model: Floats, inside: Mask) -> Floats:
    """The rendering with the frame's median and spread in each channel, whatever covers a part."""
    if not inside.any():
        return model
    ours, theirs = pixels_in(inside, model), pixels_in(inside, frame)
    middle, wanted = medians(ours), medians(theirs)
    gain = medians(np.abs(theirs - wanted)) / np.maximum(medians(np.abs(ours - middle)), 0.3)
    return np.asarray((model - middle) * np.clip(gain, 0.7, 1.4) + wanted, np.float32)


def _seeds(unlike: Floats, differs: Floats, hull: Mask) -> npt.NDArray[np.int32]:
    """What is sure, for the flood: int32 [SIDE, SIDE], 0 where nothing is."""
    disc = np.ones((3, 3), np.uint8)
    outside = cv2.dilate(hull.astype(np.uint8), disc, iterations=2) == 0
    on = cv2.erode((hull & (unlike < _CLEAR)).astype(np.uint8), disc) > 0
    strange = cv2.erode((outside & (differs > _STRANGE)).astype(np.uint8), disc, iterations=2) > 0
    # The unlikeness is blurred, so only its heights are surely within what covers the face.
    heights = unlike > np.maximum(_COVERED, _HEIGHT * cv2.dilate(unlike, np.ones((15, 15))))
    seeds = np.zeros(hull.shape, np.int32)
    seeds[on] = _ON
    seeds[strange | (hull & heights)] = _BEFORE
    seeds[outside & (differs < _FAMILIAR)] = _BESIDE
    return seeds


def _without_lines(flooded: npt.NDArray[np.integer]) -> Mask:
    """What was flooded as lying before the face, up to the middle of the lines between."""
    before = (flooded == _BEFORE).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(before, cv2.MORPH_CLOSE, np.ones((3, 3))) > 0, np.bool_)


def _large(before: Mask, hull: Mask) -> Mask:
    """Without the specks, which are the face's own shadows and the rim of its outline."""
    core = _core(hull)
    count, labels = cv2.connectedComponents(before.astype(np.uint8))
    reach = np.bincount(labels[core], minlength=count)
    kept = reach >= _FEWEST * int(hull.sum())
    kept[0] = False
    return np.asarray(kept[labels], np.bool_)


def _core(hull: Mask) -> Mask:
    return np.asarray(cv2.erode(hull.astype(np.uint8), np.ones((_RIM, _RIM), np.uint8)) > 0)


def guided(guide: Floats, mask: Floats, radius: int = 3, smooth: float = 1e-3) -> Floats:
    """The mask's border drawn to the edges of the guide; both float32 [N, N] in 0..1.

    smooth: variance of the guide below which its edges do not count.
    """
    side = (2 * radius + 1, 2 * radius + 1)
    mean, wanted = cv2.blur(guide, side), cv2.blur(mask, side)
    slope = (cv2.blur(guide * mask, side) - mean * wanted) / (
        cv2.blur(guide * guide, side) - mean * mean + smooth
    )
    level = wanted - slope * mean
    drawn = cv2.blur(slope, side) * guide + cv2.blur(level, side)
    return np.asarray(np.clip(drawn, 0, 1), np.float32)


def _slopes(picture: Floats) -> tuple[Floats, Floats]:
    return (
        np.asarray(cv2.Sobel(picture, cv2.CV_32F, 1, 0) / 8, np.float32),
        np.asarray(cv2.Sobel(picture, cv2.CV_32F, 0, 1) / 8, np.float32),
    )


def _blurred(picture: Floats, radius: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), radius), np.float32)


def _enlarged(picture: Floats) -> Floats:
    side = (SIDE, SIDE)
    return np.asarray(cv2.resize(picture, side, interpolation=cv2.INTER_LINEAR), np.float32)
