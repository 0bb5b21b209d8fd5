"""Frames lent to another process in shared memory: copies through a pipe would cost as much as
following a face through them.

The memory has no name that could outlive who made it: it is a `memfd` of Linux, which the other
process opens as one of the first one's descriptors. Elsewhere nothing is lent.
"""

import mmap
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Block:
    """Memory of a process. number: no other block of the process ever has the same."""

    process: int
    descriptor: int
    number: int
    size: int


@dataclass(frozen=True)
class Lent:
    """Pictures that lie in a block, one after the other."""

    block: Block
    shapes: Shapes


class Lender:
    """Lends pictures. What was given back is used again. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: dict[Block, mmap.mmap] = {}
        self._free: list[Block] = []
        self._numbers = count()

    def lend(self, images: Sequence[Image]) -> Lent | None:
        """Copy uint8 pictures to where another process sees them; None where that cannot be."""
        shapes = tuple(image.shape for image in images)
        try:
            block = self._take(sum(image.nbytes for image in images))
        except (OSError, AttributeError, ValueError):
            return None  # no such memory on this system, or no more of it
        for place, image in zip(_places(self._blocks[block], shapes), images, strict=True):
            place[...] = image
        return Lent(block, shapes)

    def give_back(self, lent: Lent) -> None:
        """Nobody looks at these pictures any more."""
        with self._lock:
            self._free.append(lent.block)

    def close(self) -> None:
        """Free all memory. Who still looks at it keeps theirs."""
        for block in [*self._blocks]:
            self._drop(block)

    def _take(self, size: int) -> Block:
        with self._lock:
            for block in self._free:
                if block.size >= size:
                    self._free.remove(block)
                    return block
            if self._free:
                self._drop(self._free.pop())
            descriptor = os.memfd_create("swapdeck-frames")
            block = Block(os.getpid(), descriptor, next(self._numbers), size)
            try:
                os.posix_fallocate(descriptor, 0, size)  # now, not when a write finds none
                self._blocks[block] = mmap.mmap(descriptor, size)
            except BaseException:
                os.close(descriptor)
                raise
            return block

    def _drop(self, block: Block) -> None:
        del self._blocks[block]
        os.close(block.descriptor)


def borrowed(lent: Lent) -> list[Image]:
    """The pictures that another process lent. Raises OSError when that is gone."""
    return list(_places(_mapped(lent.block), lent.shapes))


@lru_cache(maxsize=4)
def _mapped(block: Block) -> mmap.mmap:
    with Path(f"/proc/{block.process}/fd/{block.descriptor}").open("r+b") as file:
        return mmap.mmap(file.fileno(), block.size)


def _places(memory: mmap.mmap, shapes: Shapes) -> Iterator[Image]:
    start = 0
    for shape in shapes:
        image = np.ndarray(shape, np.uint8, memory, start)
        yield image
        start += image.nbytes
