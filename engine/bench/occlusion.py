"""Whether what lies before a face stays there: python -m engine.bench.occlusion WORKSPACE SWAP.

A microphone and a hand of the skin's own colour are drawn before the face of the shipped scene, so
that every pixel that they cover is known. A trained swap of the demo's people
converts it as it would any footage, once with and once without them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from engine.avatars.demo import demo_clips
from engine.conversion.compose import AROUND, Decoded, Look, measure, seen, steady
from engine.conversion.locate import LocatedFace
from engine.conversion.occlusion import SIDE
from engine.conversion.picture import PictureSettings
from engine.conversion.smooth import smooth_transforms
from engine.conversion.swapper import Swapper, face_mask
from engine.faces.align import apply, chip_matrix, crop, fit_transform, invert
from engine.faces.detect import FaceFinder
from engine.media import open_frames
from engine.quality.exact import largest

Image = NDArray[np.uint8]
_FINGERS = ((0.02, 0.72), (0.085, 0.64), (0.15, 0.62), (0.215, 0.68))
"""Places and tips of a hand's fingers, in unit chips."""
Draw = Callable[[Image, NDArray[np.float64], int], Image]
"""Draws something into a mask of the frame, uint8 [H, W], for a face's transform and the frame's
number; what is drawn moves with the number."""


@dataclass(frozen=True)
class Kept:
    """frames: in which the face was found. overlap: intersection over union of what was found to
    lie before the face and what does, inside the face's outline, over all of them together. share:
    of the face that was taken for something else; of frames with nothing before them."""

    name: str
    frames: int
    overlap: float
    share: float


def measure_kept(swapper: Swapper, every: int = 1) -> list[Kept]:
    """Measure with nothing, a microphone and a hand before the face. Raises MediaError."""
    with open_frames(demo_clips().scene) as reader:
        images = [frame.image for frame in reader if frame.index % every == 0]
    finder = FaceFinder()
    found = [largest(finder, image) for image in images]
    clear = [(i, face.landmarks) for i, face in enumerate(found) if face is not None]
    return [_kept(name, draw, images, clear, swapper, finder) for name, draw in DRAWN.items()]


def _kept(
    name: str,
    draw: Draw,
    images: list[Image],
    clear: list[tuple[int, NDArray[np.float32]]],
    swapper: Swapper,
    finder: FaceFinder,
) -> Kept:
    shown, covers, numbers, landmarks = [], [], [], []
    for number, points in clear:
        image, cover = with_thing(images[number], draw, fit_transform(points), number)
        there = largest(finder, image)
        if there is not None:
            shown.append(image)
            covers.append(cover)
            numbers.append(number)
            landmarks.append(there.landmarks)
    places = smooth_transforms(
        np.stack([fit_transform(points) for points in landmarks]), PictureSettings().smooth
    )
    faces = [
        LocatedFace(number, 0, (0, 0, 1, 1), points, place, False)
        for number, points, place in zip(numbers, landmarks, places, strict=True)
    ]
    looks = [
        measure(image, one, PictureSettings())
        for image, one in zip(shown, decoded_faces(shown, faces, swapper), strict=True)
    ]
    both = either = taken = inside = 0
    for at, (face, cover) in enumerate(zip(faces, covers, strict=True)):
        first = max(0, at - AROUND)
        said = _said(steady(looks[first : at + AROUND + 1], at - first))
        hull = face_mask(face.landmarks, face.transform, SIDE) > 127
        true = (crop(np.dstack([cover] * 3), face.transform, SIDE)[..., 0] > 127) & hull
        said &= hull
        both += int((said & true).sum())
        either += int((said | true).sum())
        taken += int((said & ~true).sum())
        inside += int(hull.sum())
    return Kept(name, len(faces), both / either if either else 1.0, taken / inside)


def _said(look: Look) -> NDArray[np.bool_]:
    if look.cover is None:
        return np.zeros((SIDE, SIDE), np.bool_)
    return np.asarray(look.cover > 127, np.bool_)


def decoded_faces(
    images: list[Image], faces: list[LocatedFace], swapper: Swapper, batch: int = 16
) -> Iterator[Decoded]:
    size = swapper.size
    for start in range(0, len(faces), batch):
        some = faces[start : start + batch]
        chips = [crop(images[start + n], face.transform, size) for n, face in enumerate(some)]
        masks = [seen(face, None, size) for face in some]
        spare = batch - len(some)
        filled = np.stack(chips + [np.zeros_like(chips[0])] * spare)
        outlines = np.stack(masks + [np.zeros_like(masks[0])] * spare)
        rgb, learnt, own = swapper.both(filled, outlines, "source")
        for n, face in enumerate(some):
            yield Decoded(face, chips[n], rgb[n], own[n], learnt[n])


