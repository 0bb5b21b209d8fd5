"""The few parts that the modern presets are built from. All tensors are float32 [N, H, W, C].

The measure that shaped them: on two CPU cores a 3x3 convolution at stride 1 and a dense layer at
every pixel both reach half of the machine's matmul peak, strided and depthwise convolutions a
tenth of it. So resolution changes only by moving pixels into channels and back.
"""

import jax
from flax import nnx

SLOPE = 0.1


def activate(x: jax.Array) -> jax.Array:
    """LeakyReLU: one pass over memory, which is what an activation costs on a CPU."""
    return nnx.leaky_relu(x, SLOPE)


def space_to_depth(x: jax.Array, factor: int) -> jax.Array:
    """[N, H, W, C] -> [N, H/f, W/f, f*f*C]; the channels of one pixel stay together."""
    n, h, w, c = x.shape
    x = x.reshape(n, h // factor, factor, w // factor, factor, c)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, h // factor, w // factor, factor * factor * c)


def depth_to_space(x: jax.Array, factor: int) -> jax.Array:
    """[N, H, W, f*f*C] -> [N, f*H, f*W, C]; the inverse of `space_to_depth`.

    Sub-pixel upsampling after Shi et al. 2016 (arXiv 1609.05158).
    """
    n, h, w, c = x.shape
    c //= factor * factor
    x = x.reshape(n, h, w, factor, factor, c)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, h * factor, w * factor, c)


class Conv(nnx.Conv):
    """A k x k convolution at stride 1; at these sizes XLA's own is the fastest."""

    def __init__(self, c_in: int, c_out: int, k: int, *, rngs: nnx.Rngs):
        super().__init__(
            c_in,
            c_out,
            (k, k),
            padding="SAME",
            kernel_init=nnx.initializers.he_normal(),
            rngs=rngs,
        )


class ConvBlock(nnx.Module):
    """x + conv(activate(x)): a residual 3x3 convolution, small at first."""

    def __init__(self, c: int, *, rngs: nnx.Rngs):
        self.conv = Conv(c, c, 3, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return x + self.conv(activate(x))


class Down(nnx.Module):
    """Halve height and width: four pixels become one through a dense layer."""

    def __init__(self, c_in: int, c_out: int, *, rngs: nnx.Rngs):
        self.dense = nnx.Linear(
            4 * c_in, c_out, rngs=rngs, kernel_init=nnx.initializers.he_normal()
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.dense(space_to_depth(activate(x), 2))


class Up(nnx.Module):
    """Double height and width: one pixel becomes four through a dense layer."""

    def __init__(self, c_in: int, c_out: int, *, rngs: nnx.Rngs):
        self.dense = nnx.Linear(
            c_in, 4 * c_out, rngs=rngs, kernel_init=nnx.initializers.he_normal()
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        return depth_to_space(self.dense(activate(x)), 2)
