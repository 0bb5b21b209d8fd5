"""What placement costs a decoder that makes no mistake: python -m engine.bench.placement.

The truth of the shipped scene is cut out where its own landmarks are, shrunk to a model's chip, and
laid back where a conversion would lay it, who has only seen the target. What is left of it inside
the face, in decibels, is the most that any model can reach in place.
"""

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from engine.avatars.demo import demo_clips
from engine.conversion.blend import blend
from engine.conversion.picture import PictureSettings
from engine.conversion.placement import TwoFaces, placed, proportions
from engine.conversion.smooth import smooth_transforms
from engine.faces.align import Alignment, crop, fit_transform
from engine.faces.detect import FaceFinder
from engine.media import open_frames
from engine.quality.exact import HALF, largest, load_mask
from engine.quality.fidelity import Fidelity, compare
from projects.errors import SwapdeckError

SIZE = 64


@dataclass(frozen=True)
class Ceilings:
    """Decibels inside the face, of a decoder that makes no mistake.

    classic: laid by a fit to all inner points of every frame. target: by eyes and bridge, steadied.
    own: by the source's proportions. exact: where it was cut out, which only the truth knows.
    """

    classic: float
    target: float
    own: float
    exact: float


def measure(size: int = SIZE, every: int = 1) -> Ceilings:
    """On every so many frames of the shipped scene. Raises MediaError, ModelError."""
    clips = demo_clips()
    finder = FaceFinder()
    scene, truth = (_Clip(path, finder) for path in (clips.scene, clips.truth))
    people = [
        proportions(_Clip(path, finder, every=4).landmarks)
        for path in (clips.source_training, clips.target_training)
    ]
    new, old = people
    if new is None or old is None:
        raise SwapdeckError("The shipped clips show too few faces. Install swapdeck again.")
    window = PictureSettings().smooth
    inside = load_mask(clips.truth_mask) >= HALF
    raw, exact_raw = (_fits(clip, Alignment.INNER) for clip in (scene, truth))
    steady, exact = (
        smooth_transforms(_fits(clip, Alignment.EYES_BRIDGE), window) for clip in (scene, truth)
    )
    own = np.stack([placed(one, TwoFaces(new, old)) for one in steady])

    def left(cut: NDArray[np.float64], place: NDArray[np.float64]) -> float:
        total = Fidelity()
        for i in range(0, len(scene.images), every):
            chip = crop(truth.images[i], cut[i], size)
            done = scene.images[i].copy()
            blend(done, np.asarray(chip / 255, np.float32), _whole(), place[i])
            total += compare(done, truth.images[i], inside[i])
        return total.psnr

    return Ceilings(left(exact_raw, raw), left(exact, steady), left(exact, own), left(exact, exact))


class _Clip:
    """A clip's frames and their faces' landmarks."""

    def __init__(self, path: Path, finder: FaceFinder, every: int = 1) -> None:
        self.images: list[NDArray[np.uint8]] = []
        self.landmarks: list[NDArray[np.float32]] = []
        with open_frames(path) as reader:
            for frame in reader:
                if frame.index % every:
                    continue
                found = largest(finder, frame.image)
                if found is None:
                    raise SwapdeckError(f"No face was found in frame {frame.index} of {path}.")
                self.images.append(frame.image)
                self.landmarks.append(found.landmarks)


def _fits(clip: _Clip, alignment: Alignment) -> NDArray[np.float64]:
    return np.stack([fit_transform(points, alignment) for points in clip.landmarks])


def _whole() -> NDArray[np.float32]:
    return np.pad(np.ones((126, 126), np.float32), 1)


@click.command()
@click.option("--size", default=SIZE, show_default=True, help="Side of a chip in pixels.")
def main(size: int) -> None:
    """Print the ceilings on the shipped scene."""
    found = measure(size)
    click.echo(f"a perfect decoder of {size} px, inside the face, in place:")
    click.echo(f"  {found.classic:.2f} dB  all inner points, frame by frame")
    click.echo(f"  {found.target:.2f} dB  eyes and bridge, steadied: the target's proportions")
    click.echo(f"  {found.own:.2f} dB  the source's own proportions")
    click.echo(f"  {found.exact:.2f} dB  where only the truth knows that it lies")


if __name__ == "__main__":
    main()
