"""The networks of a preset for some people, as plain dictionaries of arrays.

Modules are Flax NNX; outside of a trace only their parameters are kept, since plain dictionaries
cost a tenth of NNX's own dispatch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from engine.nets.blocks import Block
from engine.nets.presets import SHARED, SOURCE, Maker, Preset

Params = dict[str, Any]
"""Nested dictionaries of float32 arrays."""

PEOPLE = ("source", "target")


@dataclass(frozen=True)
class Model:
    """The structure of the networks of a preset, without their parameters."""

    preset: Preset
    people: tuple[str, ...]
    """Whose faces it can decode: roles."""
    networks: Mapping[str, Any]
    """Their structure, by the names of their parameters."""
    dtype: Any = jnp.float32
    """What it computes in. Parameters and answers are float32 all the same."""

    def encode(self, params: Params, chips: jax.Array) -> jax.Array:
        """chips float32 [N, S, S, 3] in 0..1 of anybody -> code; params of the whole model."""
        code: jax.Array = self._run(params, "encoder", chips)
        return code

    def decode(
        self, params: Params, person: str, code: jax.Array
    ) -> tuple[jax.Array, jax.Array | None]:
        """code -> that person's face: (rgb [N, S, S, 3], mask [N, S, S, 1] or None), 0..1."""
        answer: tuple[jax.Array, jax.Array | None]
        if self.preset.inter is None:
            answer = self._run(params, person, code)
        else:
            shared = self._run(params, SHARED, code)
            own = shared if person == SOURCE else self._run(params, person, code)
            answer = self._run(params, "decoder", jnp.concatenate([own, shared], axis=-1))
        return answer

    def _run(self, params: Params, name: str, inputs: jax.Array) -> Any:
        weights = jax.tree.map(lambda w: w.astype(self.dtype), params[name])
        network = nnx.merge(self.networks[name], nnx.State(weights))
        answer = network(inputs.astype(self.dtype))
        return jax.tree.map(lambda a: a.astype(jnp.float32), answer)


def build(
    preset: Preset,
    people: tuple[str, ...] = PEOPLE,
    *,
    dtype: Any = jnp.float32,
    remat: bool = False,
) -> Model:
    """The model of a preset; no parameter is made yet.

    dtype: what it computes in, float32 or bfloat16.
    remat: the backward pass computes the inside of blocks again instead of keeping it.
    """
    networks = preset.networks(people)
    # Each kind of network is looked at once, however many people have one.
    known = {make: _structure(make, remat) for make in set(networks.values())}
    return Model(preset, people, {name: known[make] for name, make in networks.items()}, dtype)


def _structure(make: Maker, remat: bool) -> Any:
    def made() -> nnx.Module:
        network = make(nnx.Rngs(0))
        for _, part in nnx.iter_graph(network):
            if isinstance(part, Block):
                part.remat = remat
        return network

    return nnx.split(nnx.eval_shape(made), nnx.Param)[0]


def fresh_params(preset: Preset, seed: int, people: tuple[str, ...] = PEOPLE) -> Params:
    """Random parameters before training, by the names of the networks: see `Preset.networks`."""
    rngs = nnx.Rngs(seed)
    return {
        name: nnx.to_pure_dict(nnx.split(make(rngs), nnx.Param)[1])
        for name, make in preset.networks(people).items()
    }


def count(params: Params) -> int:
    """How many numbers there are in the parameters."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
