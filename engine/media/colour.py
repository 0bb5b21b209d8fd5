"""Between YUV video frames and RGB arrays, by the matrix and range that the video is tagged with.

FFmpeg's scaler assumes BT.601 where nothing is said; players assume BT.709 from 720 lines up. An
untagged video is read and written here as players show it, so the round trip shifts no colour.
"""

from dataclasses import dataclass

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

Image = npt.NDArray[np.uint8]

_UNTAGGED = 2
_HD_LINES = 720
# AVColorSpace (ISO/IEC 23091-2 matrix coefficients) -> the scaler's own numbering
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
_QUALITY = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)


@dataclass(frozen=True)
class ColourTags:
    """The colour properties of a video as ISO/IEC 23091-2 numbers; 2 is "not said", range 0."""

    range: int
    matrix: int
    primaries: int
    transfer: int

    def scaler_matrix(self, lines: int) -> int:
        """The matrix to convert with, where `lines` decides for a video without a tag."""
        return _MATRICES.get(self.matrix, 1 if lines >= _HD_LINES else 5)

    def scaler_range(self) -> int:
        return ColorRange.JPEG if self.range == ColorRange.JPEG else ColorRange.MPEG


def is_rgb(pix_fmt: str) -> bool:
    """Whether the pixels are red, green, blue already, so that no matrix applies."""
    return av.VideoFormat(pix_fmt).is_rgb or pix_fmt == "pal8"


class ToRgb:
    """Decoded frames to arrays; keeps the scaler's tables from one frame to the next."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> Image:
        """uint8 [H, W, 3] RGB of a decoded frame as it is stored, not turned for display."""
        if is_rgb(frame.format.name):
            rgb = self._reformatter.reformat(frame, format="rgb24", threads=1)
        else:
            tags = ColourTags(
                frame.color_range, frame.colorspace, frame.color_primaries, frame.color_trc
            )
            full = frame.format.name.startswith("yuvj")
            rgb = self._reformatter.reformat(
                frame,
                format="rgb24",
                src_colorspace=tags.scaler_matrix(frame.height),
                src_color_range=ColorRange.JPEG if full else tags.scaler_range(),
                interpolation=_QUALITY,
                threads=1,
            )
        return np.asarray(rgb.to_ndarray(), dtype=np.uint8)


class FromRgb:
    """Arrays to frames of one pixel format, matrix and range."""

    def __init__(self, pix_fmt: str, tags: ColourTags) -> None:
        self._pix_fmt = pix_fmt
        self._tags = tags
        self._reformatter = VideoReformatter()

    def __call__(self, image: Image) -> av.VideoFrame:
        """The frame for `image` (uint8 [H, W, 3] RGB), ready for the encoder."""
        rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        return self._reformatter.reformat(
            rgb,
            format=self._pix_fmt,
            dst_colorspace=self._tags.scaler_matrix(image.shape[0]),
            dst_color_range=self._tags.scaler_range(),
            interpolation=_QUALITY,
            threads=1,
        )
