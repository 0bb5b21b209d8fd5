"""What ends the dashboard from outside: a connection that is lost, or a request to end."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

GRACE = 3.0  # seconds to end in good order; nothing of the dashboard's own can be lost after them


def end_on_signals(leave: Callable[[], None]) -> None:
    """Call `leave` in this thread's event loop on SIGHUP and SIGTERM; end the process after GRACE
    seconds in any case. Only the main thread may ask for it.

    Textual draws through a thread with a short queue. Once the terminal is gone that thread is too,
    and whatever draws next waits for it for ever: also the loop that would have handled the signal.
    """
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        end = threading.Timer(GRACE, os._exit, (0,))
        end.daemon = True
        end.start()
        with suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(leave)

    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, handle)
