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


def build(preset: Preset, seed: int) -> tuple[Model, Params]:
    """The model of a preset and fresh parameters: {"encoder", "source", "target"}."""
    rngs = nnx.Rngs(seed)
    encoder, encoder_params = _split(preset.encoder(rngs))
    params = {"encoder": encoder_params}
    decoder = None
    for person in PEOPLE:
        decoder, params[person] = _split(preset.decoder(rngs))
    return Model(preset, encoder, decoder), params


def _split(module: nnx.Module) -> tuple[Any, Params]:
    graph, state = nnx.split(module, nnx.Param)
    return graph, nnx.to_pure_dict(state)


def count(params: Params) -> int:
    """How many numbers there are in the parameters."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
