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
    people: tuple[str, ...]
    """Whose faces it can decode: roles, the names of their parameters."""
    encoder: Any
    decoder: Any

    def encode(self, params: Params, chips: jax.Array) -> jax.Array:
        """chips float32 [N, S, S, 3] in 0..1 of anybody -> code; params of the whole model."""
        code: jax.Array = nnx.merge(self.encoder, nnx.State(params["encoder"]))(chips)
        return code

    def decode(
        self, params: Params, person: str, code: jax.Array
    ) -> tuple[jax.Array, jax.Array | None]:
        """code -> that person's face: (rgb [N, S, S, 3], mask [N, S, S, 1] or None), 0..1."""
        decoder = nnx.merge(self.decoder, nnx.State(params[person]))
        answer: tuple[jax.Array, jax.Array | None] = decoder(code)
        return answer


def build(preset: Preset, people: tuple[str, ...] = PEOPLE) -> Model:
    """The model of a preset; no parameter is made yet."""
    encoder, decoder = (
        nnx.split(nnx.eval_shape(lambda make=make: make(nnx.Rngs(0))), nnx.Param)[0]
        for make in (preset.encoder, preset.decoder)
    )
    return Model(preset, people, encoder, decoder)


def fresh_params(preset: Preset, seed: int, people: tuple[str, ...] = PEOPLE) -> Params:
    """Random parameters before training: {"encoder", and each of `people`}."""
    rngs = nnx.Rngs(seed)
    makers = {"encoder": preset.encoder} | dict.fromkeys(people, preset.decoder)
    return {
        name: nnx.to_pure_dict(nnx.split(make(rngs), nnx.Param)[1]) for name, make in makers.items()
    }


def count(params: Params) -> int:
    """How many numbers there are in the parameters."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
