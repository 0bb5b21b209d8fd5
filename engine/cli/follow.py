"""Starting a job and watching it. The job is a process of its own; here its files are read."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

from engine.cli.display import Display, display_for
from engine.cli.session import Session
from engine.text import clean, short_path
from projects.errors import CommandError, StopRequested, SwapdeckError

if TYPE_CHECKING:
    from projects.jobs import Job, JobState
    from projects.workspace import Workspace

POLL = 0.1  # seconds between two looks at the event log
LOG_LINES = 10  # of a failed job's output that are shown
CODES = (0, 1, 2, 3, 130)  # what the command line may exit with


@dataclass
class Outcome:
    """What a job came to: exit code, its reason, the fields of its `result` events, in order."""

    job: Job
    code: int = 0
    reason: str = ""
    results: list[Mapping[str, Any]] = field(default_factory=list)
    left: bool = False  # before its end
    was_alive: bool = False  # when it was first looked at


class JobEndedError(SwapdeckError):
    """A job ended with another code than 0."""

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.exit_code = code


class Interrupts:
    """Counts Ctrl-C and Ctrl-\\ instead of raising, so that a job is never left between two of its
    files. Ctrl-C asks to stop, or to leave where somebody only watches; Ctrl-\\ asks to leave."""

    def __init__(self) -> None:
        self.count = 0
        self.leave = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number, handler in ((signal.SIGINT, self._one_more), (signal.SIGQUIT, self._leave)):
            self._before[number] = signal.signal(number, handler)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _one_more(self, number: int, frame: FrameType | None) -> None:
        self.count += 1

    def _leave(self, number: int, frame: FrameType | None) -> None:
        self.leave = True


def run_job(
    session: Session,
    workspace: Workspace,
    verb: str,
    subject: str,
    arguments: Mapping[str, Any],
    *,
    detach: bool = False,
) -> Outcome:
    """Start a job and watch it to its end, or only start it with `detach`.

    Raises StopRequested for Ctrl-C before the start and JobEndedError when it did not end well.
    """
    from projects.jobs import create_job, launch

    with Interrupts() as interrupts:
        job = create_job(workspace, verb, subject, arguments)
        if not interrupts.count:
            launch(job)
            warn_of_logout(session)
        if detach:
            fields = {"job": job.id, "verb": verb, "subject": subject}
            session.output.done(fields, f"Started {job.id}. Watch: swapdeck jobs attach {job.id}")
            return Outcome(job)
        if interrupts.count:
            raise StopRequested("Interrupted before the work began.")
        return watch(session, job, interrupts)


def warn_of_logout(session: Session) -> None:
    """Say so when the job that was just started would end with the login."""
    from engine.loginsession import warning

    if text := warning():
        session.output.remark(f"! {text}")


def watch(
    session: Session, job: Job, interrupts: Interrupts, *, only_watches: bool = False
) -> Outcome:
    """Show a job's events until it ends.

    The first Ctrl-C asks it to stop, the second leaves it; of somebody who `only_watches` the first
    one leaves. Ctrl-\\ leaves it at once.

    Raises JobEndedError when it did not end well, or was left.
    """
    with display_for(session.output) as display:
        if sys.stdout.isatty():
            keys = (
                "Ctrl-C leaves it"
                if only_watches
                else "Ctrl-C saves and stops it, Ctrl-\\ leaves it"
            )
            display.say(f"{keys} running.")
        outcome = _follow(job, display, interrupts, only_watches)
    if outcome.was_alive and not outcome.left:
        _ring(session, job)
    if outcome.code:
        if outcome.code == 1 and not session.json and not session.quiet:
            _show_log(job)
        raise JobEndedError(outcome.reason, outcome.code)
    return outcome


def _follow(job: Job, display: Display, interrupts: Interrupts, only_watches: bool) -> Outcome:
    from projects.jobs import read_events, request, state

    outcome = Outcome(job, was_alive=not state(job).ended)
    offset, asked = 0, False
    while True:
        # The state first: what was written before it ended is then in the log that is read next.
        now = state(job)
        events, offset = read_events(job, offset)
        for event in events:
            display.event(event)
            if event.get("kind") == "result":
                outcome.results.append(event)
        if now.ended:
            outcome.code, outcome.reason = _ending(job, now)
            return outcome
        if interrupts.count and not only_watches and not asked:
            asked = True
            with contextlib.suppress(CommandError):  # it ended just now
                request(job, "stop")
            display.say("Stopping: saving first. Ctrl-C again leaves the job to finish alone.")
        if interrupts.leave or interrupts.count > (0 if only_watches else 1):
            outcome.left = True
            outcome.code = StopRequested.exit_code
            how = "saves and stops by itself" if asked else "goes on"
            outcome.reason = f"Left {job.id}, which {how}: swapdeck jobs attach {job.id}"
            return outcome
        time.sleep(POLL)


def _ring(session: Session, job: Job) -> None:
    """Tell the terminal that a long job has ended, as the person wants it told."""
    from projects.jobs import read_events
    from projects.notices import is_an_end, read_notify, ringing, sentence

    quiet = session.json or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb"
    if quiet or not is_an_end(job):
        return
    times = [event["at"] for event in read_events(job)[0] if isinstance(event.get("at"), float)]
    try:
        notify = read_notify()
    except SwapdeckError as error:
        session.output.remark(f"! {error}")
        return
    if notify.bell and times and times[-1] - times[0] >= notify.after:
        sys.stdout.write(ringing(sentence(job)))
        sys.stdout.flush()


def _show_log(job: Job) -> None:
    """The end of what a failed job's processes printed, before the sentence that says why."""
    from projects.jobs import log_tail

    lines = log_tail(job, LOG_LINES)
    if lines:
        click.echo(f"the end of {short_path(job.output_path)}:", err=True)
    for line in lines:
        click.echo(f"  {clean(line)}", err=True)


def _ending(job: Job, now: JobState) -> tuple[int, str]:
    """The exit code and the sentence for a job that has ended."""
    if now.name == "done":
        return 0, ""
    code = now.exit_code if now.exit_code in CODES else 1
    if now.name == "stopped":
        code = StopRequested.exit_code
    return code or 1, now.detail or f"The job {job.id} failed. See: swapdeck jobs log {job.id}"
