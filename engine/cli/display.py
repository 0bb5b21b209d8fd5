"""How a job's events look: live bars on a terminal, lines in a log, JSON for programs."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import click

from engine.cli.output import Output
from engine.text import clean, count, duration

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Event = Mapping[str, Any]
LINE_EVERY = 10.0  # seconds between a log's lines about the same stage


class Display(Protocol):
    """Shows one job's events while it runs."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def event(self, event: Event) -> None:
        """Show one event."""

    def say(self, text: str) -> None:
        """Say something that is no event of the job."""


def display_for(output: Output) -> Display:
    """The display that fits where stdout goes and what the options asked for."""
    if output.json:
        return JsonDisplay(output)
    if output.quiet:
        return Silence()
    return LiveDisplay() if sys.stdout.isatty() else LogDisplay()


class Silence:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def event(self, event: Event) -> None:
        """Show nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""


class JsonDisplay(Silence):
    """Passes every event on as one line of JSON."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def event(self, event: Event) -> None:
        """Write the event."""
        self._output.line(event)


class LogDisplay(Silence):
    """Plain lines: what begins, now and then how far it is, what went wrong."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}
        self._finished: set[str] = set()

    def event(self, event: Event) -> None:
        """Write a line when the event is worth one."""
        kind = event.get("kind")
        if kind == "stage":
            self._finished.discard(str(event["name"]))
            self.say(str(event["name"]))
        elif kind == "progress":
            name = str(event["stage"])
            total = event.get("total")
            self._now_and_then(name, progress_words(event), done=event.get("done") == total)
        elif kind == "step":
            self._now_and_then("step", step_words(event), done=event["step"] == event.get("steps"))
        elif kind == "checkpoint":
            self.say(f"  saved step {event['step']}")
        elif kind == "warning":
            self.say(f"! {event['text']}")

    def say(self, text: str) -> None:
        """Write a line."""
        click.echo(clean_line(text))
        sys.stdout.flush()

    def _now_and_then(self, name: str, words: str, *, done: bool) -> None:
        if name in self._finished:
            return
        if done:
            self._finished.add(name)
        if done or time.monotonic() - self._said.get(name, -math.inf) >= LINE_EVERY:
            self._said[name] = time.monotonic()
            self.say(f"  {words}")


class LiveDisplay(Silence):
    """A line a stage: bar, what it does now, time; it moves while the job is silent."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._progress: Progress = Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[words]}", markup=False),
            TimeElapsedColumn(),
            refresh_per_second=8,
        )
        self._task: TaskID | None = None
        self._stage = ""

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._finish(complete=False)
        self._progress.stop()

    def event(self, event: Event) -> None:
        """Move the bars."""
        kind = event.get("kind")
        if kind == "started":
            self._begin(str(event.get("title") or "starting"), None)
        elif kind == "stage":
            self._begin(str(event["name"]), event.get("total"))
        elif kind == "progress":
            if event["stage"] != self._stage:
                self._begin(str(event["stage"]), event.get("total"))
            self._update(event["done"], event.get("total"), progress_words(event, short=True))
        elif kind == "step":
            self._update(event["step"], event.get("steps"), step_words(event))
        elif kind == "warning":
            self.say(f"! {event['text']}")
        elif kind == "ended":
            self._finish(complete=event.get("code") == 0)

    def say(self, text: str) -> None:
        """Write a line above the bars."""
        self._progress.console.print(clean_line(text), markup=False, highlight=False)

    def _begin(self, name: str, total: int | None) -> None:
        self._finish(complete=True)
        self._stage = name
        self._task = self._progress.add_task(clean(name), total=total, words="")

    def _update(self, done: float, total: float | None, words: str) -> None:
        if self._task is None:
            self._begin("working", None)
        if self._task is not None:
            self._progress.update(self._task, completed=done, total=total, words=clean(words))

    def _finish(self, *, complete: bool) -> None:
        if self._task is None:
            return
        task = self._progress.tasks[self._progress.task_ids.index(self._task)]
        if complete:
            total = task.total if task.total else max(task.completed, 1)
            self._progress.update(self._task, completed=total, total=total)
        self._progress.stop_task(self._task)
        self._task = None


def clean_line(text: str) -> str:
    """Clean text that keeps its indent."""
    return clean(text).rstrip()


def progress_words(event: Event, *, short: bool = False) -> str:
    """`anna.mp4  40/160  25.1/s  5 s left  38 faces`."""
    done, total = event["done"], event.get("total")
    words = [] if short else [str(event["stage"])]
    words.append(f"{done}/{total}" if total else f"{done}")
    if event.get("rate"):
        words.append(f"{event['rate']:.1f}/s")
    if event.get("eta"):
        words.append(f"{duration(event['eta'])} left")
    if event.get("text"):
        words.append(str(event["text"]))
    return "  ".join(words)


def step_words(event: Event) -> str:
    """`step 120/400  loss 0.0312  10.2 steps/s  27 s left`."""
    steps = event.get("steps")
    words = [f"step {event['step']}/{steps}" if steps else count(event["step"], "step")]
    if event.get("loss") is not None:
        words.append(f"loss {event['loss']:.4f}")
    if event.get("rate"):
        words.append(f"{event['rate']:.1f} steps/s")
    if event.get("eta"):
        words.append(f"{duration(event['eta'])} left")
    return "  ".join(words)
