"""What TensorBoard reads, written without TensorFlow: scalars and pictures in event files.

A file is a row of TFRecords: the length of the data as uint64, the masked CRC-32C of those bytes,
the data, its masked CRC-32C, all little-endian (tensorflow/core/lib/io/record_writer.h). The data
are `Event` messages of protocol buffers (tensorflow/core/util/event.proto, summary.proto), of which
only the few fields that are needed are written here.
"""

from __future__ import annotations

import io
import os
import re
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from PIL import Image

from engine.media.pictures import read_picture
from projects.files import inside, write_errors
from projects.swaps import Swap

FOLDER: Final = "tensorboard"
_NAME: Final = re.compile(r"events\.out\.tfevents\.(\d{10})\.swapdeck")
_WIDEST: Final = 1280
"""Pixels of a picture; every one is kept, and a large preview is megabytes."""
_POLYNOMIAL: Final = 0x82F63B78  # Castagnoli's, reflected (RFC 3720, appendix B.4)
_START: Final = 1  # SessionLog.SessionStatus.START

_TAGS: Final = {
    "rate": "machine/steps_per_second",
    "stall": "machine/input_stall",
    "memory": "machine/memory",
    "value": "score/score",
    "identity": "score/distance_to_source",
    "landmarks": "score/landmark_error",
}


class Board:
    """Adds to a swap's event files, in a file of its own. Close it at the end.

    What was written before of steps after `step`, by a training that was killed or taken back,
    does not count any more: the file begins with a SessionLog.START, at which TensorBoard forgets
    such events.
    """

    def __init__(self, swap: Swap, step: int) -> None:
        """Raises SwapdeckError when the file cannot be made."""
        folder = inside(swap.root, FOLDER)
        with write_errors(folder):
            folder.mkdir(exist_ok=True)
            self._path = folder / _next_name(folder)
            self._file = self._path.open("xb", buffering=0)
        self._add(_text(3, "brain.Event:2"))
        self._add(_integer(2, step + 1) + _message(7, _integer(1, _START)))

    def row(self, row: Mapping[str, object]) -> None:
        """The numbers of a line of the history, or of a score."""
        values = {_TAGS.get(name, name): row[name] for name in ("loss", *_TAGS) if name in row}
        for table, tag in (("losses", "loss"), ("ssim", "score/ssim")):
            inner = row.get(table)
            if isinstance(inner, Mapping):
                values |= {f"{tag}/{name}": value for name, value in inner.items()}
        summary = b"".join(
            _message(1, _text(1, tag) + _float(2, value))
            for tag, value in values.items()
            if isinstance(value, int | float)
        )
        step = row["step"]
        if summary and isinstance(step, int):
            self._add(_integer(2, step) + _message(5, summary))

    def picture(self, step: int, path: Path) -> None:
        """A preview, made smaller where it is large. Raises MediaError when it cannot be read."""
        picture = Image.fromarray(read_picture(path))
        picture.thumbnail((_WIDEST, _WIDEST * 4))
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=90)
        image = _integer(1, picture.height) + _integer(2, picture.width) + _integer(3, 3)
        image += _bytes(4, file.getvalue())
        self._add(
            _integer(2, step) + _message(5, _message(1, _text(1, "preview") + _message(4, image)))
        )

    def close(self) -> None:
        """Nothing more comes."""
        self._file.close()

    def _add(self, fields: bytes) -> None:
        """Write an event in a single write: a kill leaves it whole, or cut at the file's end."""
        data = record(_double(1, time.time()) + fields)
        with write_errors(self._path):
            if os.write(self._file.fileno(), data) != len(data):
                raise OSError(28, os.strerror(28), str(self._path))


def record(data: bytes) -> bytes:
    """`data` framed as a TFRecord."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def crc32c(data: bytes) -> int:
    """The CRC-32C of `data` (RFC 3720)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
        found.append(crc)
    return tuple(found)


_TABLE: Final = _table()


def _next_name(folder: Path) -> str:
    """A name that sorts behind those that are there: files are read in the order of their names."""
    there = [int(found[1]) for path in folder.iterdir() if (found := _NAME.fullmatch(path.name))]
    moment = max(int(time.time()), max(there, default=0) + 1)
    return f"events.out.tfevents.{moment:010d}.swapdeck"


# Fields of a message: a key of number and wire type, then the value (protobuf.dev, "Encoding").


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _integer(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _float(number: int, value: float) -> bytes:
    return _varint(number << 3 | 5) + struct.pack("<f", value)


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


_message = _bytes
