"""The patch adversary: a network for each person that learns to tell decoded patches from real.

A PatchGAN (Isola et al. 2017, arXiv 1611.07004) with a hinge loss (Lim & Ye 2017, arXiv 1705.02894)
and a penalty on the slope at real pictures (R1: Mescheder et al. 2018, arXiv 1801.04406). It is
there only while its weight is more than 0; it belongs to the training and is never exported.
"""

from functools import cache
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from engine.nets.blocks import Conv, ConvBlock, Down, activate, space_to_depth
from engine.training.model import Params
from engine.training.settings import TrainSettings

SLOPE_WEIGHT: Final = 1e-3
"""Of the squared slope, for a change of the whole picture by one."""
RISE: Final = 1000
"""Steps over which the adversary comes to be listened to: at first it knows nothing."""
_SEED: Final = 7919
"""Keeps its first weights apart from those of the model."""

Chips = dict[str, jax.Array]
"""For each person float32 [B, S, S, 3] in 0..1."""


class Judge(nnx.Module):
    """float32 [N, S, S, 3] in 0..1 -> [N, S/8, S/8]: how real each patch of 36 pixels looks."""

    def __init__(self, *, rngs: nnx.Rngs):
        self.stem = Conv(12, 32, 3, rngs=rngs)
        self.down1 = Down(32, 64, rngs=rngs)
        self.block = ConvBlock(64, rngs=rngs)
        self.down2 = Down(64, 128, rngs=rngs)
        self.out = Conv(128, 1, 3, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.stem(space_to_depth(x - 0.5, 2))
        x = self.down2(self.block(self.down1(x)))
        return self.out(activate(x))[..., 0]


class Adversary(NamedTuple):
    """The judges of all people, as a part of the training's state."""

    params: dict[str, Params]
    optimiser: Any


def first_adversary(settings: TrainSettings, people: tuple[str, ...]) -> Adversary | None:
    """The adversary before it has learnt anything; None where its weight is 0."""
    if not settings.losses.adversary:
        return None
    rngs = nnx.Rngs(settings.seed + _SEED)
    params: dict[str, Params] = {
        person: nnx.to_pure_dict(nnx.split(Judge(rngs=rngs), nnx.Param)[1]) for person in people
    }
    return Adversary(params, _optimiser(settings).init(params))


def realness(params: Params, chips: jax.Array) -> jax.Array:
    """How real a person's judge finds chips [B, S, S, 3]: [B, S/8, S/8], real ones above 1."""
    answer: jax.Array = nnx.merge(_structure(), nnx.State(params))(chips)
    return answer


def listened_to(settings: TrainSettings, step: jax.Array) -> jax.Array:
    """The weight of the adversary in the loss of a step."""
    share = jnp.clip((step - settings.adversary_from) / RISE, 0, 1)
    return settings.losses.adversary * share


def taught(
    adversary: Adversary, decoded: Chips, real: Chips, settings: TrainSettings, step: jax.Array
) -> tuple[Adversary, jax.Array]:
    """The adversary after a step of its own, and its loss. Before `adversary_from` it stays."""
    loss, gradients = jax.value_and_grad(_loss)(adversary.params, decoded, real)
    updates, moments = _optimiser(settings).update(gradients, adversary.optimiser, adversary.params)
    after = Adversary(optax.apply_updates(adversary.params, updates), moments)
    begun = step >= settings.adversary_from
    return jax.tree.map(lambda new, old: jnp.where(begun, new, old), after, adversary), loss


def _loss(params: dict[str, Params], decoded: Chips, real: Chips) -> jax.Array:
    total = jnp.zeros(())
    for person, judge in params.items():
        # The sum over chips has each chip's own slope.
        def mean(chips: jax.Array, judge: Params = judge) -> tuple[jax.Array, jax.Array]:
            found = realness(judge, chips)
            return found.mean((1, 2)).sum(), found

        slope, found = jax.grad(mean, has_aux=True)(real[person])
        total += nnx.relu(1 - found).mean()
        total += nnx.relu(1 + realness(judge, decoded[person])).mean()
        # In units of the root mean square over pixels, so that it means the same at every size.
        steepness = (slope**2).sum((1, 2, 3)) * slope[0].size
        total += SLOPE_WEIGHT / 2 * steepness.mean()
    return total / len(params)


def _optimiser(settings: TrainSettings) -> optax.GradientTransformation:
    return optax.adam(settings.adversary_rate, b1=0.5)


@cache
def _structure() -> Any:
    return nnx.split(nnx.eval_shape(lambda: Judge(rngs=nnx.Rngs(0))), nnx.Param)[0]
