"""Pictures: reading one upright, writing one, and folders of them."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from engine import blackbox
from engine.media.errors import MediaError, refuse_left_out
from projects.files import write_bytes

Image = npt.NDArray[np.uint8]

PICTURE_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"))
MAX_PIXELS = 150_000_000
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "PPM")
_ORIENTATION_TAG = 0x0112


def is_picture_name(path: Path) -> bool:
    """Whether the file's name says that it is a picture."""
    return path.suffix.lower() in PICTURE_SUFFIXES


def picture_format(path: Path) -> str | None:
    """The format of the picture that a file holds ("JPEG"), None when it holds something else."""
    try:
        with _noted(path), Pillow.open(path, formats=_FORMATS) as picture:
            return picture.format
    except Pillow.DecompressionBombError:
        return "picture"
    except Exception:  # noqa: BLE001 - see _open
        return None


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height of the upright picture, from its header alone.

    Raises MediaError for a file that is no picture, or one of more than MAX_PIXELS.
    """
    with _open(path) as picture:
        width, height = picture.size
        turned = picture.getexif().get(_ORIENTATION_TAG, 1) >= 5
    return (height, width) if turned else (width, height)


def read_picture(path: Path) -> Image:
    """uint8 [H, W, 3] RGB, upright by its EXIF orientation; transparency is dropped.

    Raises MediaError for a file that is no picture, is cut short, or has more than MAX_PIXELS.
    """
    with _open(path) as picture:
        upright = ImageOps.exif_transpose(picture)
        if upright.mode.startswith("I;16"):
            return np.repeat((np.asarray(upright) >> 8).astype(np.uint8)[..., None], 3, axis=2)
        return np.array(upright.convert("RGB"))


def picture_bytes(suffix: str, image: Image, like: Path | None = None) -> bytes:
    """uint8 [H, W, 3] RGB as a file of a suffix's format; JPEG is at quality 95, 4:4:4.

    like: the picture it was made from, whose colour profile and transparency are taken over.
    """
    picture = Pillow.fromarray(image)
    options: dict[str, Any] = {}
    if like is not None:
        with _open(like) as original:
            if original.info.get("icc_profile"):
                options["icc_profile"] = original.info["icc_profile"]
            if original.has_transparency_data and suffix.lower() == ".png":
                upright = ImageOps.exif_transpose(original)
                picture.putalpha(upright.convert("RGBA").getchannel("A"))
    match suffix.lower():
        case ".jpg" | ".jpeg":
            options |= {"quality": 95, "subsampling": 0}
        case ".webp":
            options |= {"lossless": True}
        case ".png":
            options |= {"compress_level": 3}
        case ".tif" | ".tiff":
            options |= {"compression": "tiff_lzw"}
    file = io.BytesIO()
    picture.save(file, Pillow.registered_extensions()[suffix.lower()], **options)
    return file.getvalue()


def write_picture(path: Path, image: Image, like: Path | None = None) -> None:
    """Write uint8 [H, W, 3] RGB in the format of the path's suffix; see `picture_bytes`.

    The file is written in place: pass a temporary path of one of PICTURE_SUFFIXES.
    """
    path.write_bytes(picture_bytes(path.suffix, image, like))


def read_deep_picture(path: Path) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]] | None:
    """A colour picture of 16 bits a channel, int32 [H, W, 3] RGB, and what `read_picture` makes of
    it in 8; None for every other picture."""
    if path.suffix.lower() not in (".png", ".tif", ".tiff"):
        return None
    with _noted(path):
        whole = cv2.imread(str(path), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    if whole is None or whole.dtype != np.uint16:
        return None
    shown = read_picture(path)
    if shown.shape != whole.shape:
        return None
    # OpenCV 5.0 gives noise when it is asked for 16 bits of a TIFF in RGB at once.
    return np.asarray(whole[..., ::-1], np.int32), np.asarray(shown, np.int32)


def png(image: Image) -> bytes:
    """uint8 [H, W, 3] RGB as a PNG file's bytes. Quick, and other threads go on meanwhile."""
    # Rows of a photograph are nearest to those above them: a third less than by OpenCV's default.
    options = [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
    return cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1].tobytes()


def save_png(path: Path, image: Image) -> None:
    """Write uint8 [H, W, 3] RGB as a PNG, complete or not at all. Raises SwapdeckError."""
    write_bytes(path, png(image))


def list_pictures(folder: Path) -> list[Path]:
    """The pictures directly inside a folder, by name with numbers counted (2 before 10).

    Raises MediaError when there are none.
    """
    found = [
        path
        for path in folder.iterdir()
        if is_picture_name(path) and not path.name.startswith(".") and path.is_file()
    ]
    if not found:
        kinds = ", ".join(sorted(PICTURE_SUFFIXES))
        raise MediaError(f"{folder} holds no pictures ({kinds}). Name a folder that does.")
    return sorted(found, key=lambda path: natural_key(path.name))


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """A sort key that puts frame2 before frame10 and does not care about case."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts if part]


@contextmanager
def _noted(path: Path) -> Iterator[None]:
    with blackbox.reading(path) as noted, noted.busy():
        yield


@contextmanager
def _open(path: Path) -> Iterator[Pillow.Image]:
    """The picture, while the body reads it; whatever is wrong with it becomes a MediaError."""
    refuse_left_out(path)
    try:
        with _noted(path), Pillow.open(path, formats=_FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise MediaError(too_large(path))
            yield picture
    except (MediaError, MemoryError):
        raise
    except Pillow.DecompressionBombError as error:
        raise MediaError(too_large(path)) from error
    except UnidentifiedImageError as error:
        raise MediaError(
            f"{path} is not a picture that can be read. If it is a video, give it a video's name "
            "(.mp4, .mov, .mkv); otherwise save it as PNG or JPEG."
        ) from error
    except FileNotFoundError as error:
        raise MediaError(f"There is no file {path}.") from error
    except (
        Exception
    ) as error:  # Pillow's parsers raise whatever a damaged file makes them stumble on
        raise MediaError(
            f"{path} is damaged or cut short ({error}). Fetch or copy it again."
        ) from error


def too_large(path: Path) -> str:
    """The sentence for a picture or a video with more than MAX_PIXELS."""
    return (
        f"{path} is larger than {MAX_PIXELS // 1_000_000} million pixels. "
        "Scale it down and try again."
    )
