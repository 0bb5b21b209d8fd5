"""The time of a training run: its rate, what is due again, and how long the device waited."""

import time
from collections.abc import Callable

import jax


class Clock:
    """Seconds since the training began; `now` is a monotonic clock in seconds."""

    def __init__(self, step: int, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._start = self._mark = now()
        self._mark_step = step
        self._rate: float | None = None
        self._last: dict[str, float] = {}

    def seconds(self) -> float:
        return self._now() - self._start

    def due(self, what: str, every: float) -> bool:
        """Whether `every` seconds have passed since this was last true, or since the start."""
        now = self._now()
        if now - self._last.get(what, self._start) < every:
            return False
        self._last[what] = now
        return True

    @property
    def latest_rate(self) -> float | None:
        """What `rate` last found."""
        return self._rate

    def rate(self, step: int) -> float | None:
        """Steps a second over the last seconds; None before there is anything to tell."""
        now = self._now()
        if now - self._mark >= 2:
            self._rate = (step - self._mark_step) / (now - self._mark)
            self._mark, self._mark_step = now, step
        return self._rate


class Stall:
    """How long the device has waited for the input of its next step, at most.

    The device was at work until the last moment at which its newest answer was seen not to be
    ready, or was waited for; whatever passes from then until the next call is counted as waiting.
    Look at it often while the next batch is not ready, and the figure is exact to the time between
    two looks. Scores, previews and checkpoints in between are no input, and are left out.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._start = self._busy = now()
        self._waited = 0.0
        self._newest: jax.Array | None = None

    def look(self) -> None:
        """See whether the device is still at work."""
        if self._newest is not None and not self._newest.is_ready():  # type: ignore[attr-defined]
            self._busy = self._now()

    def before_call(self) -> None:
        """To be called right before work is given to the device."""
        self.look()
        now = self._now()
        self._waited += now - self._busy
        self._busy = now

    def called(self, answer: jax.Array) -> None:
        """To be called right after; `answer` is what it works out."""
        self._newest = answer
        self._busy = self._now()

    def busy(self) -> None:
        """To be called when the device was at work until now, or had something else to do."""
        self._busy = self._now()

    @property
    def share(self) -> float:
        """The part of the time since the start that the device waited, 0 to 1, at most."""
        passed = self._now() - self._start
        return self._waited / passed if passed > 0 else 0.0
