"""The dense layer answers and learns as flax's own does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from engine.nets.dense import Dense


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_a_dense_layer_has_the_values_and_gradients_of_a_linear_one(dtype):
    x = jax.random.normal(jax.random.key(0), (2, 3, 5, 8), dtype)

    def run(layer: nnx.Linear):
        graph, params = nnx.split(layer)
        params = jax.tree.map(lambda p: p.astype(dtype), params)
        y, back = jax.vjp(lambda p, x: nnx.merge(graph, p)(x), params, x)
        return y, back(jnp.cos(jnp.arange(y.size, dtype=dtype)).reshape(y.shape))

    ours = run(Dense(8, 6, rngs=nnx.Rngs(1)))
    theirs = run(nnx.Linear(8, 6, kernel_init=nnx.initializers.he_normal(), rngs=nnx.Rngs(1)))
    # bfloat16 has 8 binary digits.
    close = {"atol": 1e-5} if dtype == jnp.float32 else {"atol": 0.05, "rtol": 0.02}
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert one.dtype == other.dtype == dtype
        np.testing.assert_allclose(one.astype(jnp.float32), other.astype(jnp.float32), **close)
