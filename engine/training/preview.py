"""A picture of what the model can do now: a row for each of a few faces."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import cv2
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from engine.media.pictures import save_png
from engine.training.augment import hide, look_up, place
from engine.training.model import PEOPLE, Model, Params
from engine.training.settings import Augmentation, TrainSettings

ROWS = 3
MOST = 240
"""Previews of a swap that are kept, to look back through a training."""
SCALE = 2
_STILL = Augmentation(rotate=0.0, zoom=0.0, shift=0.0, flip=0.0, warp=0.0)

Draw = Callable[[Params, Path], None]


def previewer(
    model: Model, settings: TrainSettings, pixels: Mapping[str, jax.Array], margin: float
) -> Draw:
    """A function that writes the preview of some parameters to a PNG file.

    pixels: by role, uint8 [N, R, R, 6]. Columns: source, its reconstruction, target, its
    reconstruction, target as source. Rows: faces spread evenly over `pixels`, the same ones each
    time.
    """
    still = jax.jit(partial(_still_chips, size=model.preset.size, margin=margin))
    shown = {person: still(pixels[person]) for person in PEOPLE}

    @jax.jit
    def decode(params: Params) -> list[jax.Array]:
        source, target = (_code(model, params, shown[p], settings) for p in PEOPLE)
        return [
            shown["source"][..., :3],
            model.decode(params, "source", source)[0],
            shown["target"][..., :3],
            model.decode(params, "target", target)[0],
            model.decode(params, "source", target)[0],
        ]

    def draw(params: Params, path: Path) -> None:
        save_png(path, _grid([np.asarray(column) for column in decode(params)]))

    return draw


def thin_previews(folder: Path, spare: Sequence[int], most: int = MOST) -> None:
    """Delete every other preview of the older half once there are more than `most`.

    What is left is dense where the training is now and still reaches back to its beginning. The
    first, and those of the steps in `spare`, stay.
    """
    found = sorted(path for path in folder.glob("*.png") if path.stem.isdigit())
    if len(found) <= most:
        return
    for path in found[1 : len(found) // 2 : 2]:
        if int(path.stem) not in spare:
            path.unlink(missing_ok=True)


def _still_chips(pixels: jax.Array, size: int, margin: float) -> jax.Array:
    """float32 [ROWS, S, S, 6] in 0..1 of faces spread over the dataset, unaltered."""
    index = jnp.linspace(0, pixels.shape[0] - 1, ROWS).round().astype(jnp.int32)
    return look_up(pixels, index, place(jax.random.key(0), ROWS, size, _STILL), margin)


def _code(model: Model, params: Params, chips: jax.Array, settings: TrainSettings) -> jax.Array:
    rgb = chips[..., :3]
    if settings.masked:
        rgb = hide(rgb, chips[..., 3:4])
    return model.encode(params, rgb)


def _grid(columns: list[NDArray[np.float32]]) -> NDArray[np.uint8]:
    """Columns of float32 [ROWS, S, S, 3] in 0..1 as one uint8 picture [H, W, 3]."""
    picture = np.concatenate([np.concatenate(list(column)) for column in columns], axis=1)
    small = np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(
        cv2.resize(small, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC), np.uint8
    )
