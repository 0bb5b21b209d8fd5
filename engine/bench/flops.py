"""The arithmetic of a training step, counted from the definitions of its layers."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jax.extend.core import jaxprs_in_params

from engine.nets.presets import Preset

BACKWARD = 3
"""A step's cost over its forward pass: the gradients of a layer's input and of its weights are
each as much work as its value."""


def step_flops(preset: Preset, batch: int) -> float:
    """FLOP of a step at `batch` chips of each person: 2 for each product of a convolution or a
    dense layer as they are defined, whatever form computes them; the rest is left out."""
    encode = _plain(preset.encoder)
    chip = jax.eval_shape(lambda: jnp.zeros((1, preset.size, preset.size, 3)))
    code = jax.eval_shape(encode, chip)
    a_chip = forward_flops(encode, chip) + forward_flops(_plain(preset.decoder), code)
    return BACKWARD * 2 * batch * a_chip


def forward_flops(function: Any, *arguments: Any) -> float:
    """FLOP of the convolutions and matrix products of a function of arrays of these shapes."""
    return _count(jax.make_jaxpr(function)(*arguments).jaxpr)


def _plain(network: Any) -> Any:
    """The network as a function of its input, its convolutions by XLA's own operation."""

    def run(inputs: jax.Array) -> Any:
        module = network(nnx.Rngs(0))
        for _, part in nnx.iter_graph(module):
            if isinstance(part, nnx.Conv):
                part.conv_general_dilated = lax.conv_general_dilated
        return module(inputs)

    return run


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
