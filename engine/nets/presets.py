"""The presets: a name, its networks and the side of its chips.

A preset is of one of two families. df (two decoders) has a decoder for each person on one code.
liae (shared inter) has one decoder on two halves that lie side by side along the channels: the
first is made by the person's own inter, the second by the inter that all share. The source has no
inter of its own: both of its halves are the shared one, so what only the target's inter knows of
the target never reaches a swapped face.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flax import nnx

from engine.nets.classic import ClassicDecoder, ClassicEncoder
from engine.nets.light import LightConfig, LightDecoder, LightEncoder
from engine.nets.residual import (
    Features,
    Inter,
    Painter,
    ResidualConfig,
    ResidualDecoder,
    ResidualEncoder,
)
from projects.errors import CommandError

Maker = Callable[[nnx.Rngs], nnx.Module]
"""Makes a network with random parameters."""

SOURCE = "source"
SHARED = "shared"


@dataclass(frozen=True)
class Preset:
    """An architecture with its numbers filled in."""

    name: str
    size: int
    """Side of a chip in pixels."""
    encoder: Maker
    """Makes a network: chips [N, S, S, 3] in 0..1 -> code [N, ...]."""
    decoder: Maker
    """Makes a network: code, or two halves [N, B, B, C] in liae -> (rgb [N, S, S, 3], mask
    [N, S, S, 1] or None), both in 0..1."""
    inter: Maker | None = None
    """liae only. Makes a network: code [N, ...] -> a half [N, B, B, C / 2]."""

    @property
    def family(self) -> str:
        """df or liae."""
        return "df" if self.inter is None else "liae"

    def networks(self, people: Sequence[str]) -> dict[str, Maker]:
        """All networks of a model of these people, by the names of their parameters.

        df: encoder, and a decoder for each person. liae: encoder, the shared inter, an inter for
        each person but the source, and the decoder.
        """
        if self.inter is None:
            return {"encoder": self.encoder, **dict.fromkeys(people, self.decoder)}
        inters = dict.fromkeys((SHARED, *(p for p in people if p != SOURCE)), self.inter)
        return {"encoder": self.encoder, **inters, "decoder": self.decoder}


LIGHT_64 = LightConfig(size=64)
LIGHT_128 = LightConfig(size=128, shrink=2, decoder=(256, 128, 64, 64, 48), smooth=True)
STANDARD_128 = ResidualConfig(
    size=128,
    patch=4,
    encoder=((128, 1), (256, 2), (512, 2)),
    code=512,
    decoder=((512, 1), (512, 1), (256, 2), (128, 2)),
)
HD_256 = ResidualConfig(
    size=256,
    patch=4,
    encoder=((128, 1), (256, 1), (512, 2), (512, 2)),
    code=512,
    decoder=((512, 1), (512, 1), (512, 1), (256, 2), (128, 2)),
)
HD_512 = ResidualConfig(
    size=512,
    patch=8,
    encoder=((128, 1), (256, 1), (512, 2), (512, 2)),
    code=512,
    decoder=((512, 1), (512, 1), (512, 1), (256, 1), (128, 2), (64, 2)),
)


def light(name: str, config: LightConfig) -> Preset:
    """A df preset of small networks."""
    return Preset(
        name,
        config.size,
        lambda rngs: LightEncoder(config, rngs=rngs),
        lambda rngs: LightDecoder(config, rngs=rngs),
    )


def residual(name: str, config: ResidualConfig) -> Preset:
    """A df preset of residual networks."""
    return Preset(
        name,
        config.size,
        lambda rngs: ResidualEncoder(config, rngs=rngs),
        lambda rngs: ResidualDecoder(config, rngs=rngs),
    )


def residual_liae(name: str, config: ResidualConfig) -> Preset:
    """The liae preset of the same plan."""
    return Preset(
        name,
        config.size,
        lambda rngs: Features(config, rngs=rngs),
        lambda rngs: Painter(config, rngs=rngs),
        lambda rngs: Inter(config, rngs=rngs),
    )


CLASSIC_64 = Preset(
    "classic-64",
    64,
    lambda rngs: ClassicEncoder(rngs=rngs),
    lambda rngs: ClassicDecoder(rngs=rngs),
)

PRESETS = {
    preset.name: preset
    for preset in (
        light("light-64", LIGHT_64),
        light("light-128", LIGHT_128),
        residual("standard-128", STANDARD_128),
        residual_liae("standard-128-liae", STANDARD_128),
        residual("hd-256", HD_256),
        residual_liae("hd-256-liae", HD_256),
        residual("hd-512", HD_512),
        residual_liae("hd-512-liae", HD_512),
        CLASSIC_64,
    )
}


def get_preset(name: str) -> Preset:
    """The preset of that name. Raises CommandError when there is none."""
    if name not in PRESETS:
        raise CommandError(f"There is no preset {name!r}. Choose one of: {', '.join(PRESETS)}.")
    return PRESETS[name]
