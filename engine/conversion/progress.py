"""Saying how far a stage of a conversion is."""

import time

from engine.reporting import Reporter


class Progress:
    """One stage that counts frames; asks at every step whether the work should stop."""

    def __init__(self, reporter: Reporter, stage: str, total: int | None) -> None:
        self._reporter = reporter
        self._stage = stage
        self._total = total
        self._done = self._skipped = 0
        self._began = time.monotonic()
        reporter.event("stage", name=stage, total=total, unit="frames")

    def step(self, frames: int = 1) -> None:
        """So many frames more. Raises StopRequested when the work was asked to stop."""
        self._reporter.check()
        self._done += frames
        self._say(self._total)

    def skip(self, frames: int) -> None:
        """So many frames were there already."""
        self._done += frames
        self._skipped += frames
        if frames:
            self._say(self._total)

    def end(self) -> None:
        """The stage is over, though fewer frames may have come than were declared."""
        self._say(self._done)

    def _say(self, total: int | None) -> None:
        seconds = time.monotonic() - self._began
        rate = (self._done - self._skipped) / seconds if seconds > 0 else None
        left = None if total is None else max(total - self._done, 0)
        self._reporter.event(
            "progress",
            stage=self._stage,
            done=self._done,
            total=total,
            rate=rate,
            eta=left / rate if left is not None and rate else None,
            text="",
        )
