"""classic-64 is the published architecture, number for number."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from engine.nets.classic import ClassicDecoder, ClassicEncoder


def _count(module) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(module, nnx.Param)))


def _abstract(cls):
    return nnx.eval_shape(lambda: cls(rngs=nnx.Rngs(0)))


def test_parameters_with_both_decoders():
    encoder, decoder = _abstract(ClassicEncoder), _abstract(ClassicDecoder)
    assert _count(encoder) + 2 * _count(decoder) == 82_062_470


def test_shapes_from_chip_to_chip():
    def swap(chips):
        code = ClassicEncoder(rngs=nnx.Rngs(0))(chips)
        rgb, mask = ClassicDecoder(rngs=nnx.Rngs(1))(code)
        assert mask is None
        return code, rgb

    chips = jax.ShapeDtypeStruct((2, 64, 64, 3), jnp.float32)
    code, rgb = jax.eval_shape(swap, chips)
    assert code.shape == (2, 8, 8, 512)
    assert rgb.shape == (2, 64, 64, 3)
    assert rgb.dtype == jnp.float32


def test_decoder_answers_in_the_range_of_pictures():
    rng = np.random.default_rng(3)
    decoder = ClassicDecoder(rngs=nnx.Rngs(3))
    code = jnp.asarray(20 * rng.standard_normal((1, 8, 8, 512)), jnp.float32)
    rgb, _ = nnx.jit(decoder)(code)
    assert float(rgb.min()) >= 0
    assert float(rgb.max()) <= 1
    assert float(rgb.std()) > 0.05
