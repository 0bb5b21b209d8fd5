"""A dense layer at every pixel, whose gradients are two plain matrix products.

JAX derives the kernel's gradient as the transpose of a product in which the pixels of the answer's
gradient come first. XLA's CPU compiler joins that with the moves of `depth_to_space`, and writes
the whole gradient a second time, transposed, which takes several times as long as the products.
"""

from typing import Any

import jax
from flax import nnx
from jax import lax


class Dense(nnx.Linear):
    """[..., C] -> [..., C'], with a bias."""

    def __init__(self, c_in: int, c_out: int, *, rngs: nnx.Rngs, init: Any = None):
        super().__init__(
            c_in,
            c_out,
            kernel_init=init or nnx.initializers.he_normal(),
            dot_general=_at_every_pixel,
            rngs=rngs,
        )


def _at_every_pixel(x: jax.Array, kernel: jax.Array, *_: Any, **__: Any) -> jax.Array:
    """x [..., C] times kernel [C, C']; what else flax passes is what follows from these shapes."""
    rows = _product(x.reshape(-1, x.shape[-1]), kernel)
    return rows.reshape(*x.shape[:-1], kernel.shape[-1])


@jax.custom_vjp
def _product(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return x @ kernel


def _forward(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return x @ kernel, (x, kernel)


def _backward(saved: tuple[jax.Array, jax.Array], dy: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, kernel = saved
    dx = lax.dot_general(dy, kernel, (((1,), (1,)), ((), ())))
    dkernel = lax.dot_general(x, dy, (((0,), (0,)), ((), ())))
    return dx, dkernel


_product.defvjp(_forward, _backward)
