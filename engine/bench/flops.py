"""The arithmetic of a training step, counted from the definitions of its layers."""

import math
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jax.extend.core import jaxprs_in_params

from engine.nets.presets import Maker, Preset
from engine.training.model import PEOPLE, build, fresh_params

BACKWARD = 3
"""A step's cost over its forward pass: the gradients of a layer's input and of its weights are
each as much work as its value."""


def step_flops(preset: Preset, batch: int) -> float:
    """FLOP of a step at `batch` chips of each of two people: 2 for each product of a convolution or
    a dense layer as they are defined, whatever form computes them; the rest is left out."""
    model = build(_plain(preset))
    params = jax.eval_shape(lambda: fresh_params(preset, 0))
    chip = jax.eval_shape(lambda: jnp.zeros((1, preset.size, preset.size, 3)))
    code = jax.eval_shape(model.encode, params, chip)
    encode = forward_flops(model.encode, params, chip)
    decode = sum(
        forward_flops(lambda params, code, who=who: model.decode(params, who, code), params, code)
        for who in PEOPLE
    )
    return BACKWARD * batch * (len(PEOPLE) * encode + decode)


def forward_flops(function: Any, *arguments: Any) -> float:
    """FLOP of the convolutions and matrix products of a function of arrays of these shapes."""
    return _count(jax.make_jaxpr(function)(*arguments).jaxpr)


def _plain(preset: Preset) -> Preset:
    """The preset with its convolutions by XLA's own operation."""

    def plain(make: Maker) -> Maker:
        def made(rngs: nnx.Rngs) -> nnx.Module:
            network = make(rngs)
            for _, part in nnx.iter_graph(network):
                if isinstance(part, nnx.Conv):
                    part.conv_general_dilated = lax.conv_general_dilated
            return network

        return made

    return replace(
        preset,
        encoder=plain(preset.encoder),
        decoder=plain(preset.decoder),
        inter=preset.inter and plain(preset.inter),
    )


def _count(jaxpr: Any) -> float:
    total = 0.0
    for equation in jaxpr.eqns:
        match equation.primitive.name:
            case "conv_general_dilated":
                kernel = equation.invars[1].aval.shape
                outs = equation.params["dimension_numbers"].rhs_spec[0]
                total += 2.0 * equation.outvars[0].aval.size * math.prod(kernel) / kernel[outs]
            case "dot_general":
                (contract, _), _ = equation.params["dimension_numbers"]
                summed = math.prod(equation.invars[0].aval.shape[axis] for axis in contract)
                total += 2.0 * equation.outvars[0].aval.size * summed
            case _:
                total += sum(map(_count, jaxprs_in_params(equation.params)))
    return total
