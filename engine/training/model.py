"""A shared encoder and a decoder for each person, as plain dictionaries of arrays.

Modules are Flax NNX; outside of a trace only their parameters are kept, since plain dictionaries
cost a tenth of NNX's own dispatch.
"""

from dataclasses import dataclass
from typing import Any

import jax
from flax import nnx

from engine.nets.presets import Preset

Params = dict[str, Any]
"""Nested dictionaries of float32 arrays."""

PEOPLE = ("source", "target")


@dataclass(frozen=True)
class Model:
    """The structure of the networks of a preset, without their parameters."""

    preset: Preset
    encoder: Any
    decoder: Any

    def encode(self, params: Params, chips: jax.Array) -> jax.Array:
        """chips float32 [N, S, S, 3] in 0..1 -> code; params of the encoder."""
        code: jax.Array = nnx.merge(self.encoder, nnx.State(params))(chips)
        return code

    def decode(self, params: Params, code: jax.Array) -> tuple[jax.Array, jax.Array | None]:
        """code -> (rgb [N, S, S, 3], mask [N, S, S, 1] or None), 0..1; params of one decoder."""
        answer: tuple[jax.Array, jax.Array | None] = nnx.merge(self.decoder, nnx.State(params))(
            code
        )
        return answer


def build(preset: Preset) -> Model:
    """The model of a preset; no parameter is made yet."""
    encoder, decoder = (
        nnx.split(nnx.eval_shape(lambda make=make: make(nnx.Rngs(0))), nnx.Param)[0]
        for make in (preset.encoder, preset.decoder)
    )
    return Model(preset, encoder, decoder)


def fresh_params(preset: Preset, seed: int) -> Params:
    """Random parameters before training: {"encoder", "source", "target"}."""
    rngs = nnx.Rngs(seed)
    makers = {"encoder": preset.encoder} | dict.fromkeys(PEOPLE, preset.decoder)
    return {
        name: nnx.to_pure_dict(nnx.split(make(rngs), nnx.Param)[1]) for name, make in makers.items()
    }


def count(params: Params) -> int:
    """How many numbers there are in the parameters."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
