"""Display matrices: how a stored frame is turned and mirrored before it is shown.

Phones store frames as the sensor gives them and say in a 3x3 matrix (ISO/IEC 14496-12, 16.16
fixed point) how to show them. Right angles and mirrorings are followed, others rounded to them.
"""

from dataclasses import dataclass
from typing import TypeVar, cast

import av
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import SideData

Pixel = TypeVar("Pixel", np.uint8, np.uint16)


@dataclass(frozen=True)
class Orientation:
    """How to get from the stored pixels to the upright picture: swap the axes, then mirror."""

    transpose: bool = False
    mirror_x: bool = False
    mirror_y: bool = False
    matrix: tuple[int, ...] | None = None  # as stored, to be written again unchanged

    @property
    def rotation(self) -> int:
        """Clockwise turn from stored to upright: 0, 90, 180 or 270 degrees, mirroring left out."""
        if self.transpose:
            return 90 if self.mirror_x else 270
        return 180 if self.mirror_y else 0

    @property
    def is_upright(self) -> bool:
        """Whether frames are shown as they are stored."""
        return not (self.transpose or self.mirror_x or self.mirror_y)

    def upright(self, image: npt.NDArray[Pixel]) -> npt.NDArray[Pixel]:
        """The picture as it is shown, from stored pixels [H, W, 3]."""
        turned = image.transpose(1, 0, 2) if self.transpose else image
        return np.ascontiguousarray(turned[self._steps()])

    def stored(self, image: npt.NDArray[Pixel]) -> npt.NDArray[Pixel]:
        """The pixels as they are stored, from the upright picture."""
        turned = image[self._steps()]
        return np.ascontiguousarray(turned.transpose(1, 0, 2) if self.transpose else turned)

    def _steps(self) -> tuple[slice, slice]:
        rows = slice(None, None, -1 if self.mirror_y else 1)
        columns = slice(None, None, -1 if self.mirror_x else 1)
        return rows, columns


def orientation_of(frame: av.VideoFrame) -> Orientation:
    """The display orientation that a decoded frame carries; upright where it carries none."""
    matrix = cast("SideData | None", frame.side_data.get("DISPLAYMATRIX"))
    if matrix is None:
        return Orientation()
    return orientation_from_matrix(tuple(int(v) for v in np.frombuffer(bytes(matrix), "<i4")[:9]))


def orientation_from_matrix(matrix: tuple[int, ...]) -> Orientation:
    """Orientation for the nine numbers (a, b, u, c, d, v, x, y, w): x' = ax + cy, y' = bx + dy."""
    a, b, _, c, d = matrix[:5]
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(False, a < 0, d < 0, matrix)
    return Orientation(True, c < 0, b < 0, matrix)
