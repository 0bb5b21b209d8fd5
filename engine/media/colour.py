"""Between YUV video frames and RGB arrays, by the matrix and range that the video is tagged with.

FFmpeg's scaler assumes BT.601 where nothing is said; players assume BT.709 from 720 lines up. An
untagged video is read and written here as players show it, so the round trip shifts no colour.
"""

from dataclasses import dataclass

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Interpolation

Image = npt.NDArray[np.uint8]

_HD_LINES = 720
# AVColorSpace (ISO/IEC 23091-2 matrix coefficients) -> the scaler's own numbering
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
# the scaler's matrix -> the weights of red and blue in luma (ITU-T H.273)
_WEIGHTS = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
# half-band filters: at a sample's own place, and half-way between two
_COSITED = np.array([-1, 0, 9, 16, 9, 0, -1]) / 32
_BETWEEN = np.array([-1, 9, 9, -1]) / 16
# Without these the scaler rounds chroma down: each generation would be a level darker.
QUALITY = (
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

    @property
    def is_full(self) -> bool:
        return self.range == ColorRange.JPEG

    def scaler_range(self) -> int:
        return ColorRange.JPEG if self.is_full else ColorRange.MPEG


def tags_of(frame: av.VideoFrame) -> ColourTags:
    """What a decoded frame says of its colours."""
    return ColourTags(frame.color_range, frame.colorspace, frame.color_primaries, frame.color_trc)


def is_rgb(pix_fmt: str) -> bool:
    """Whether the pixels are red, green, blue already, so that no matrix applies."""
    return av.VideoFormat(pix_fmt).is_rgb or pix_fmt == "pal8"


class FromRgb:
    """Arrays to 8-bit frames as H.264 has them: one matrix and range, chroma sited to the left.

    Done here because the scaler sites chroma in the middle when it writes, which would move it by
    half a pixel in every generation, and cuts the chroma of full-range video off instead of
    rounding it.
    """

    def __init__(self, pix_fmt: str, tags: ColourTags) -> None:
        """pix_fmt: yuv420p, yuv422p or yuv444p."""
        self._pix_fmt = pix_fmt
        self._tags = tags

    def __call__(self, image: Image) -> av.VideoFrame:
        """The frame for `image` (uint8 [H, W, 3] RGB), ready for the encoder."""
        matrix = yuv_matrix(self._tags.scaler_matrix(image.shape[0]), self._tags.is_full)
        yuv = mixed(image, matrix)
        luma, *chroma = (np.asarray(cv2.extractChannel(yuv, n), np.uint8) for n in range(3))
        if self._pix_fmt != "yuv444p":
            chroma = [_thinned(plane, self._pix_fmt == "yuv420p") for plane in chroma]
        frame = av.VideoFrame(image.shape[1], image.shape[0], self._pix_fmt)
        for plane, values in zip(frame.planes, (luma, *chroma), strict=True):
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
            rows[:, : plane.width] = values
        return frame


def thinned(plane: npt.NDArray[np.uint8 | np.float32], rows_too: bool) -> npt.NDArray[np.float32]:
    """Every second column at its own place, of rows every pair at its middle: float32."""
    halved = cv2.sepFilter2D(
        plane,
        cv2.CV_32F,
        _COSITED,
        _BETWEEN if rows_too else np.ones(1),
        anchor=(3, 1 if rows_too else 0),
        borderType=cv2.BORDER_REFLECT_101,
    )[:: 2 if rows_too else 1, ::2]
    return np.asarray(halved, np.float32)


def rounded(levels: npt.NDArray[np.float32]) -> Image:
    """The nearest levels that there are: uint8."""
    return np.asarray(cv2.convertScaleAbs(np.maximum(levels, 0)), np.uint8)


def _thinned(plane: Image, rows_too: bool) -> Image:
    return rounded(thinned(plane, rows_too))


def mixed(image: Image, matrix: npt.NDArray[np.float64]) -> Image:
    """The channels of every pixel, uint8 [H, W, 3], through an affine matrix [3, 4]."""
    linear = matrix[:, :3]
    # OpenCV takes 1024ths: what rounding to them takes from a middle grey is put back.
    lost = (linear - np.rint(linear * 1024) / 1024).sum(1) * 128
    offset = matrix[:, 3] + lost
    return np.asarray(
        cv2.transform(image, np.column_stack([linear, offset]).astype(np.float32)), np.uint8
    )


def yuv_matrix(scaler_matrix: int, full: bool) -> npt.NDArray[np.float64]:
    """float64 [3, 4] from RGB 0..255 to 8-bit Y'CbCr codes, by ITU-T H.273."""
    red, blue = _WEIGHTS[scaler_matrix]
    luma = np.array([red, 1 - red - blue, blue])
    cb = (np.array([0, 0, 1]) - luma) / (2 * (1 - blue))
    cr = (np.array([1, 0, 0]) - luma) / (2 * (1 - red))
    scales, offsets = ([1, 1, 1], [0, 128, 128]) if full else ([219, 224, 224], [16, 128, 128])
    rows = np.stack([luma, cb, cr]) * (np.array(scales)[:, None] / (1 if full else 255))
    return np.column_stack([rows, offsets])
