"""What can be chosen about the picture that a conversion makes: the part that shots may change."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from engine.conversion.colour import COLOURS
from projects.errors import CommandError

MaskKind = Literal["hull", "learnt", "both"]


@dataclass(frozen=True)
class PictureSettings:
    """How the new face is cut out, coloured, placed and blended. Raises CommandError.

    Lengths are fractions of the chip's side, so that they grow with the face.
    """

    mask: MaskKind = "both"
    """The outline of the landmarks, the mask that the model learnt, or where both agree."""
    erode: float = 0.0
    """How far the mask draws back from its edge, besides the feather."""
    feather: float = 0.05
    """Over what length the face fades in, all of it inside the mask."""
    colour: str = "face"
    """What the new face takes over: the old one's `light`, all its colours (`face`), or nothing."""
    opacity: float = 1.0
    smooth: int = 7
    """Frames over which a track's place, size and tilt are smoothed, odd; 1 is not at all."""

    def __post_init__(self) -> None:
        if self.mask not in get_args(MaskKind):
            raise CommandError(
                f"There is no mask '{self.mask}'. Choose one of: {', '.join(get_args(MaskKind))}."
            )
        if self.colour not in COLOURS:
            raise CommandError(
                f"There is no colour match '{self.colour}'. Choose one of: {', '.join(COLOURS)}."
            )
        for name, most in (("erode", 0.4), ("feather", 0.4), ("opacity", 1.0)):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 <= value <= most):
                raise CommandError(f"{name} is {value}, and must be from 0 to {most:g}.")
        if self.smooth < 1 or self.smooth % 2 == 0:
            raise CommandError(f"smooth is {self.smooth}, and must be an odd number of frames.")
