"""The values that a quality table holds."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """What was measured of one picture of the swap; `nan` where there was nothing to measure.

    PSNR (decibels) and SSIM are inside the face against the exact truth. *Registered*: the decoded
    chip against the chip of the truth aligned by the truth's own landmarks, which is what the
    network can do. *In place*: the converted frame against the truth's frame, which is what a
    viewer sees. For the others see `engine.quality.likeness.Likeness`.
    """

    name: str
    registered_psnr: float = math.nan
    registered_ssim: float = math.nan
    in_place_psnr: float = math.nan
    in_place_ssim: float = math.nan
    to_source: float = math.nan
    to_target: float = math.nan
    landmark_error: float = math.nan
    mouth_correlation: float = math.nan
    frames: int = 0
    exact_frames: int = 0
    """Frames for which there was a truth."""


@dataclass(frozen=True)
class Measure:
    """A row's field for readers: heading, unit, digits, and which way is better."""

    key: str
    heading: str
    unit: str
    digits: int
    better: str


MEASURES = (
    Measure("registered_psnr", "PSNR registered", "dB", 2, "higher"),
    Measure("in_place_psnr", "PSNR in place", "dB", 2, "higher"),
    Measure("registered_ssim", "SSIM registered", "", 3, "higher"),
    Measure("in_place_ssim", "SSIM in place", "", 3, "higher"),
    Measure("to_source", "identity distance to source", "", 3, "lower"),
    Measure("to_target", "identity distance to target", "", 3, "higher"),
    Measure("landmark_error", "landmark error, in eye distances", "", 3, "lower"),
    Measure("mouth_correlation", "mouth follows target (r)", "", 2, "higher"),
)


@dataclass(frozen=True)
class QualityTable:
    """A conversion's row first, then what it is compared with."""

    rows: tuple[Row, ...]
    sound_drift_ms: float | None
    """The most by which a packet of sound moved against the picture; None without sound."""
    sound_identical: bool | None
    """Whether every packet of sound is the source's, bit for bit; None without sound."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> QualityTable:
        """The inverse of `as_dict`; a null stands for what could not be measured."""
        return cls(
            tuple(map(_row, values["rows"])), values["sound_drift_ms"], values["sound_identical"]
        )


def _row(values: dict[str, Any]) -> Row:
    known: dict[str, Any] = {
        key: math.nan if value is None else value for key, value in values.items()
    }
    return Row(**known)


def written(row: Row, measure: Measure) -> str:
    """`18.62 dB`, or a dash where nothing was measured."""
    value = float(getattr(row, measure.key))
    if math.isnan(value):
        return "-"
    return f"{value:.{measure.digits}f} {measure.unit}".rstrip()
