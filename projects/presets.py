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
    family: str
    """df: a decoder for each person. liae: one decoder behind a shared inter and one for each."""
    batch: int
    """Chips of each person in a step, unless the swap says otherwise."""
    parameters: int
    """Weights of a model of two people."""
    gflop: float
    """Of a step at `batch`."""
    work: int
    """Working memory for each chip of a person in a batch: as XLA plans it on a CPU; where a CPU
    does not do, what the networks keep for their gradients in bfloat16 (`engine.bench.memory`)."""
    purpose: str
    learning_rate: float | None = None
    """With its own recipe, where the recipe's is not good for it."""
    on_cpu: bool = True
    """Whether a CPU trains it in any useful time."""

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
            "light-64", 64, "df", 16, 4_236_320, 11.928600576, 4_240_000,
            "small and quick, made to be trained on a CPU; learns a mask",
        ),
        PresetFacts(
            "light-128", 128, "df", 8, 4_379_456, 20.51014656, 17_520_000,
            "light-64 at twice the side, for twice the time",
        ),
        PresetFacts(
            "standard-128", 128, "df", 32, 91_441_696, 3233.30506752, 121_640_000,
            "the one to begin with on a graphics card",
            learning_rate=5e-4, on_cpu=False,
        ),
        PresetFacts(
            "standard-128-liae", 128, "liae", 32, 77_291_664, 3234.915680256, 121_700_000,
            "as standard-128, one decoder for both (liae): nearer to the target's light and shape",
            learning_rate=5e-4, on_cpu=False,
        ),
        PresetFacts(
            "hd-256", 256, "df", 16, 112_292_128, 6415.070527488, 476_500_000,
            "for faces that are large in the frame; hours of a graphics card",
            learning_rate=3e-4, on_cpu=False,
        ),
        PresetFacts(
            "hd-256-liae", 256, "liae", 16, 92_371_344, 6415.875833856, 476_560_000,
            "as hd-256, one decoder for both (liae): nearer to the target's light and shape",
            learning_rate=3e-4, on_cpu=False,
        ),
        PresetFacts(
            "hd-512", 512, "df", 8, 110_440_352, 3817.15218432, 919_980_000,
            "for close-ups; a day of a graphics card",
            learning_rate=3e-4, on_cpu=False,
        ),
        PresetFacts(
            "hd-512-liae", 512, "liae", 8, 91_528_400, 3817.554837504, 920_050_000,
            "as hd-512, one decoder for both (liae): nearer to the target's light and shape",
            learning_rate=3e-4, on_cpu=False,
        ),
        PresetFacts(
            "classic-64", 64, "df", 16, 82_062_470, 364.828950528, 31_030_000,
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
