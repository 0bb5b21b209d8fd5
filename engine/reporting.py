"""How long work says what it does and learns what is asked of it.

Work calls `reporter.event(kind, …)` for what it wants known and `reporter.check()` between
steps. The kinds, and who draws them, are the same for the command line and the dashboard:

    started {title}                                     ended {code, reason}
    stage {name, total | null, unit}                    warning {text}
    progress {stage, done, total | null, rate | null, eta | null, text}
    step {step, steps | null, loss, losses, rate, eta, seconds, stall}
    checkpoint {step, path}     preview {step, path}    result {…}
    preview {step, path, frame, faces}                  tracks {tracks}, of a conversion
    score {step, value, ssim, identity, landmarks, best}
    request {what, answered}                            waiting {text}
    feed {mode, bytes, free, text}: where a training's faces are, "device" or "stream"
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from projects.errors import DamagedError, StopRequested
from projects.jobchain import earlier_results
from projects.jobs import ControlFile, EventLog, Job, Requests, read_events

_INTERVALS = {"progress": 0.25, "step": 0.5}  # seconds between two events of that kind
_PAUSE_POLL = 0.1  # seconds
_ANSWERED_BY = {"checkpoint": "save", "preview": "preview"}
STOPPED = "Stopped as asked; everything done so far is saved."


class Reporter(Protocol):
    def event(self, kind: str, **fields: Any) -> None:
        """Say something; see the module for the kinds and their fields."""

    def check(self) -> Requests:
        """Learn what was asked since the last call; call it between steps, as often as you like.

        Blocks while the job is paused. `save` and `preview` of the answer ask for a checkpoint and
        a preview; the `checkpoint` or `preview` event that follows answers them.

        Raises:
            StopRequested: the job was asked to stop. Save and let it pass.
        """

    def results(self) -> list[dict[str, Any]]:
        """The `result` events from before a crash, after which the work was started again, and of
        the jobs that this one goes on with."""


class JobReporter:
    """Writes a job's events and reads its control file. Threads may share it.

    `progress` and `step` events are thinned out to a few a second; the last one before any other
    event, and so the last of a stage, is always written.
    """

    def __init__(self, job: Job, *, clock: Callable[[], float] = time.monotonic) -> None:
        own = [e for e in read_events(job)[0] if e.get("kind") == "result"]
        self._results = earlier_results(job) + own
        self._log = EventLog(job)
        self._control = ControlFile(job)
        self._clock = clock
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._stopping = False
        self._answered_stop = False
        self._held: dict[str, dict[str, Any]] = {}  # kind: the newest fields not yet written
        self._written: dict[str, float] = {}  # kind: when one was last written
        self._returned = {"save": 0, "preview": 0}  # how many requests check() has returned
        self._open: set[str] = set()  # returned, and not yet answered by an event
        self._control_damaged = False

    def stop(self) -> None:
        """Make check() raise StopRequested from now on. Safe to call in a signal handler."""
        self._stopping = True

    def event(self, kind: str, **fields: Any) -> None:
        with self._lock:
            if kind in _INTERVALS:
                self._thin(kind, fields)
                return
            self.flush()
            self._log.emit(kind, **fields)
            if kind == "request":
                self._open.discard(str(fields.get("what")))
            elif _ANSWERED_BY.get(kind) in self._open:
                self._answer(_ANSWERED_BY[kind])

    def check(self) -> Requests:
        asked = self._read()
        if asked.pause and not self._must_stop(asked):
            asked = self._wait_while_paused()
        if self._must_stop(asked):
            if not self._answered_stop:
                self._answered_stop = True
                self._answer("stop")
            raise StopRequested(STOPPED)
        with self._lock:
            self._write_due()
            new = {
                "save": asked.save - self._returned["save"],
                "preview": asked.preview - self._returned["preview"],
            }
            self._returned = {"save": asked.save, "preview": asked.preview}
            self._open |= {what for what, count in new.items() if count > 0}
        return Requests(save=max(new["save"], 0), preview=max(new["preview"], 0))

    def results(self) -> list[dict[str, Any]]:
        return self._results

    def flush(self) -> None:
        """Write what is held back."""
        with self._lock:
            for kind in list(self._held):
                self._write(kind)

    def _thin(self, kind: str, fields: dict[str, Any]) -> None:
        before = self._held.get(kind)
        if before is not None and before.get("stage") != fields.get("stage"):
            self._write(kind)
        self._held[kind] = fields
        total = fields.get("total") if kind == "progress" else fields.get("steps")
        last = total is not None and total == fields.get("done" if kind == "progress" else "step")
        if last or self._is_due(kind):
            self._write(kind)

    def _write_due(self) -> None:
        for kind in list(self._held):
            if self._is_due(kind):
                self._write(kind)

    def _is_due(self, kind: str) -> bool:
        written = self._written.get(kind)
        return written is None or self._clock() - written >= _INTERVALS[kind]

    def _write(self, kind: str) -> None:
        self._log.emit(kind, **self._held.pop(kind))
        self._written[kind] = self._clock()

    def _answer(self, what: str) -> None:
        self.event("request", what=what, answered=True)

    def _must_stop(self, asked: Requests) -> bool:
        return self._stopping or asked.stop or asked.kill

    def _read(self) -> Requests:
        try:
            return self._control.read()
        except DamagedError as error:
            # A control file that was spoilt by hand must not end hours of work.
            if not self._control_damaged:
                self._control_damaged = True
                self.event("warning", text=str(error))
            return Requests()

    def _wait_while_paused(self) -> Requests:
        self._answer("pause")
        asked = self._read()
        while asked.pause and not self._must_stop(asked):
            self._wake.wait(_PAUSE_POLL)
            asked = self._read()
        if not self._must_stop(asked):
            self._answer("resume")
        return asked


@dataclass
class CollectingReporter:
    """Keeps every event in memory, unthinned; for work that runs in this process, and for tests.

    `show` is called with each event as it comes; `stop` is asked at every check.
    """

    show: Callable[[dict[str, Any]], None] | None = None
    stop: Callable[[], bool] | None = None

    def __post_init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.checks = 0

    def event(self, kind: str, **fields: Any) -> None:
        event = {"seq": len(self.events) + 1, "at": time.time(), "kind": kind, **fields}
        self.events.append(event)
        if self.show is not None:
            self.show(event)

    def check(self) -> Requests:
        self.checks += 1
        if self.stop is not None and self.stop():
            raise StopRequested(STOPPED)
        return Requests()

    def results(self) -> list[dict[str, Any]]:
        return []

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The events of one kind."""
        return [event for event in self.events if event["kind"] == kind]


class NullReporter:
    """Says nothing and asks nothing."""

    def event(self, kind: str, **fields: Any) -> None:
        pass

    def check(self) -> Requests:
        return Requests()

    def results(self) -> list[dict[str, Any]]:
        return []
