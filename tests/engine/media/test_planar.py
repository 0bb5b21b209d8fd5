"""Planes as they are stored, beside the same frames in RGB."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.avatars.demo import demo_clips
from engine.faces.align import crop, crop_pixels, umeyama
from engine.media import open_frames
from engine.media.planar import Planes, ToRgb, arrays_of, luma_of, planes_of, rgb_of, with_arrays

Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def picture() -> Image:
    with open_frames(demo_clips().source_training) as reader:
        return next(iter(reader)).image


def stored(image: Image, pix_fmt: str, matrix: int = 1, full: bool = False) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(
        format=pix_fmt, dst_colorspace=matrix, dst_color_range=2 if full else 1
    )
    frame.colorspace, frame.color_range = matrix, 2 if full else 1
    return frame


def unlike(a: Image, b: Image) -> float:
    """Root of the mean squared difference, in grey levels."""
    return float(np.sqrt(((a.astype(float) - b) ** 2).mean()))


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p"])
@pytest.mark.parametrize(("matrix", "full"), [(1, False), (5, False), (5, True), (9, False)])
def test_a_crop_of_planes_is_the_crop_of_the_picture(
    picture: Image, pix_fmt: str, matrix: int, full: bool
) -> None:
    frame = stored(picture, pix_fmt, matrix, full)
    planes = planes_of(frame)
    assert planes is not None and planes.shape == picture.shape
    corners = np.array([[180.0, 90], [330, 110], [300, 260]])
    transform = umeyama(corners, np.array([[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]))
    whole = ToRgb()(frame)
    for size in (64, 256):
        expected = crop(whole, transform, size)
        assert unlike(crop_pixels(planes, transform, size), expected) < 1.5
        assert abs((crop_pixels(planes, transform, size) - expected.astype(float)).mean()) < 0.3


def test_luma_is_as_light_as_the_picture(picture: Image) -> None:
    for full in (False, True):
        planes = planes_of(stored(picture, "yuv420p", 5, full))
        assert planes is not None
        assert unlike(luma_of(planes), cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)) < 1.5
        assert unlike(rgb_of(planes), picture) < 4


@pytest.mark.parametrize("pix_fmt", ["rgb24", "nv12", "yuv420p10le", "gray"])
def test_other_formats_have_no_planes(picture: Image, pix_fmt: str) -> None:
    assert planes_of(stored(picture, pix_fmt)) is None


def test_odd_sizes_have_all_their_pixels(picture: Image) -> None:
    planes = planes_of(stored(picture[:99, :101].copy(), "yuv420p"))
    assert planes is not None
    assert (planes.luma.shape, planes.cb.shape) == ((99, 101), (50, 51))


def test_a_reader_gives_planes_upright_and_pictures_otherwise(clip: Callable[..., Path]) -> None:
    with open_frames(demo_clips().source_training) as reader:
        raw = list(islice(reader.raw(), 3))
    with open_frames(demo_clips().source_training) as reader:
        whole = list(islice(reader, 3))
    assert all(isinstance(frame.image, Planes) for frame in raw)
    assert [(f.index, f.pts, f.time) for f in raw] == [(f.index, f.pts, f.time) for f in whole]
    with open_frames(clip(matrix=(0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30))) as reader:
        turned = next(reader.raw()).image
    assert isinstance(turned, np.ndarray)


def test_pixels_can_be_taken_apart_and_put_together(picture: Image) -> None:
    planes = planes_of(stored(picture, "yuv420p"))
    assert planes is not None
    for pixels in (planes, picture):
        arrays = arrays_of(pixels)
        again = with_arrays(pixels, iter(arrays))
        assert all(a is b for a, b in zip(arrays_of(again), arrays, strict=True))
        assert again.nbytes == sum(array.nbytes for array in arrays)
