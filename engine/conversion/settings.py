"""What can be chosen about a conversion."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.conversion.casting import SURE
from engine.conversion.picture import PictureSettings
from engine.faces.align import Alignment
from engine.media import EncodeSettings
from projects.conversion_options import CONVERSION_OPTIONS
from projects.errors import CommandError
from projects.names import printable
from projects.options import checked
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

    @classmethod
    def of(cls, options: Mapping[str, Any], **more: Any) -> "ConvertSettings":
        """From options as `projects.conversion_options` names them. Raises CommandError."""
        given = checked(CONVERSION_OPTIONS, options, "A conversion")
        names = {"codec": "codec", "quality": "crf", "speed": "preset"}
        encode: dict[str, Any] = {
            name: given[option] for option, name in names.items() if given.get(option) is not None
        }
        if given.get("rate") is not None:
            encode["rate"] = frame_rate(str(given["rate"]))
        rest: dict[str, Any] = {
            name: value for name, value in given.items() if name not in (*names, "rate")
        }
        return cls(**rest, encode=EncodeSettings(**encode), **more)

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


def frame_rate(text: str) -> Fraction:
    """Frames a second, as 25, 23.976 or 30000/1001. Raises CommandError."""
    try:
        rate = Fraction(text.strip())
        near = Fraction(round(rate) * 1000, 1001)  # what 23.976 and its like stand for
        if rate.denominator > 1 and abs(near - rate) < Fraction(1, 200):
            rate = near
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not Fraction(1, 100) <= rate <= 1000:
        raise CommandError(
            f"The frame rate cannot be '{printable(text)}'. Write it as 25, 23.976 or 30000/1001."
        )
    return rate
