"""When a training ends, how often it saves, shows and scores, and how it is fed and followed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from projects.errors import CommandError
from projects.options import checked
from projects.training_options import LIMITS


@dataclass(frozen=True)
class Limits:
    """What is said about one run. Without steps and minutes it goes on."""

    steps: int | None = None
    """Steps of the swap in all, those of earlier runs included."""
    minutes: float | None = None
    """Minutes of this run, compilation not counted."""
    checkpoint_every: float = 60.0
    """Seconds; at most this much work is lost to a power cut."""
    preview_every: float = 20.0
    """Seconds."""
    score_every: float = 60.0
    """Seconds between two looks at the held-out faces."""
    until_plateau: bool = False
    """End when the score has levelled off."""
    keep: int = 3
    """Checkpoints that are kept."""
    tensorboard: bool = False
    """Write for TensorBoard too."""
    dataset: str = "auto"
    """Where the faces are: "device", "stream" (from the disk), or "auto" (what fits)."""
    devices: str = "1"
    """How many of this machine's devices train: a number, or "all"."""

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> "Limits":
        """From what a job was told, by the names of `training_options.LIMITS`.

        Raises CommandError.
        """
        names = [one.name for one in LIMITS]
        given = {n: arguments[n] for n in names if arguments.get(n) is not None}
        return cls(**checked(LIMITS, given, "A training"))  # type: ignore[arg-type]

    def __post_init__(self) -> None:
        if self.steps is not None and self.steps < 1:
            raise CommandError("--steps must be 1 or more.")
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise CommandError("--minutes must be more than 0.")


def seconds_left(limits: Limits, step: int, rate: float | None, seconds: float) -> float | None:
    """Whichever limit comes first; None without limits or before a rate is known."""
    left = []
    if limits.minutes is not None:
        left.append(max(0.0, limits.minutes * 60 - seconds))
    if limits.steps is not None and rate:
        left.append((limits.steps - step) / rate)
    return min(left, default=None)
