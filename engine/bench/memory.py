"""How much a step keeps of its forward pass for its backward pass, without compiling it."""

from typing import Any

import jax
import jax.numpy as jnp

from engine.nets.presets import Preset
from engine.training.model import PEOPLE, Params, build, fresh_params


def kept_bytes(preset: Preset, *, dtype: Any = jnp.float32, remat: bool = False) -> int:
    """Bytes that a chip of each of two people adds to what is kept of the networks.

    It is what automatic differentiation saves; a compiler may keep less, by computing cheap things
    again, and needs some working memory besides.
    """
    model = build(preset, dtype=dtype, remat=remat)
    params = jax.eval_shape(lambda: fresh_params(preset, 0))

    def decoded(params: Params, chips: jax.Array) -> list[Any]:
        codes = jnp.split(model.encode(params, chips), len(PEOPLE))
        return [model.decode(params, who, code) for who, code in zip(PEOPLE, codes, strict=True)]

    def kept(batch: int) -> int:
        side = preset.size
        chips = jax.eval_shape(lambda: jnp.zeros((len(PEOPLE) * batch, side, side, 3)))
        # The function that `vjp` answers with is a tree whose leaves are what it keeps.
        back = jax.eval_shape(lambda p, c: jax.vjp(lambda q: decoded(q, c), p)[1], params, chips)
        return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(back))

    return kept(2) - kept(1)
