"""The values that a quality table holds."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """What was measured of one picture of the swap; `nan` where there was nothing to measure.

    What each field is: MEASURES, and docs/quality.md.
    """

    name: str
    registered_psnr: float = math.nan
    registered_ssim: float = math.nan
    in_place_psnr: float = math.nan
    in_place_ssim: float = math.nan
    to_source: float = math.nan
    to_target: float = math.nan
    still_target: float = math.nan
    landmark_error: float = math.nan
    pose_error: float = math.nan
    mouth_correlation: float = math.nan
    eye_correlation: float = math.nan
    flicker: float = math.nan
    seam: float = math.nan
    background: float = math.nan
    background_loss: float = math.nan
    missed: float = math.nan
    frames: int = 0
    exact_frames: int = 0
    """Frames for which there was a truth."""


@dataclass(frozen=True)
class Measure:
    """A row's field for readers: heading, unit, digits, which way is better, and what it is.

    `paper` is where the measure comes from, "" where it is its own definition.
    """

    key: str
    heading: str
    unit: str
    digits: int
    better: str
    about: str
    paper: str = ""


_PSNR = "One mean squared error over all pixels inside the face of all frames, as decibels of 255²."
_WANG = (
    "Z. Wang, A. Bovik, H. Sheikh, E. Simoncelli, Image quality assessment: from error visibility "
    "to structural similarity, IEEE TIP 13(4), 2004"
)
_RESNET = (
    "K. He et al., Deep residual learning for image recognition, CVPR 2016, as trained by D. King "
    "for dlib"
)
_TREES = (
    "Landmarks: V. Kazemi, J. Sullivan, One millisecond face alignment with an ensemble of "
    "regression trees, CVPR 2014"
)
_BLINK = "T. Soukupová, J. Čech, Real-time eye blink detection using facial landmarks, CVWW 2016"
MEASURES = (
    Measure(
        "registered_psnr",
        "PSNR registered",
        "dB",
        2,
        "higher",
        "The decoded chip against the exact truth's own chip: what the network can do. Only where "
        f"there is a truth, that is for rendered footage. {_PSNR}",
    ),
    Measure(
        "in_place_psnr",
        "PSNR in place",
        "dB",
        2,
        "higher",
        "The finished frame against the truth's frame, inside the truth's face: what a viewer "
        f"sees. {_PSNR}",
    ),
    Measure(
        "registered_ssim",
        "SSIM registered",
        "",
        3,
        "higher",
        "The same comparison by structural similarity, on luma, 11 px Gaussian window.",
        _WANG,
    ),
    Measure(
        "in_place_ssim",
        "SSIM in place",
        "",
        3,
        "higher",
        "The same comparison by structural similarity, on luma, 11 px Gaussian window.",
        _WANG,
    ),
    Measure(
        "to_source",
        "identity distance to source",
        "",
        3,
        "lower",
        "Euclidean distance between the embedding of the face and the mean of the source person's "
        "kept faces, mean over frames. One person's pictures usually lie below 0.48.",
        _RESNET,
    ),
    Measure(
        "to_target",
        "identity distance to target",
        "",
        3,
        "higher",
        "The same to the mean of the target person's faces.",
        _RESNET,
    ),
    Measure(
        "still_target",
        "frames within the target's bound",
        "%",
        0,
        "lower",
        "Frames in which the face is within 0.48 of the target person, so that it would be taken "
        "for them.",
        _RESNET,
    ),
    Measure(
        "landmark_error",
        "landmark error, in eye distances",
        "",
        3,
        "lower",
        "Mean distance of the 68 landmarks from those of the same frame of the footage, over the "
        "distance between its eyes. Other people have other proportions, so it is never 0.",
        _TREES,
    ),
    Measure(
        "pose_error",
        "pose error",
        "°",
        1,
        "lower",
        "Largest difference of yaw, pitch and roll from the footage's, from 13 landmarks and a "
        "mean head, without the median difference over the clip: two people's proportions look "
        "like a turn that stays the same.",
        _TREES,
    ),
    Measure(
        "mouth_correlation",
        "mouth follows target (r)",
        "",
        2,
        "higher",
        "Pearson's r between the openings of the mouth in result and footage: the gap of the inner "
        "lips over the distance between the eyes.",
        _TREES,
    ),
    Measure(
        "eye_correlation",
        "eyes follow target (r)",
        "",
        2,
        "higher",
        "Pearson's r between the openings of the eyes in result and footage: the gap of the lids "
        "over the width of the eye.",
        _BLINK,
    ),
    Measure(
        "flicker",
        "flicker, times the footage's",
        "",
        2,
        "lower",
        "The frame before is warped onto this one along the footage's optical flow; what differs "
        "inside the face then, in the result over in the footage. 1 is as steady as the footage.",
        "W.-S. Lai et al., Learning blind video temporal consistency, ECCV 2018; flow: T. Kroeger "
        "et al., Fast optical flow using dense inverse search, ECCV 2016",
    ),
    Measure(
        "seam",
        "seam, times the footage's",
        "",
        2,
        "lower",
        "The picture's gradient across the outline of the face, in a band along it, in the result "
        "over in the footage. Well above 1 an edge is seen.",
        "After P. Pérez, M. Gangnet, A. Blake, Poisson image editing, ACM TOG 22(3), 2003",
    ),
    Measure(
        "background",
        "PSNR outside the faces",
        "dB",
        1,
        "higher",
        "The first 48 frames against the footage, outside of all faces.",
    ),
    Measure(
        "background_loss",
        "of which not by codec and mark",
        "dB",
        2,
        "lower",
        "How much lower that is than when the same footage is only marked and encoded. About 0: "
        "the background was not touched.",
    ),
    Measure(
        "missed",
        "faces the detector misses",
        "%",
        0,
        "lower",
        "Frames in which the detector finds the face in the footage and none in its place in the "
        "result: it does not look like a face there.",
        "N. Dalal, B. Triggs, Histograms of oriented gradients for human detection, CVPR 2005",
    ),
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
    if measure.unit == "%":
        return f"{value:.{measure.digits}%}"
    return f"{value:.{measure.digits}f} {measure.unit}".rstrip()
