"""The few parts that the modern presets are built from. All tensors are [N, H, W, C].

They compute in the dtype of what they are given, float32 or bfloat16; what must not lose digits is
done in float32 in either case.

The measure that shaped them: on two CPU cores a 3x3 convolution at stride 1 and a dense layer at
every pixel both reach half of the machine's matmul peak, strided and depthwise convolutions a
tenth of it. So resolution changes only by moving pixels into channels and back.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from engine.nets.conv import conv_general_dilated
from engine.nets.dense import Dense

SLOPE = 0.1
EPSILON = 1e-6


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


def shrunk(x: jax.Array, factor: int) -> jax.Array:
    """Means of blocks of f x f pixels: [N, H, W, C] -> [N, H/f, W/f, C]."""
    n, h, w, c = x.shape
    return x.reshape(n, h // factor, factor, w // factor, factor, c).mean((2, 4))


def picture(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """[N, H, W, 16] -> (rgb float32 [N, 2H, 2W, 3], mask float32 [N, 2H, 2W, 1]), both in 0..1."""
    answer = nnx.sigmoid(depth_to_space(x.astype(jnp.float32), 2))
    return answer[..., :3], answer[..., 3:]


def alike(initialiser: Any, pixels: int) -> Any:
    """An initialiser for what `depth_to_space` spreads: the pixels that come of one begin equal.

    The network then begins as one that enlarges without checkerboards. ICNR of Aitken et al. 2017
    (arXiv 1707.02937). pixels: how many come of one.
    """

    def initialise(key: jax.Array, shape: Sequence[int], *rest: Any, **named: Any) -> jax.Array:
        one = initialiser(key, (*shape[:-1], shape[-1] // pixels), *rest, **named)
        return jnp.tile(one, pixels)

    return initialise


class Block(nnx.Module):
    """A part of [N, H, W, C] -> [N, H', W', C'] of which training may keep the input alone.

    With `remat` the backward pass computes the inside again, which saves memory for time.
    """

    remat = False

    def run(self, x: jax.Array) -> jax.Array:
        raise NotImplementedError

    def __call__(self, x: jax.Array) -> jax.Array:
        return jax.checkpoint(self.run)(x) if self.remat else self.run(x)


class Norm(nnx.Module):
    """Each pixel's channels divided by their root mean square, in float32, and scaled.

    Zhang & Sennrich 2019 (arXiv 1910.07467). Pixels stay independent of each other and of the
    batch, so that nothing differs between training and use.
    """

    def __init__(self, c: int):
        self.scale = nnx.Param(jnp.ones(c))

    def __call__(self, x: jax.Array) -> jax.Array:
        wide = x.astype(jnp.float32)
        size = jax.lax.rsqrt(jnp.mean(wide * wide, axis=-1, keepdims=True) + EPSILON)
        return (wide * size * self.scale[...].astype(jnp.float32)).astype(x.dtype)


class Conv(nnx.Conv):
    """A k x k convolution at stride 1, on a CPU in whichever form is the fastest."""

    def __init__(self, c_in: int, c_out: int, k: int, *, rngs: nnx.Rngs, init: Any = None):
        super().__init__(
            c_in,
            c_out,
            (k, k),
            padding="SAME",
            kernel_init=init or nnx.initializers.he_normal(),
            conv_general_dilated=conv_general_dilated,
            rngs=rngs,
        )


class ConvBlock(Block):
    """x + conv(activate(x)): a residual 3x3 convolution, small at first."""

    def __init__(self, c: int, *, rngs: nnx.Rngs):
        self.conv = Conv(c, c, 3, rngs=rngs)

    def run(self, x: jax.Array) -> jax.Array:
        return x + self.conv(activate(x))


class ResidualBlock(Block):
    """x + two 3x3 convolutions of x, normalised first; at first it changes nothing.

    Pre-activation after He et al. 2016 (arXiv 1603.05027).
    """

    def __init__(self, c: int, *, rngs: nnx.Rngs):
        self.norm = Norm(c)
        self.conv1 = Conv(c, c, 3, rngs=rngs)
        self.conv2 = Conv(c, c, 3, rngs=rngs, init=nnx.initializers.zeros)

    def run(self, x: jax.Array) -> jax.Array:
        return x + self.conv2(nnx.silu(self.conv1(nnx.silu(self.norm(x)))))


class Down(nnx.Module):
    """Halve height and width: four pixels become one through a dense layer."""

    def __init__(self, c_in: int, c_out: int, *, rngs: nnx.Rngs):
        self.dense = Dense(4 * c_in, c_out, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.dense(space_to_depth(activate(x), 2))


class Up(nnx.Module):
    """Double height and width: one pixel becomes four through a dense layer."""

    def __init__(self, c_in: int, c_out: int, *, rngs: nnx.Rngs, smooth: bool = False):
        """smooth: the four pixels begin alike."""
        init = alike(nnx.initializers.he_normal(), 4) if smooth else None
        self.dense = Dense(c_in, 4 * c_out, rngs=rngs, init=init)

    def __call__(self, x: jax.Array) -> jax.Array:
        return depth_to_space(self.dense(activate(x)), 2)
