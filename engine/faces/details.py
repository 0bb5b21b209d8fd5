"""Pictures of large faces in more pixels than a crop has, for presets that draw more than 192.

Everything looks at a face's crop, faces/STEM.png. Where the footage has more of a face than fits
in there, people/NAME/details/STEM.jpg shows the same square in 512 or 1024 pixels, and training is
the only one that reads it. Without one, the crop serves.
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.faces.align import CROP_MARGIN, CROP_SIZE, crop_pixels, pixel_scale
from engine.media.pictures import picture_bytes
from engine.media.planar import Pixels
from projects.errors import DamagedError
from projects.files import inside, write_bytes, write_errors

FOLDER: Final = "details"
SIDES: Final = (512, 1024)
"""Pixels of a side."""
_SUFFIX: Final = ".jpg"


def detail_side(transform: NDArray[np.float64]) -> int:
    """The pixels a side that show all of a face, of CROP_SIZE and SIDES: the nearest in ratio.

    transform: float64 [2, 3], pixels of the footage to the unit chip.
    """
    there = pixel_scale(transform, 1, CROP_MARGIN)
    fits = [side for side in SIDES if there >= side / math.sqrt(2)]
    return fits[-1] if fits else CROP_SIZE


def detail_path(root: Path, crop: str) -> Path:
    """Where the detail of the face with this crop lies, when it has one. root: the person's."""
    return inside(root, FOLDER, f"{Path(crop).stem}{_SUFFIX}")


def detail_of(pixels: Pixels, transform: NDArray[np.float64]) -> NDArray[np.uint8] | None:
    """A face's detail, uint8 [D, D, 3] RGB with D of SIDES; None where the crop shows it all.

    pixels: a frame of the footage. transform: float64 [2, 3], its pixels to the unit chip.
    """
    side = detail_side(transform)
    return None if side == CROP_SIZE else crop_pixels(pixels, transform, side, CROP_MARGIN)


def save_detail(root: Path, crop: str, picture: NDArray[np.uint8] | None) -> None:
    """Write what `detail_of` gave, complete or not at all. Raises SwapdeckError."""
    if picture is not None:
        write_detail(root, crop, picture_bytes(_SUFFIX, picture))


def write_detail(root: Path, crop: str, data: bytes) -> None:
    """Write a detail that is a file already. Raises SwapdeckError."""
    path = detail_path(root, crop)
    with write_errors(path):
        path.parent.mkdir(exist_ok=True)
    write_bytes(path, data)


def load_detail(root: Path, crop: str) -> NDArray[np.uint8] | None:
    """The detail of a face: uint8 [D, D, 3] RGB with D of SIDES; None without one.

    Raises DamagedError when it cannot be read.
    """
    path = detail_path(root, crop)
    try:
        picture = decode_detail(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError:
        picture = None
    if picture is None:
        raise DamagedError(
            f"{path} is no picture of 512x512 or 1024x1024 pixels that can be read. Delete it, and "
            "the crop serves in its place."
        )
    return picture


def decode_detail(data: bytes) -> NDArray[np.uint8] | None:
    """A JPEG of one of SIDES: uint8 [D, D, 3] RGB; None for anything else."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
            if picture.size not in {(side, side) for side in SIDES}:
                return None  # told by its header: a huge one is never unpacked
            return np.array(picture.convert("RGB"))
    except Exception:  # noqa: BLE001 - Pillow's parsers raise whatever a damaged file makes them
        return None


def remove_details_of(root: Path, prefix: str) -> None:
    """Delete the details of all faces whose crops' names begin so."""
    for path in inside(root, FOLDER).glob(f"{prefix}*{_SUFFIX}"):
        path.unlink(missing_ok=True)


def remove_detail(root: Path, crop: str) -> None:
    """Delete the detail of a face, where it has one."""
    path = detail_path(root, crop)
    with write_errors(path):
        path.unlink(missing_ok=True)
