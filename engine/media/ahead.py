"""Running a stage of a pipeline in its own thread, a bounded number of values ahead."""

import queue
import threading
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_POLL = 0.1  # seconds after which a full queue looks whether anybody still reads it


@dataclass(frozen=True)
class _End:
    error: BaseException | None


def ahead(values: Iterable[T], depth: int) -> Generator[T, None, None]:
    """The same values in the same order, worked out in another thread up to `depth` ahead.

    An exception of `values` comes out where its value would have. When the reader stops early, by
    an exception or `close()`, the thread ends after the value that it is at. Close it before what
    `values` reads from: an exception alone may keep it, and so the thread, alive for a while.
    """
    ready: queue.Queue[T | _End] = queue.Queue(max(1, depth))
    unread = threading.Event()

    def put(item: T | _End) -> bool:
        while not unread.is_set():
            try:
                ready.put(item, timeout=_POLL)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        error: BaseException | None = None
        try:
            for value in values:
                if not put(value):
                    break
        except BaseException as caught:  # noqa: BLE001 - raised again in the reader's thread
            error = caught
        finally:
            close = getattr(values, "close", None)
            if close is not None and unread.is_set():
                close()
        put(_End(error))

    thread = threading.Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        unread.set()
        thread.join()
