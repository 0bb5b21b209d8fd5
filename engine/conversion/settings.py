"""What can be chosen about a conversion."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.conversion.casting import SURE
from engine.conversion.picture import PictureSettings
from engine.faces.align import Alignment
from engine.media import EncodeSettings
from projects.errors import CommandError
from projects.shots import Shot


@dataclass(frozen=True)
class ConvertSettings(PictureSettings):
    """How faces are searched for, swapped and encoded. Raises CommandError."""

    alignment: Alignment = Alignment.EYES_BRIDGE
    """As the model was trained."""
    landmark_model: Path | None = None
    """A dlib 68-point file, as the faces were extracted with; None is the installed one."""
    upsample: int = 0
    """How many times frames are doubled before the search, for faces smaller than 80 pixels."""
    confidence: float = SURE
    """The least confidence that a head is the person's at which it gets the new face."""
    batch: int = 16
    """Chips that are decoded at once."""
    encode: EncodeSettings = field(default_factory=EncodeSettings)
    overwrite: bool = False
    """Replace a result that is there already."""
    shots: tuple[Shot, ...] = ()
    """Ranges of frames in which the picture is made otherwise."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch < 1:
            raise CommandError(f"batch is {self.batch}, and must be at least 1.")
        if not 0 < self.confidence <= 1:
            raise CommandError(f"confidence is {self.confidence}, and must be above 0, up to 1.")
        if not 0 <= self.upsample <= 3:
            raise CommandError(f"upsample is {self.upsample}, and must be from 0 to 3.")

    def at(self, frame: int) -> "ConvertSettings":
        """As they are for the frame of that number."""
        shot = next((shot for shot in self.shots if shot.holds(frame)), None)
        return self if shot is None else _within(self, shot)

    def every(self) -> tuple["ConvertSettings", ...]:
        """All that hold for some frame."""
        return (self, *(_within(self, shot) for shot in self.shots))


@lru_cache(maxsize=256)
def _within(settings: ConvertSettings, shot: Shot) -> ConvertSettings:
    changes: dict[str, Any] = dict(shot.settings)
    return replace(settings, shots=(), **changes)
