"""What a job's event log, or a swap's history, says so far: read on from an offset, kept small."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tui import text

CURVE_POINTS = 512
BIGGEST = 1e15
Event = dict[str, Any]
Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Progress:
    """The state of one job as its events tell it. Times in seconds, `updated` since the epoch."""

    title: str = ""
    stage: str = ""
    unit: str = ""
    done: float | None = None
    total: float | None = None
    rate: float | None = None
    eta: float | None = None
    words: str = ""
    step: int | None = None
    loss: float | None = None
    losses: tuple[tuple[str, float], ...] = ()
    curve: Curve = ()
    checkpoint: int | None = None
    preview: str = ""
    preview_step: int | None = None
    warnings: tuple[str, ...] = ()
    result: tuple[tuple[str, str], ...] = ()
    updated: float | None = None
    stall: float | None = None
    """The part of the time that the device waited for work, 0..1."""
    memory: float | None = None
    """Bytes of the device, as `memory_limit`."""
    memory_limit: float | None = None
    plateau: float | None = None
    """Seconds until the score has levelled off, at the earliest."""

    @property
    def training(self) -> bool:
        """Whether the present stage is counted in steps."""
        return self.step is not None and self.done == self.step

    @property
    def fraction(self) -> float | None:
        """How much of the present stage is done, 0..1; None when nobody knows."""
        if self.done is None or not self.total:
            return None
        return min(1.0, max(0.0, self.done / self.total))


def number(value: object) -> float | None:
    """A number of a size that can be meant, or None for anything else that a file may hold."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < BIGGEST:
        return None
    return float(value)


def whole(value: object) -> int | None:
    """A finite number as an int, or None."""
    found = number(value)
    return None if found is None else int(found)


class Buckets:
    """A curve of at most CURVE_POINTS points: means over as many steps as that takes."""

    def __init__(self) -> None:
        self._points: list[tuple[float, float]] = []
        self._stride = 1
        self._pending: list[tuple[float, float]] = []

    def add(self, x: float, y: float) -> None:
        last = self._pending[-1][0] if self._pending else None
        if last is None and self._points:
            last = self._points[-1][0]
        if last is not None and x <= last:  # went back to a checkpoint: those steps are done again
            self._points = [point for point in self._points if point[0] < x]
            self._pending = []
        self._pending.append((x, y))
        if len(self._pending) == self._stride:
            self._points.append(_mean(self._pending))
            self._pending = []
        if len(self._points) >= CURVE_POINTS:
            self._points = [
                _mean(self._points[index : index + 2]) for index in range(0, CURVE_POINTS, 2)
            ]
            self._stride *= 2

    @property
    def curve(self) -> Curve:
        tail = [_mean(self._pending)] if self._pending else []
        return tuple(self._points + tail)


def _mean(points: list[tuple[float, float]]) -> tuple[float, float]:
    return points[-1][0], sum(y for _, y in points) / len(points)


def fold(progress: Progress, events: Iterable[Event], curve: Buckets) -> Progress:
    """The state after some more events. Fields of the wrong kind count as not given."""
    for event in events:
        at = number(event.get("at"))
        if at is not None:
            progress = replace(progress, updated=at)
        change = _CHANGES.get(str(event.get("kind")))
        if change is not None:
            progress = change(progress, event, curve)
    return replace(progress, curve=curve.curve)


def _words(event: Event, name: str) -> str:
    return text.clean(event.get(name) or "")


def _started(progress: Progress, event: Event, curve: Buckets) -> Progress:
    return replace(progress, title=_words(event, "title"))


def _stage(progress: Progress, event: Event, curve: Buckets) -> Progress:
    return replace(
        progress,
        stage=_words(event, "name"),
        unit=_words(event, "unit"),
        done=None,
        total=number(event.get("total")),
        rate=None,
        eta=None,
        words="",
    )


def _progress(progress: Progress, event: Event, curve: Buckets) -> Progress:
    total = number(event.get("total"))
    return replace(
        progress,
        stage=_words(event, "stage") or progress.stage,
        done=number(event.get("done")),
        total=progress.total if total is None else total,
        rate=number(event.get("rate")),
        eta=number(event.get("eta")),
        words=_words(event, "text"),
    )


def _step(progress: Progress, event: Event, curve: Buckets) -> Progress:
    step, loss = whole(event.get("step")), number(event.get("loss"))
    if step is None:
        return progress
    if loss is not None:
        curve.add(step, loss)
    steps = number(event.get("steps"))
    return replace(
        progress,
        step=step,
        done=step,
        total=steps,
        rate=number(event.get("rate")),
        eta=number(event.get("eta")),
        loss=loss,
        losses=parts(event.get("losses")),
        stall=number(event.get("stall")),
        memory=number(event.get("memory")),
        memory_limit=number(event.get("memory_limit")),
        plateau=number(event.get("plateau")),
    )


def parts(losses: object) -> tuple[tuple[str, float], ...]:
    """The parts of a loss as name and value."""
    if not isinstance(losses, dict):
        return ()
    found = ((text.clean(name, 24), number(value)) for name, value in losses.items())
    return tuple((name, value) for name, value in found if value is not None)


def _checkpoint(progress: Progress, event: Event, curve: Buckets) -> Progress:
    return replace(progress, checkpoint=whole(event.get("step")))


def _preview(progress: Progress, event: Event, curve: Buckets) -> Progress:
    return replace(
        progress, preview=str(event.get("path") or ""), preview_step=whole(event.get("step"))
    )


def _warning(progress: Progress, event: Event, curve: Buckets) -> Progress:
    return replace(progress, warnings=(*progress.warnings, _words(event, "text"))[-5:])


def _result(progress: Progress, event: Event, curve: Buckets) -> Progress:
    given = tuple(
        (text.clean(name, 24).replace("_", " "), _figure(value))
        for name, value in event.items()
        if name not in ("seq", "at", "kind") and not isinstance(value, dict | list)
    )
    return replace(progress, result=given)


def _figure(value: object) -> str:
    return text.figure(value) if isinstance(value, float) else text.clean(value)


_CHANGES: dict[str, Callable[[Progress, Event, Buckets], Progress]] = {
    "started": _started,
    "stage": _stage,
    "progress": _progress,
    "step": _step,
    "checkpoint": _checkpoint,
    "preview": _preview,
    "warning": _warning,
    "result": _result,
}


class Follower:
    """Reads an append-only log on from where it stopped.

    `read` takes the byte offset and gives the new records and the new offset (whole lines only).
    """

    def __init__(self, path: Path, read: Callable[[int], tuple[list[Event], int]]) -> None:
        self._path = path
        self._read = read
        self._restart()

    def _restart(self) -> None:
        self._offset = 0
        self._curve = Buckets()
        self._progress = Progress()

    def follow(self) -> Progress:
        """The state now. A log that has become shorter is read again from its start."""
        try:
            length = self._path.stat().st_size
        except FileNotFoundError:
            length = 0
        if length < self._offset:
            self._restart()
        if length > self._offset:
            events, self._offset = self._read(self._offset)
            self._progress = fold(self._progress, events, self._curve)
        return self._progress
