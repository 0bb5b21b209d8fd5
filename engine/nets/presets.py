"""The presets: a name, its networks and the side of its chips."""

from collections.abc import Callable
from dataclasses import dataclass

from flax import nnx

from engine.nets.classic import ClassicDecoder, ClassicEncoder
from engine.nets.light import LightConfig, LightDecoder, LightEncoder
from projects.errors import CommandError


@dataclass(frozen=True)
class Preset:
    """An architecture with its numbers filled in."""

    name: str
    size: int
    """Side of a chip in pixels."""
    encoder: Callable[[nnx.Rngs], nnx.Module]
    """Makes a network: chips float32 [N, S, S, 3] in 0..1 -> code float32 [N, ...]."""
    decoder: Callable[[nnx.Rngs], nnx.Module]
    """Makes a network: code -> (rgb float32 [N, S, S, 3], mask float32 [N, S, S, 1] or None), both
    in 0..1."""


LIGHT_64 = LightConfig(size=64)

PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "light-64",
            LIGHT_64.size,
            lambda rngs: LightEncoder(LIGHT_64, rngs=rngs),
            lambda rngs: LightDecoder(LIGHT_64, rngs=rngs),
        ),
        Preset(
            "classic-64",
            64,
            lambda rngs: ClassicEncoder(rngs=rngs),
            lambda rngs: ClassicDecoder(rngs=rngs),
        ),
    )
}


def get_preset(name: str) -> Preset:
    """The preset of that name. Raises CommandError when there is none."""
    if name not in PRESETS:
        raise CommandError(f"There is no preset {name!r}. Choose one of: {', '.join(PRESETS)}.")
    return PRESETS[name]
