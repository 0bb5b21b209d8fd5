"""Tiny presets with which everything that is meant for a graphics card is tried on a CPU first."""

from typing import Final

from engine.nets import presets
from engine.nets.residual import ResidualConfig

TINY_32: Final = ResidualConfig(
    size=32, patch=4, encoder=((8, 1), (16, 1)), code=16, decoder=((16, 1), (8, 1), (8, 1))
)
TINY: Final = presets.residual("rehearsal-32", TINY_32)
BATCH: Final = 2


def offer() -> None:
    """Let this process find them by name, as any other preset."""
    presets.PRESETS[TINY.name] = TINY
