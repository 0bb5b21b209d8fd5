"""classic-64: the shared encoder and two decoders that face swapping began with.

Built from the published numbers of the architecture; 82,062,470 parameters with both decoders.
Images are float32 [N, 64, 64, 3] RGB in 0..1. The code is float32 [N, 8, 8, 512].
"""

from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx

from engine.nets.blocks import Block, activate, depth_to_space
from engine.nets.conv import conv_general_dilated

SIZE = 64
_BASE = (4, 4, 1024)


def _conv(c_in: int, c_out: int, side: int, stride: int = 1, *, rngs: nnx.Rngs) -> nnx.Conv:
    return nnx.Conv(
        c_in,
        c_out,
        (side, side),
        stride,
        kernel_init=nnx.initializers.glorot_uniform(),
        conv_general_dilated=conv_general_dilated,
        rngs=rngs,
    )


def _dense(c_in: int, c_out: int, *, rngs: nnx.Rngs) -> nnx.Linear:
    return nnx.Linear(c_in, c_out, kernel_init=nnx.initializers.glorot_uniform(), rngs=rngs)


class Upscale(Block):
    """[N, H, W, c_in] -> [N, 2H, 2W, c_out]: 3x3 to 4 c_out channels, which become 2x2 pixels."""

    def __init__(self, c_in: int, c_out: int, *, rngs: nnx.Rngs):
        self.conv = _conv(c_in, 4 * c_out, 3, rngs=rngs)

    def run(self, x: jax.Array) -> jax.Array:
        return depth_to_space(activate(self.conv(x)), 2)


class ClassicEncoder(nnx.Module):
    """float32 [N, 64, 64, 3] in 0..1 -> code float32 [N, 8, 8, 512]."""

    def __init__(self, *, rngs: nnx.Rngs):
        widths = (3, 128, 256, 512, 1024)
        self.down = nnx.List(
            _conv(c_in, c_out, 5, 2, rngs=rngs) for c_in, c_out in pairwise(widths)
        )
        height, width, channels = _BASE
        self.squeeze = _dense(height * width * channels, 1024, rngs=rngs)
        self.spread = _dense(1024, height * width * channels, rngs=rngs)
        self.up = Upscale(channels, 512, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        for conv in self.down:
            x = activate(conv(x))
        x = self.spread(self.squeeze(x.reshape(x.shape[0], -1)))
        return self.up(x.reshape(-1, *_BASE))


class ClassicDecoder(nnx.Module):
    """code float32 [N, 8, 8, 512] -> (rgb float32 [N, 64, 64, 3] in 0..1, no mask)."""

    def __init__(self, *, rngs: nnx.Rngs):
        widths = (512, 256, 128, 64)
        self.up = nnx.List(Upscale(c_in, c_out, rngs=rngs) for c_in, c_out in pairwise(widths))
        self.out = _conv(widths[-1], 3, 5, rngs=rngs)

    def __call__(self, code: jax.Array) -> tuple[jax.Array, None]:
        x = code
        for up in self.up:
            x = up(x)
        return nnx.sigmoid(self.out(x).astype(jnp.float32)), None