def with_thing(
    image: Image, draw: Draw, transform: NDArray[np.float64], number: int
) -> tuple[Image, Image]:
    """The frame with something before the face, and what of it that is: uint8 [H, W]."""
    mask = draw(np.zeros(image.shape[:2], np.uint8), transform, number)
    # Lit as the face is: brighter towards one side, with the frame's grain.
    skin = np.median(image[_around(image, transform)].reshape(-1, 3), axis=0)
    colour = np.array((38, 36, 40)) if draw is _microphone else skin * 0.92
    shade = np.linspace(0.85, 1.1, image.shape[1])[None, :, None]
    grain = np.random.default_rng(number).normal(0, 2, image.shape)
    thing = np.clip(colour * shade + grain, 0, 255)
    # Round, so darker towards its borders; and it throws a little shadow on what lies behind it.
    depth = cv2.distanceTransform((mask > 127).astype(np.uint8), cv2.DIST_L2, 3)
    thing = np.clip(thing * np.clip(0.68 + depth / 12, 0, 1)[..., None], 0, 255)
    shadow = cv2.GaussianBlur(mask, (0, 0), 4).astype(np.float32)[..., None] / 255
    image = np.asarray(np.rint(image * (1 - 0.25 * shadow)), np.uint8)
    share = cv2.GaussianBlur(mask, (0, 0), 0.7).astype(np.float32)[..., None] / 255
    return np.rint(image + (thing - image) * share).astype(np.uint8), mask


def _around(image: Image, transform: NDArray[np.float64]) -> tuple[slice, slice]:
    """Some of the cheeks and the nose."""
    (left, top), (right, bottom) = apply(
        invert(chip_matrix(transform, 1)), np.array([(-0.2, 0.0), (0.2, 0.1)])
    )
    return (
        slice(max(0, round(top)), max(1, round(bottom))),
        slice(max(0, round(left)), max(1, round(right))),
    )


def _nothing(mask: Image, transform: NDArray[np.float64], number: int) -> Image:
    return mask


def _microphone(mask: Image, transform: NDArray[np.float64], number: int) -> Image:
    sway = 0.06 * np.sin(number / 7)
    _line(mask, transform, (0.62 + sway, 1.3), (0.54 + sway, 0.78), 0.07)
    _line(mask, transform, (0.54 + sway, 0.76), (0.53 + sway, 0.70), 0.17)
    return mask


def _hand(mask: Image, transform: NDArray[np.float64], number: int) -> Image:
    rise = 0.08 * np.sin(number / 11)
    _line(mask, transform, (0.15, 1.35), (0.27, 0.92 - rise), 0.22)
    for x, tip in _FINGERS:
        _line(mask, transform, (0.12 + x, 1.0 - rise), (0.26 + 1.5 * x, tip - rise), 0.075)
    return mask


def _line(
    mask: Image,
    transform: NDArray[np.float64],
    start: tuple[float, float],
    end: tuple[float, float],
    width: float,
) -> None:
    """A thick line with round ends between two places of the unit chip."""
    ends = apply(invert(transform), np.array([start, end]))
    thick = max(1, round(width / float(np.sqrt(abs(np.linalg.det(transform[:, :2]))))))
    first, last = (tuple(np.rint(point).astype(int).tolist()) for point in ends)
    cv2.line(mask, first, last, 255, thick, cv2.LINE_AA)


DRAWN: dict[str, Draw] = {"nothing": _nothing, "microphone": _microphone, "hand": _hand}


@click.command()
@click.argument("workspace", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("swap")
def main(workspace: Path, swap: str) -> None:
    """Measure a swap that puts a face on the demo's target, as 'swapdeck demo' trains one."""
    from engine.training.inference import load_swapper
    from projects.swaps import get_swap
    from projects.workspace import open_workspace

    swapper, _ = load_swapper(get_swap(open_workspace(workspace), swap))
    click.echo("before the face  frames  overlap  face taken for something else")
    for kept in measure_kept(swapper):
        overlap = "-" if kept.name == "nothing" else f"{kept.overlap:.2f}"
        click.echo(f"{kept.name:<15}  {kept.frames:>6}  {overlap:>7}  {kept.share:.2%}")


if __name__ == "__main__":
    main()
