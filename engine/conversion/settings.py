"""What can be chosen about a conversion."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from engine.conversion.colour import COLOURS
from engine.faces.align import Alignment
from engine.media import EncodeSettings
from projects.errors import CommandError

MaskKind = Literal["hull", "learnt", "both"]


@dataclass(frozen=True)
class ConvertSettings:
    """How the new face is cut out, coloured, placed and encoded. Raises CommandError.

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
    alignment: Alignment = Alignment.EYES_BRIDGE
    """As the model was trained."""
    landmark_model: Path | None = None
    """A dlib 68-point file, as the faces were extracted with; None is the installed one."""
    upsample: int = 0
    """How many times frames are doubled before the search, for faces smaller than 80 pixels."""
    batch: int = 16
    """Chips that are decoded at once."""
    encode: EncodeSettings = field(default_factory=EncodeSettings)
    overwrite: bool = False
    """Replace a result that is there already."""

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
        if self.batch < 1:
            raise CommandError(f"batch is {self.batch}, and must be at least 1.")
        if not 0 <= self.upsample <= 3:
            raise CommandError(f"upsample is {self.upsample}, and must be from 0 to 3.")
