"""Video of more than 8 bits: what is not changed keeps all of them.

Faces are worked out in 8 bits of RGB. What that changed of a frame is added, as a difference, to
the frame's own planes as they were stored, so that everything else keeps every bit it had.
"""

from dataclasses import dataclass
from typing import Final

import av
import numpy as np
import numpy.typing as npt

from engine.media.colour import QUALITY, ColourTags, thinned, yuv_matrix
from engine.media.orientation import Orientation

Image = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.uint16]
_FORMATS: Final = ("420", "422", "444")


@dataclass(frozen=True, eq=False)
class Deep:
    """The stored planes of a frame: uint16, of `depth` bits, luma and twice chroma. image: the same
    frame in RGB, uint8 [H, W, 3], upright, as it was given on."""

    planes: tuple[Plane, Plane, Plane]
    chroma: str
    depth: int
    image: Image


def deep_format(pix_fmt: str) -> str | None:
    """The planar format that holds all bits of a frame of more than 8; None for one of 8."""
    shape = av.VideoFormat(pix_fmt)
    depth = max(component.bits for component in shape.components)
    if depth <= 8:
        return None
    depth = next((d for d in (10, 12, 16) if d >= depth), 16)
    if shape.is_rgb or len(shape.components) < 3:
        return f"yuv444p{depth}le"
    chroma = next((c for c in _FORMATS if c in shape.name), "420")
    if shape.name.startswith("p0"):
        chroma = "420"
    return f"yuv{chroma}p{depth}le"


def planes_of_deep(frame: av.VideoFrame, name: str, image: Image) -> Deep:
    """The planes of a decoded frame in the format `name` of `deep_format`."""
    same = frame if frame.format.name == name else frame.reformat(format=name)
    depth = int(name.split("p")[1].removesuffix("le"))
    planes = tuple(
        np.frombuffer(memoryview(plane), "<u2")
        .reshape(-1, plane.line_size // 2)[: plane.height, : plane.width]
        .astype(np.uint16)
        for plane in same.planes
    )
    return Deep((planes[0], planes[1], planes[2]), name[3:6], depth, image)


def deep_frame(
    deep: Deep, image: Image, orientation: Orientation, tags: ColourTags
) -> av.VideoFrame:
    """The frame whose RGB became `image` (uint8 [H, W, 3], upright), for the encoder."""
    planes = changed(deep, image, orientation, tags)
    frame = av.VideoFrame(
        planes[0].shape[1], planes[0].shape[0], f"yuv{deep.chroma}p{deep.depth}le"
    )
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.zeros((plane.height, plane.line_size // 2), "<u2")
        rows[:, : plane.width] = values
        plane.update(rows.tobytes())
    return frame


def deep_rgb(
    deep: Deep, image: Image, orientation: Orientation, tags: ColourTags
) -> npt.NDArray[np.uint16]:
    """The frame whose RGB became `image`, upright: uint16 [H, W, 3] RGB, of 16 bits."""
    frame = deep_frame(deep, image, orientation, tags)
    rgb = frame.reformat(
        format="rgb48le",
        src_colorspace=tags.scaler_matrix(frame.height),
        src_color_range=tags.scaler_range(),
        interpolation=QUALITY,
    )
    return orientation.upright(np.asarray(rgb.to_ndarray(), np.uint16))


def changed(
    deep: Deep, image: Image, orientation: Orientation, tags: ColourTags
) -> tuple[Plane, Plane, Plane]:
    """The planes with the difference of `image` to what they showed added to them."""
    if image is deep.image:
        return deep.planes
    difference = orientation.stored(image).astype(np.float32)
    difference -= orientation.stored(deep.image)
    matrix = yuv_matrix(tags.scaler_matrix(deep.planes[0].shape[0]), tags.is_full)[:, :3]
    scale = float(1 << (deep.depth - 8))
    luma, cb, cr = np.moveaxis(difference @ (matrix.T * scale).astype(np.float32), -1, 0)
    moves = (luma, _thinned(cb, deep.chroma), _thinned(cr, deep.chroma))
    top = (1 << deep.depth) - 1
    first, second, third = (
        np.clip(np.rint(plane + move), 0, top).astype(np.uint16)
        for plane, move in zip(deep.planes, moves, strict=True)
    )
    return first, second, third


def _thinned(plane: npt.NDArray[np.float32], chroma: str) -> npt.NDArray[np.float32]:
    return plane if chroma == "444" else thinned(plane, chroma == "420")
