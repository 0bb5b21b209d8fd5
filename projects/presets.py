"""What each preset is for and what it needs, as plain values.

So a preset can be chosen without loading the engine; `engine.nets.presets` holds the networks.
"""

from __future__ import annotations

from dataclasses import dataclass

from projects.errors import CommandError
from projects.face_crop import crop_side

_STATE = 4 * 4  # bytes a weight: itself, its average, Adam's two moments
_GRADIENT = 4  # bytes a weight
_CHANNELS = 6  # bytes of a pixel in the dataset
PROGRAM = 1_050_000_000
"""Bytes that a training on the CPU takes for the program itself: libraries, the models that score
it, compiled code. Measured as what a training of light-64 held, less what is counted below."""


@dataclass(frozen=True)
class PresetFacts:
    """A preset. Sizes in bytes, unless they say otherwise."""

    name: str
    size: int
    """Side of a chip in pixels."""
    batch: int
    """Chips of each person in a step, unless the swap says otherwise."""
    parameters: int
    """Weights of the encoder and both decoders."""
    gflop: float
    """Of a step at `batch`."""
    work: int
    """Working memory for each chip of a person in a batch, as XLA plans it on a CPU."""
    purpose: str

    @property
    def checkpoint(self) -> int:
        """Of one checkpoint on the disk; the newest three, the best and the one in use are kept."""
        return self.parameters * _STATE

    def step_gflop(self, batch: int | None = None) -> float:
        """GFLOP of a step at a batch."""
        return self.gflop * (batch or self.batch) / self.batch

    def training_memory(self, batch: int | None = None, faces: int = 0) -> int:
        """What a training takes of the device, with so many faces of both people together.

        Weights, Adam's moments, gradients, the working memory of a step, and the dataset. On the
        CPU the process takes PROGRAM besides.
        """
        weights = self.parameters * (_STATE + _GRADIENT)
        dataset = faces * crop_side(self.size) ** 2 * _CHANNELS
        return weights + self.work * (batch or self.batch) + dataset


PRESETS: dict[str, PresetFacts] = {
    facts.name: facts
    for facts in (
        PresetFacts(
            "light-64", 64, 16, 4_236_320, 11.928600576, 2_930_000,
            "small and quick, made to be trained on a CPU; learns a mask",
        ),
        PresetFacts(
            "classic-64", 64, 16, 82_062_470, 364.828950528, 31_030_000,
            "the published network of the beginnings; wants a graphics card",
        ),
    )
}  # fmt: skip
"""In the order in which they are offered."""


def preset_facts(name: str) -> PresetFacts:
    """The facts of a preset. Raises CommandError when there is none of the name."""
    if name not in PRESETS:
        raise CommandError(f"There is no preset {name!r}. Choose one of: {', '.join(PRESETS)}.")
    return PRESETS[name]
