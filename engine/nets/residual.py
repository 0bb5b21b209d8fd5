"""The presets for graphics cards: residual networks of one plan in four sizes and both families.

Everything that a decoder learns of a face passes through a code of a few hundred numbers: no layer
of the encoder reaches the decoder past it, or the target's identity would. Channels are multiples
of 64, which tensor cores want; most of the work is done at a quarter and half of the final
resolution, where a pixel still shows.

df: `ResidualEncoder` to a code, a `ResidualDecoder` for each person.
liae: `ResidualEncoder` to features, an `Inter` for each half, one `Painter` for everybody.
"""

from dataclasses import dataclass

import jax
from flax import nnx

from engine.nets.blocks import (
    Conv,
    Down,
    Norm,
    ResidualBlock,
    Up,
    alike,
    picture,
    space_to_depth,
)

Stages = tuple[tuple[int, int], ...]
"""(channels, blocks) of each resolution."""


@dataclass(frozen=True)
class ResidualConfig:
    """A residual model. `size` is the chip's side in pixels."""

    size: int
    patch: int
    """Pixels along each side that are one to the encoder."""
    encoder: Stages
    """At size / patch, and halved from one to the next; the last is the decoder's first."""
    code: int
    """Numbers of a code."""
    decoder: Stages
    """Doubled from one to the next, up to half of the size."""

    @property
    def base(self) -> int:
        """The side of the smallest resolution."""
        return self.size >> len(self.decoder)


class Stage(nnx.Module):
    """A change of resolution, if any, and the residual blocks after it."""

    def __init__(self, enter: nnx.Module | None, channels: int, blocks: int, *, rngs: nnx.Rngs):
        self.enter = enter
        self.blocks = nnx.List(ResidualBlock(channels, rngs=rngs) for _ in range(blocks))

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.enter is not None:
            x = self.enter(x)
        for block in self.blocks:
            x = block(x)
        return x


class Features(nnx.Module):
    """[N, S, S, 3] in 0..1 -> [N, B, B, C]."""

    def __init__(self, config: ResidualConfig, *, rngs: nnx.Rngs):
        self.patch = config.patch
        before, stages = config.encoder[0][0], []
        self.stem = Conv(3 * config.patch**2, before, 3, rngs=rngs)
        for number, (channels, blocks) in enumerate(config.encoder):
            down = Down(before, channels, rngs=rngs) if number else None
            stages.append(Stage(down, channels, blocks, rngs=rngs))
            before = channels
        self.stages = nnx.List(stages)
        self.norm = Norm(before)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.stem(space_to_depth(x - 0.5, self.patch))
        for stage in self.stages:
            x = stage(x)
        return nnx.silu(self.norm(x))


class Squeeze(nnx.Module):
    """[N, B, B, C] -> [N, D]: all places together."""

    def __init__(self, config: ResidualConfig, *, rngs: nnx.Rngs):
        self.dense = nnx.Linear(config.base**2 * config.encoder[-1][0], config.code, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.dense(x.reshape(x.shape[0], -1))


class Unfold(nnx.Module):
    """[N, D] -> [N, B, B, channels]."""

    def __init__(self, config: ResidualConfig, channels: int, *, rngs: nnx.Rngs):
        self.shape = (config.base, config.base, channels)
        self.dense = nnx.Linear(config.code, config.base**2 * channels, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.dense(x).reshape(-1, *self.shape)


class Painter(nnx.Module):
    """[N, B, B, C] -> (rgb float32 [N, S, S, 3], mask float32 [N, S, S, 1]), both in 0..1."""

    def __init__(self, config: ResidualConfig, *, rngs: nnx.Rngs):
        before, stages = config.decoder[0][0], []
        for number, (channels, blocks) in enumerate(config.decoder):
            up = Up(before, channels, rngs=rngs, smooth=True) if number else None
            stages.append(Stage(up, channels, blocks, rngs=rngs))
            before = channels
        self.stages = nnx.List(stages)
        self.norm = Norm(before)
        # Small at first, so that the first pictures are grey and no pixel is lost to saturation.
        init = nnx.initializers.variance_scaling(0.1, "fan_in", "normal")
        self.out = Conv(before, 16, 3, rngs=rngs, init=alike(init, 4))

    def __call__(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        for stage in self.stages:
            x = stage(x)
        return picture(self.out(nnx.silu(self.norm(x))))


class ResidualEncoder(nnx.Module):
    """df: [N, S, S, 3] in 0..1 -> code [N, D]."""

    def __init__(self, config: ResidualConfig, *, rngs: nnx.Rngs):
        self.features = Features(config, rngs=rngs)
        self.squeeze = Squeeze(config, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.squeeze(self.features(x))


class ResidualDecoder(nnx.Module):
    """df: code [N, D] -> (rgb float32 [N, S, S, 3], mask float32 [N, S, S, 1]), both in 0..1."""

    def __init__(self, config: ResidualConfig, *, rngs: nnx.Rngs):
        self.unfold = Unfold(config, config.decoder[0][0], rngs=rngs)
        self.painter = Painter(config, rngs=rngs)

    def __call__(self, code: jax.Array) -> tuple[jax.Array, jax.Array]:
        return self.painter(self.unfold(code))


class Inter(nnx.Module):
    """liae: features [N, B, B, C] -> [N, B, B, C'], half of what the decoder takes."""

    def __init__(self, config: ResidualConfig, *, rngs: nnx.Rngs):
        self.squeeze = Squeeze(config, rngs=rngs)
        self.unfold = Unfold(config, config.decoder[0][0] // 2, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.unfold(self.squeeze(x))
