"""Stretches of footage searched beside each other, in processes: dlib's landmarks and embeddings
hold the interpreter's lock, so threads would wait for each other.

The processes come from a fork server that loads the models once; they share that memory, and none
of them is a copy of a process that has threads. They end when the one that asks them ends, however
that comes about.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from itertools import repeat
from multiprocessing import forkserver
from multiprocessing.connection import wait
from typing import Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.lending import Lender, Lent, borrowed
from engine.faces.segments import Segment
from engine.media.planar import arrays_of, with_arrays

T = TypeVar("T")

MOST: Final = 8
"""Processes at most: more are not fed by one that decodes, and each holds a stretch of frames."""
_PRELOADED: Final = "engine.faces.preloaded"
_LENT: Final = np.zeros((0, 0), np.uint8)
"""Stands in a frame for what is lent."""


class Searchers:
    """What works on stretches of frames."""

    def __init__(self, executor: Executor, number: int, lender: Lender | None) -> None:
        self.number = number
        self._executor = executor
        self._lender = lender

    def submit(self, work: Callable[[Segment], T], segment: Segment) -> Future[T]:
        """Do `work`, which must be picklable, with a stretch; the frames are lent, not copied."""
        lender = self._lender
        arrays = [array for frame in segment.frames for array in arrays_of(frame.image)]
        lent = lender.lend(arrays) if lender else None
        if lender is None or lent is None:
            return self._executor.submit(work, segment)
        rest = _with_arrays(segment, repeat(_LENT))
        found = self._executor.submit(_work, work, rest, lent)
        found.add_done_callback(lambda _: lender.give_back(lent))
        return found


@contextlib.contextmanager
def searchers(number: int) -> Iterator[Searchers]:
    """So many processes, at most MOST; for one, a thread of this process.

    On the way out what has begun is waited for, and what has not is dropped.
    """
    number = max(1, min(number, MOST))
    with contextlib.ExitStack() as stack:
        lender = Lender() if number > 1 else None
        if lender is not None:
            stack.callback(lender.close)
        executor = _processes(number) if number > 1 else ThreadPoolExecutor(1, "faces")
        stack.callback(executor.shutdown, wait=True, cancel_futures=True)
        yield Searchers(executor, number, lender)


def warm_up() -> None:
    """Have the fork server load the models while something else is done."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([_PRELOADED])
    forkserver.ensure_running()


def _processes(number: int) -> ProcessPoolExecutor:
    warm_up()
    context = multiprocessing.get_context("forkserver")
    return ProcessPoolExecutor(number, context, initializer=_begin)


def _begin() -> None:
    # Whoever asks is interrupted too, and lets these finish what they have begun.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)  # every processor has a process already
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
    os._exit(1)


def _work(work: Callable[[Segment], T], segment: Segment, lent: Lent) -> T:
    return work(_with_arrays(segment, iter(borrowed(lent))))


def _with_arrays(segment: Segment, arrays: Iterator[NDArray[np.uint8]]) -> Segment:
    """The same stretch, with pixels that are made of other arrays."""
    frames = (replace(f, image=with_arrays(f.image, arrays)) for f in segment.frames)
    return replace(segment, frames=tuple(frames))
