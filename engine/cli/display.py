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
from engine.text import clean, duration

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
        elif kind == "score":
            self.say(f"  {score_words(event)}")
        elif kind == "warning":
            self.say(f"! {event['text']}")
        elif kind in ("waiting", "feed", "rate", "base"):
            self.say(str(event["text"]))

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


def score_words(event: Event) -> str:
    """What a model's score says: how like the source it is, how well it follows the target."""
    rebuilt = sum(event["ssim"].values()) / len(event["ssim"])
    best = ", the best so far" if event.get("best") else ""
    share = event.get("recognised")  # not told by trainings of before
    known = "" if share is None else f" ({share:.0%} recognised as them)"
    return (
        f"held-out faces at step {event['step']}: SSIM {rebuilt:.3f}, distance to the source "
        f"{event['identity']:.2f}{known}, landmarks {event['landmarks']:.3f} off{best}"
    )


class LiveDisplay(Silence):
    """A line a stage: bar, what it does now, time; it moves while the job is silent."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.table import Column as Cell

        # On 80 columns the stage's name and its words give way, from their ends.
        name = Cell(no_wrap=True, overflow="ellipsis", min_width=12, max_width=28)
        words = Cell(no_wrap=True, overflow="ellipsis", ratio=1)
        self._progress: Progress = Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}", markup=False, table_column=name),
            BarColumn(bar_width=12),
            TextColumn("{task.fields[words]}", markup=False, table_column=words),
            TimeElapsedColumn(),
            refresh_per_second=8,
            expand=True,
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
            self._update(*share_done(event), step_words(event, short=True))
        elif kind == "warning":
            self.say(f"! {event['text']}")
        elif kind in ("waiting", "feed", "rate", "base"):
            self.say(str(event["text"]))
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


def share_done(event: Event) -> tuple[float, float | None]:
    """How far a training is, (done, total): in steps, or in seconds where only time is limited."""
    if event.get("steps"):
        return float(event["step"]), float(event["steps"])
    if event.get("eta") is not None:
        return float(event["seconds"]), float(event["seconds"]) + float(event["eta"])
    return float(event["step"]), None


def progress_words(event: Event, *, short: bool = False) -> str:
    """`faces  40/160  5.0 s left  25.1/s  38 faces`; short, without the stage."""
    total = event.get("total")
    words = [] if short else [str(event["stage"])]
    words.append(f"{event['done']}/{total}" if total else f"{event['done']}")
    if event.get("eta"):
        words.append(f"{duration(event['eta'])} left")
    if event.get("rate"):
        words.append(f"{event['rate']:.1f}/s")
    if event.get("text"):
        words.append(str(event["text"]))
    return "  ".join(words)


def step_words(event: Event, *, short: bool = False) -> str:
    """`step 120/400  27.2 s left  10.2 steps/s  loss 0.0312`; short, with fewer letters."""
    steps = event.get("steps")
    words = [f"{'' if short else 'step '}{event['step']}{f'/{steps}' if steps else ''}"]
    if event.get("eta"):
        minutes, seconds = divmod(round(event["eta"]), 60)
        words.append(f"{minutes}:{seconds:02d} left" if short else f"{duration(event['eta'])} left")
    if event.get("rate"):
        words.append(f"{event['rate']:.1f}{'/s' if short else ' steps/s'}")
    if event.get("loss") is not None:
        words.append(f"loss {event['loss']:.4f}")
    return "  ".join(words)
