"""A person's crops in one file of the workspace's cache, to be read a batch at a time.

Layout: eight bytes of MAGIC, which names the version; N, R and the number of channels as little-
endian uint64; N checksums (CRC-32) as uint32; zeros up to a whole page; then the crops, one by one.
The file is written once and complete or absent. It is read by `pread` and not mapped: reading gives
other threads way, what was read does not count as memory of the process, and the system keeps in
its page cache what it has room for.
"""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from engine.reporting import Reporter
from engine.training.augment import CHANNELS
from engine.training.dataset import Dataset, chunks, content_key
from projects import cache
from projects.errors import DamagedError
from projects.files import read_errors
from projects.workspace import Workspace

MAGIC: Final = b"SWCROPS1"
KIND: Final = "crops"
_HEADER: Final = struct.Struct("<8s3Q")
_PAGE: Final = 4096
_CHUNK: Final = 32
"""Crops that are written at once."""


class CropFile:
    """The open file. Threads may share it; close it, or use it in a `with` statement."""

    def __init__(
        self, path: Path, shape: tuple[int, int, int, int], forget: Callable[[], None]
    ) -> None:
        """shape: [N, R, R, 6] that is expected. forget: deletes the entry once it is found damaged.

        Raises DamagedError for another one, and SwapdeckError when it cannot be read.
        """
        self.shape = shape
        self._path = path
        self._forget = forget
        with read_errors(path):
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            header = os.pread(self._file, _HEADER.size + 4 * shape[0], 0)
            size = os.fstat(self._file).st_size
            wanted = _HEADER.pack(MAGIC, shape[0], shape[1], shape[3])
            if header[: _HEADER.size] != wanted or size != file_size(shape):
                raise self._damaged()
            self._sums = np.frombuffer(header, "<u4", offset=_HEADER.size)
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(self._file, 0, 0, os.POSIX_FADV_RANDOM)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Nobody may read it any more."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def read(self, index: NDArray[np.integer], out: NDArray[np.uint8]) -> None:
        """Read some crops. index: [M], out: uint8 [M, R, R, 6], C order.

        Raises DamagedError when one is not what was written.
        """
        begin, size = _offset(self.shape[0]), _crop_bytes(self.shape)
        with read_errors(self._path):
            for number, place in zip(index.tolist(), out, strict=True):
                view, at = place.data.cast("B"), begin + number * size
                while view:
                    count = os.preadv(self._file, [view], at)
                    if not count:
                        raise self._damaged()
                    view, at = view[count:], at + count
                if zlib.crc32(place.data) != self._sums[number]:
                    raise self._damaged()

    def _damaged(self) -> DamagedError:
        self._forget()
        return DamagedError(
            f"{self._path} was damaged and has been deleted. Train again: it is made anew from "
            "the stored faces."
        )


def crop_file(workspace: Workspace, dataset: Dataset, reporter: Reporter) -> CropFile:
    """The file with the crops of a dataset; it is written first where there is none.

    Raises SwapdeckError where there is no room, DamagedError, StopRequested.
    """
    key = content_key(dataset)[:40]
    path = cache.find(workspace, KIND, key)
    if path is None:
        _write(workspace, key, dataset, reporter)
        path = cache.find(workspace, KIND, key)
        assert path is not None  # it was just written
    return CropFile(path, dataset.shape, lambda: cache.discard(workspace, KIND, key))


def file_size(shape: tuple[int, int, int, int]) -> int:
    """Bytes of the file with crops of that shape."""
    return _offset(shape[0]) + shape[0] * _crop_bytes(shape)


def _write(workspace: Workspace, key: str, dataset: Dataset, reporter: Reporter) -> None:
    shape = dataset.shape
    sums = np.zeros(shape[0], "<u4")
    begin, size = _offset(shape[0]), _crop_bytes(shape)
    with (
        cache.writing(workspace, KIND, key, file_size(shape)) as path,
        path.open("xb", buffering=0) as file,
    ):
        for start, pictures in chunks(dataset, _CHUNK, reporter):
            for number, picture in enumerate(pictures, start):
                sums[number] = zlib.crc32(picture.data)
            _write_at(file.fileno(), pictures.data.cast("B"), begin + start * size)
        header = _HEADER.pack(MAGIC, shape[0], shape[1], CHANNELS) + sums.tobytes()
        _write_at(file.fileno(), memoryview(header), 0)


def _write_at(file: int, view: memoryview, at: int) -> None:
    while view:
        count = os.pwrite(file, view, at)
        view, at = view[count:], at + count


def _crop_bytes(shape: tuple[int, int, int, int]) -> int:
    return shape[1] * shape[2] * shape[3]


def _offset(count: int) -> int:
    """Where the first crop begins."""
    return -(-(_HEADER.size + 4 * count) // _PAGE) * _PAGE
