"""Video frames as they are stored: luma and thinned-out chroma, not yet red, green and blue.

A frame's luma is all that a search for faces looks at, and of its colours only what lies in a face
is wanted, at that face's size. Both come cheaper from the planes than from a whole picture in RGB.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from engine.media.colour import QUALITY, is_rgb, mixed, tags_of, yuv_matrix

Image: TypeAlias = npt.NDArray[np.uint8]
_STEPS: Final = {"420": (2, 2), "422": (2, 1), "444": (1, 1)}
_FULL: Final = "yuvj"


@dataclass(frozen=True, eq=False)
class Planes:
    """Y'CbCr of 8 bits. luma: uint8 [H, W]. cb, cr: uint8, of every `step` (x, y) pixels one, sited
    to the left and between rows (ITU-T H.273, type 0). matrix: as `yuv_matrix` takes it."""

    luma: Image
    cb: Image
    cr: Image
    step: tuple[int, int]
    matrix: int
    full: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the picture in RGB: [H, W, 3]."""
        return (*self.luma.shape, 3)

    @property
    def nbytes(self) -> int:
        return self.luma.nbytes + self.cb.nbytes + self.cr.nbytes

    def chroma_sites(self) -> npt.NDArray[np.float64]:
        """The affine matrix [2, 3] from a chroma sample's (x, y) to the pixel that it lies on."""
        x, y = self.step
        return np.array([[x, 0, 0], [0, y, (y - 1) / 2]], np.float64)

    def to_rgb(self, luma: Image, cb: Image, cr: Image) -> Image:
        """uint8 [h, w, 3] RGB of planes of one size that were sampled from these."""
        codes = yuv_matrix(self.matrix, self.full)
        back = np.linalg.inv(codes[:, :3])
        yuv = np.asarray(cv2.merge([luma, cb, cr]), np.uint8)
        return mixed(yuv, np.column_stack([back, -back @ codes[:, 3]]))


class ToRgb:
    """Decoded frames to arrays; keeps the scaler's tables from one frame to the next."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> Image:
        """uint8 [H, W, 3] RGB of a decoded frame as it is stored, not turned for display."""
        planes = planes_of(frame)
        if planes is not None:
            return planes.to_rgb(planes.luma, *self._whole_chroma(frame))
        if is_rgb(frame.format.name):
            rgb = self._reformatter.reformat(frame, format="rgb24", threads=1)
        else:
            tags = tags_of(frame)
            rgb = self._reformatter.reformat(
                frame,
                format="rgb24",
                src_colorspace=tags.scaler_matrix(frame.height),
                src_color_range=tags.scaler_range(),
                interpolation=QUALITY,
                threads=1,
            )
        return np.asarray(rgb.to_ndarray(), dtype=np.uint8)

    def _whole_chroma(self, frame: av.VideoFrame) -> tuple[Image, Image]:
        """The chroma of every pixel. The scaler's own way from planes to RGB takes three times as
        long as enlarging them by it and mixing the colours here."""
        full = frame.format.name.startswith(_FULL)
        whole = self._reformatter.reformat(
            frame,
            format="yuvj444p" if full else "yuv444p",
            src_color_range=ColorRange.MPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.BICUBIC,
            threads=1,
        )
        return _plane(whole.planes[1]), _plane(whole.planes[2])


Pixels: TypeAlias = Image | Planes
"""A picture, uint8 [H, W, 3] RGB, or the planes of one."""


def planes_of(frame: av.VideoFrame) -> Planes | None:
    """The planes of a decoded frame; None for formats that are kept otherwise, such as RGB."""
    name = frame.format.name
    full = name.startswith(_FULL)
    step = _STEPS.get(name.removeprefix(_FULL if full else "yuv").removesuffix("p"))
    if step is None:
        return None
    tags = tags_of(frame)
    luma, cb, cr = (_plane(plane) for plane in frame.planes)
    return Planes(luma, cb, cr, step, tags.scaler_matrix(frame.height), full or tags.is_full)


def luma_of(pixels: Pixels) -> Image:
    """uint8 [H, W], black at 0 and white at 255."""
    if not isinstance(pixels, Planes):
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    return pixels.luma if pixels.full else np.asarray(cv2.LUT(pixels.luma, _WIDENED), np.uint8)


def rgb_of(pixels: Pixels) -> Image:
    """uint8 [H, W, 3] RGB, good enough to look for faces in."""
    if not isinstance(pixels, Planes):
        return pixels
    height, width = pixels.luma.shape
    cb, cr = (
        np.asarray(cv2.resize(plane, (width, height)), np.uint8) for plane in (pixels.cb, pixels.cr)
    )
    return pixels.to_rgb(pixels.luma, cb, cr)


def arrays_of(pixels: Pixels) -> tuple[Image, ...]:
    """Everything large that the pixels consist of."""
    return (pixels.luma, pixels.cb, pixels.cr) if isinstance(pixels, Planes) else (pixels,)


def with_arrays(pixels: Pixels, arrays: Iterator[Image]) -> Pixels:
    """The same pixels made of the next ones of `arrays`, in the order of `arrays_of`."""
    if isinstance(pixels, Planes):
        return replace(pixels, luma=next(arrays), cb=next(arrays), cr=next(arrays))
    return next(arrays)


def _plane(plane: VideoPlane) -> Image:
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return np.asarray(rows[: plane.height, : plane.width])


_WIDENED: Final = np.clip(np.rint((np.arange(256) - 16.0) * 255 / 219), 0, 255).astype(np.uint8)
