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
    space_to_depth,
)


@dataclass(frozen=True)
class LightConfig:
    """Widths of a light model. `size` is the chip's side in pixels: a multiple of 16."""

    size: int = 64
    encoder: tuple[int, int, int] = (64, 128, 256)  # channels at size/4, size/8, size/16
    code: int = 256
    decoder: tuple[int, int, int, int] = (256, 128, 64, 32)  # at size/16, /8, /4, /2
    smooth: bool = False  # the pixels that come of one begin alike


class LightEncoder(nnx.Module):
    """float32 [N, S, S, 3] in 0..1 -> code float32 [N, D]."""

    def __init__(self, config: LightConfig, *, rngs: nnx.Rngs):
        a, b, c = config.encoder
        self.stem = Conv(48, a, 3, rngs=rngs)
        self.down1 = Down(a, b, rngs=rngs)
        self.block1 = ConvBlock(b, rngs=rngs)
        self.down2 = Down(b, c, rngs=rngs)
        cells = (config.size // 16) ** 2
        self.code = nnx.Linear(cells * c, config.code, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.stem(space_to_depth(x - 0.5, 4))
        x = self.block1(self.down1(x))
        x = activate(self.down2(x))
        return self.code(x.reshape(x.shape[0], -1))


class LightDecoder(nnx.Module):
    """code float32 [N, D] -> (rgb float32 [N, S, S, 3] in 0..1, mask float32 [N, S, S, 1])."""

    def __init__(self, config: LightConfig, *, rngs: nnx.Rngs):
        a, b, c, d = config.decoder
        self.base = (config.size // 16, config.size // 16, a)
        self.unfold = nnx.Linear(config.code, self.base[0] * self.base[1] * a, rngs=rngs)
        self.up1 = Up(a, b, rngs=rngs, smooth=config.smooth)
        self.block1 = ConvBlock(b, rngs=rngs)
        self.up2 = Up(b, c, rngs=rngs, smooth=config.smooth)
        self.block2 = ConvBlock(c, rngs=rngs)
        self.up3 = Up(c, d, rngs=rngs, smooth=config.smooth)
        self.block3 = ConvBlock(d, rngs=rngs)
        init = nnx.initializers.he_normal()
        self.out = Conv(d, 16, 3, rngs=rngs, init=alike(init, 4) if config.smooth else init)

    def __call__(self, code: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = self.unfold(code).reshape(-1, *self.base)
        x = self.block1(self.up1(x))
        x = self.block2(self.up2(x))
        x = self.block3(self.up3(x))
        return picture(self.out(activate(x)))
