"""Frames as pictures, encoded one by one; of 16 bits a channel where the footage has above 8."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from engine.media.deep import deep_rgb
from engine.media.encode import EncodedPart
from engine.media.errors import MediaError
from engine.media.pictures import list_pictures, picture_bytes, png, read_deep_picture
from engine.media.reader import Frame
from engine.media.template import Template

_DEEP_SUFFIXES: Final = (".png", ".tif", ".tiff")


class PictureEncoder:
    """Encodes a stretch of frames as pictures: their files' bytes are its packets, and its header
    is their frames' numbers, int64."""

    def __init__(self, source: Path, suffix: str, template: Template | None) -> None:
        """source: a picture or a folder of them, whose profiles and transparency are taken over;
        or the video that `template` is of."""
        self._suffix = suffix
        self._template = template
        self._originals: Sequence[Path] = []
        if template is None:
            self._originals = list_pictures(source) if source.is_dir() else [source]
        self._files: list[bytes] = []
        self._numbers: list[int] = []
        self._stamps: list[int] = []
        self.frames = 0
        self.bytes = 0

    def add(self, frame: Frame) -> None:
        """The next frame."""
        data = self._encoded(frame)
        self._files.append(data)
        self._numbers.append(frame.index)
        self._stamps.append(frame.index if frame.pts is None else frame.pts)
        self.frames += 1
        self.bytes += len(data)

    def finish(self) -> EncodedPart:
        """All pictures."""
        return EncodedPart(
            np.frombuffer(b"".join(self._files), np.uint8),
            np.array([len(data) for data in self._files], np.int64),
            np.array(self._stamps, np.int64),
            np.ones(len(self._files), np.int64),
            np.array(self._numbers, np.int64).view(np.uint8),
        )

    def _encoded(self, frame: Frame) -> bytes:
        if self._template is not None:
            if frame.deep is not None and self._suffix in _DEEP_SUFFIXES:
                deep = deep_rgb(
                    frame.deep, frame.image, self._template.orientation, self._template.tags
                )
                return _file(deep, self._suffix)
            return png(frame.image) if self._suffix == ".png" else _file(frame.image, self._suffix)
        original = self._originals[frame.index]
        deep_original = read_deep_picture(original) if self._suffix in _DEEP_SUFFIXES else None
        if deep_original is not None and deep_original[0].shape == frame.image.shape:
            whole, shown = deep_original
            changed = (frame.image.astype(np.int32) - shown) * 257 + whole
            return _file(np.clip(changed, 0, 65535).astype(np.uint16), self._suffix)
        return picture_bytes(self._suffix, frame.image, like=original)


def write_pictures(
    folder: Path,
    parts: Sequence[Callable[[], EncodedPart]],
    source: Path,
    names: Sequence[str] | None,
    suffix: str,
    footage: Path | None,
    finish: Callable[[Path, Path, Path], None] | None,
) -> None:
    """Write the pictures of encoded stretches into a folder.

    names: by the frames' numbers; None names them by their numbers. footage: what `finish` is told
    they were made from; None is each picture's own original.
    """
    originals = list_pictures(source) if footage is None else []
    for load in parts:
        part = load()
        numbers = part.header.view(np.int64)
        for (data, _, _), number in zip(part.packets(), numbers, strict=True):
            name = f"{number:06d}{suffix}" if names is None else names[number]
            path = folder / name
            path.write_bytes(data)
            if finish is not None:
                finish(path, path, originals[number] if footage is None else footage)


def _file(image: npt.NDArray[np.uint8 | np.uint16], suffix: str) -> bytes:
    """uint8 or uint16 [H, W, 3] RGB as a file's bytes."""
    done, data = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not done:
        raise MediaError(f"A picture could not be written as {suffix}. Choose --codec png.")
    return bytes(data.tobytes())
