"""A trained swap, ready to decode chips."""

from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from engine.compilation import use_compilation_cache
from engine.conversion.swapper import OTHER, Who
from engine.nets.presets import get_preset
from engine.training.augment import hide
from engine.training.checkpoint import load_state, read_settings
from engine.training.model import Model, Params, build
from engine.training.settings import TrainSettings
from engine.training.step import state_shapes
from projects import checkpoints
from projects.errors import SwapdeckError
from projects.files import sha256_file
from projects.swaps import Swap


class TrainedSwapper:
    """Implements `engine.conversion.swapper.Swapper` with the averaged weights of a checkpoint."""

    def __init__(
        self,
        model: Model,
        params: Params,
        settings: TrainSettings,
        step: int,
        reverse: bool,
        digest: str = "",
    ):
        """digest: tells its weights apart from all others; "" where nothing does."""
        self.size = model.preset.size
        self.step = step
        self.digest = f"{digest}-reversed" if reverse and digest else digest
        self._params = params
        self._reverse = reverse

        def encode(params: Params, images: jax.Array, masks: jax.Array) -> jax.Array:
            chips = images.astype(jnp.float32) / 255
            if settings.masked:
                chips = hide(chips, masks.astype(jnp.float32)[..., None] / 255)
            return model.encode(params, chips)

        def decode(params: Params, person: Who, code: jax.Array) -> tuple[jax.Array, jax.Array]:
            rgb, mask = model.decode(params, person, code)
            return rgb, jnp.ones(rgb.shape[:3]) if mask is None else mask[..., 0]

        def answer(
            params: Params, person: Who, images: jax.Array, masks: jax.Array
        ) -> tuple[jax.Array, jax.Array]:
            return decode(params, person, encode(params, images, masks))

        def both(
            params: Params, person: Who, images: jax.Array, masks: jax.Array
        ) -> tuple[jax.Array, jax.Array, jax.Array]:
            code = encode(params, images, masks)
            return *decode(params, person, code), decode(params, OTHER[person], code)[0]

        self._answer = jax.jit(answer, static_argnums=1)
        self._both = jax.jit(both, static_argnums=1)

    def chips(
        self, images: NDArray[np.uint8], masks: NDArray[np.uint8], person: Who
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Swapper.chips`."""
        rgb, mask = self._answer(self._params, self._decoder(person), images, masks)
        return np.asarray(rgb), np.asarray(mask)

    def both(
        self, images: NDArray[np.uint8], masks: NDArray[np.uint8], person: Who
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """See `Swapper.both`."""
        rgb, mask, other = self._both(self._params, self._decoder(person), images, masks)
        return np.asarray(rgb), np.asarray(mask), np.asarray(other)

    def _decoder(self, person: Who) -> Who:
        return OTHER[person] if self._reverse else person


def load_swapper(
    swap: Swap, *, reverse: bool = False, newest: bool = False
) -> tuple[TrainedSwapper, list[str]]:
    """A swap as its best checkpoint has it, and warnings about others that were damaged.

    The best is the one with the best held-out score; without scores, or with `newest`, it is the
    newest one that is sound.

    reverse: the target's face on the source's footage; one model can do both.
    Raises SwapdeckError when the swap was never trained.
    """
    use_compilation_cache()
    trained, warnings = load_trained(swap, newest=newest)
    swapper = TrainedSwapper(
        trained.model,
        trained.params,
        trained.settings,
        trained.step,
        reverse,
        sha256_file(trained.checkpoint / checkpoints.MANIFEST),
    )
    return swapper, warnings


@dataclass(frozen=True)
class Trained:
    """What a checkpoint holds: the model, its averaged weights, and how they came about."""

    checkpoint: Path
    model: Model
    params: Params
    settings: TrainSettings
    step: int


def load_trained(swap: Swap, *, newest: bool = False) -> tuple[Trained, list[str]]:
    """The best or the newest checkpoint of a swap, and warnings, as `load_swapper`."""
    choose = checkpoints.newest if newest else checkpoints.best
    checkpoint, warnings = choose(swap.checkpoints_dir)
    if checkpoint is None:
        raise SwapdeckError(
            " ".join([*warnings, f"{swap.name} has no model yet. Train it first: swapdeck train "])
            + swap.slug
        )
    settings = read_settings(checkpoint)
    preset = get_preset(settings.preset)
    people = tuple(swap.roles)
    state = load_state(checkpoint, state_shapes(preset, settings, people))
    model = build(preset, people)
    return Trained(checkpoint, model, state.average, settings, int(state.step)), warnings
