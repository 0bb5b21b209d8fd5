"""The preset `tiny`: a model of a few thousand weights, for tests that make many."""

from __future__ import annotations

from engine.nets.light import LightConfig, LightDecoder, LightEncoder
from engine.nets.presets import PRESETS, Preset

TINY = LightConfig(size=32, encoder=(8, 8, 8), code=16, decoder=(8, 8, 8, 8))


def register_tiny() -> None:
    """Make it known to this process."""
    PRESETS["tiny"] = Preset(
        "tiny",
        TINY.size,
        lambda rngs: LightEncoder(TINY, rngs=rngs),
        lambda rngs: LightDecoder(TINY, rngs=rngs),
    )
