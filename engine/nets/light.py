"""The light presets: small encoders and decoders meant to be trained on a CPU.

Most of the work of the decoder is done at half of the final resolution, where a pixel still
shows; the last convolution writes 2x2 pixels of colour and mask at once.
"""

from dataclasses import dataclass

import jax
from flax import nnx

from engine.nets.blocks import (
    Conv,
    ConvBlock,
    Down,
    Up,
    activate,
    alike,
    picture,
    shrunk,
    space_to_depth,
)


@dataclass(frozen=True)
class LightConfig:
    """Widths of a light model.

    The decoder doubles its base side once for each of its widths, which gives the size of a chip.
    """

    size: int = 64
    """The chip's side in pixels: a multiple of 2 to the number of the decoder's widths."""
    shrink: int = 1
    """The encoder sees the means of blocks of so many pixels: what a face does shows in few."""
    encoder: tuple[int, int, int] = (64, 128, 256)
    """Channels at four, two and one times the base side."""
    code: int = 256
    decoder: tuple[int, ...] = (256, 128, 64, 32)
    """Channels at the base side, at twice that, and so on to size / 2."""
    smooth: bool = False
    """The pixels that come of one begin alike."""

    @property
    def base(self) -> int:
        """Side in pixels of what a code is made of, and spread out to."""
        return self.size >> len(self.decoder)

    @property
    def patch(self) -> int:
        """Side of the blocks of seen pixels that the encoder begins with."""
        return self.size // (4 * self.base * self.shrink)


class LightEncoder(nnx.Module):
    """float32 [N, S, S, 3] in 0..1 -> code float32 [N, D]."""

    def __init__(self, config: LightConfig, *, rngs: nnx.Rngs):
        a, b, c = config.encoder
        self.shrink, self.patch = config.shrink, config.patch
        self.stem = Conv(3 * self.patch**2, a, 3, rngs=rngs)
        self.down1 = Down(a, b, rngs=rngs)
        self.block1 = ConvBlock(b, rngs=rngs)
        self.down2 = Down(b, c, rngs=rngs)
        self.code = nnx.Linear(config.base**2 * c, config.code, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.shrink > 1:
            x = shrunk(x, self.shrink)
        x = self.stem(space_to_depth(x - 0.5, self.patch))
        x = self.block1(self.down1(x))
        x = activate(self.down2(x))
        return self.code(x.reshape(x.shape[0], -1))


class LightDecoder(nnx.Module):
    """code float32 [N, D] -> (rgb float32 [N, S, S, 3] in 0..1, mask float32 [N, S, S, 1])."""

    def __init__(self, config: LightConfig, *, rngs: nnx.Rngs):
        widths = config.decoder
        self.base = (config.base, config.base, widths[0])
        self.unfold = nnx.Linear(config.code, config.base**2 * widths[0], rngs=rngs)
        self.stages = len(widths) - 1
        for stage in range(self.stages):
            up = Up(widths[stage], widths[stage + 1], rngs=rngs, smooth=config.smooth)
            # Numbered from 1: these are their names in a checkpoint.
            setattr(self, f"up{stage + 1}", up)
            setattr(self, f"block{stage + 1}", ConvBlock(widths[stage + 1], rngs=rngs))
        init = nnx.initializers.he_normal()
        self.out = Conv(
            widths[-1], 16, 3, rngs=rngs, init=alike(init, 4) if config.smooth else init
        )

    def __call__(self, code: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = self.unfold(code).reshape(-1, *self.base)
        for stage in range(1, self.stages + 1):
            x = getattr(self, f"up{stage}")(x)
            x = getattr(self, f"block{stage}")(x)
        return picture(self.out(activate(x)))
