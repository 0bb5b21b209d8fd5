"""The pictures of docs/conversion.md: python -m engine.bench.pictures WORKSPACE SWAP FOLDER.

Made of rendered people only, with a trained swap of the demo's.
"""

from dataclasses import replace
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from engine.avatars.demo import demo_clips
from engine.bench.occlusion import DRAWN, decoded_faces, with_thing
from engine.conversion.compose import Decoded, compose, measure, steady
from engine.conversion.locate import LocatedFace
from engine.conversion.picture import PictureSettings
from engine.conversion.placement import TwoFaces, proportions_of
from engine.conversion.swapper import Swapper
from engine.faces.align import Alignment, crop, fit_transform
from engine.faces.detect import FaceFinder
from engine.media import open_frames
from engine.quality.exact import largest
from projects.errors import SwapdeckError

Image = NDArray[np.uint8]
_SIDE = 220
_MARGIN = 1.25
_GAP = 6


def shown(
    images: list[Image], swapper: Swapper, two: TwoFaces | None, choices: list[PictureSettings]
) -> Image:
    """A row an image: the frame, then what each choice makes of it. Raises SwapdeckError."""
    faces = []
    finder = FaceFinder()
    for number, image in enumerate(images):
        found = largest(finder, image)
        if found is None:
            raise SwapdeckError(f"No face was found in picture {number}. Choose another frame.")
        place = fit_transform(found.landmarks)
        faces.append(LocatedFace(number, number, found.box, found.landmarks, place, False))
    rows = []
    for image, decoded in zip(images, decoded_faces(images, faces, swapper), strict=True):
        one = replace(decoded, two=two)
        row = [image, *(_composed(image, one, settings) for settings in choices)]
        cells = [crop(picture, one.face.transform, _SIDE, _MARGIN) for picture in row]
        rows.append(_joined(cells, 1))
    return _joined(rows, 0)


def _composed(image: Image, decoded: Decoded, settings: PictureSettings) -> Image:
    look = steady([measure(image, decoded, settings)], 0)
    return compose(image, decoded, look, settings)


def _joined(cells: list[Image], axis: int) -> Image:
    shape = list(cells[0].shape)
    shape[axis] = _GAP
    gap = np.full(shape, 255, np.uint8)
    parts = [part for cell in cells for part in (cell, gap)][:-1]
    return np.concatenate(parts, axis=axis)


@click.command()
@click.argument("workspace", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("swap")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(workspace: Path, swap: str, folder: Path) -> None:
    """Write conversion-colour.png, conversion-place.png and conversion-cover.png into FOLDER."""
    from engine.training.inference import load_swapper
    from projects.people import get_person
    from projects.swaps import get_swap
    from projects.workspace import open_workspace

    space = open_workspace(workspace)
    one = get_swap(space, swap)
    swapper, _ = load_swapper(one)
    people = (get_person(space, slug) for slug in (one.source, one.target))
    new, old = (proportions_of(person, Alignment.EYES_BRIDGE) for person in people)
    two = None if new is None or old is None else TwoFaces(new, old)
    with open_frames(demo_clips().scene) as reader:
        frames = [frame.image for frame in reader]
    first, second = frames[4], frames[70]
    finder = FaceFinder()
    covered = []
    for name, image in (("microphone", first), ("hand", frames[36])):
        found = largest(finder, image)
        if found is not None:
            covered.append(with_thing(image, DRAWN[name], fit_transform(found.landmarks), 4)[0])
    plain = PictureSettings()
    pictures = {
        "colour": ([first], [replace(plain, colour=name) for name in ("light", "lab", "mkl")]),
        "place": (
            [first, second],
            [
                replace(plain, placement="target"),
                plain,
                replace(plain, outline=1.0),
                replace(plain, scale=1.15),
            ],
        ),
        "cover": (covered, [replace(plain, occlusion=False), plain]),
    }
    for name, (images, choices) in pictures.items():
        made = shown(images, swapper, two, choices)
        path = folder / f"conversion-{name}.png"
        path.write_bytes(cv2.imencode(".png", cv2.cvtColor(made, cv2.COLOR_RGB2BGR))[1].tobytes())
        click.echo(f"{path}")


if __name__ == "__main__":
    main()
