"""Starting a job and watching it. The job is a process of its own; here its files are read."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from engine.cli.display import Display, display_for
from engine.cli.session import Session
from projects.errors import CommandError, StopRequested, SwapdeckError

if TYPE_CHECKING:
    from projects.jobs import Job, JobState
    from projects.workspace import Workspace

POLL = 0.1  # seconds between two looks at the event log
CODES = (0, 1, 2, 3, 130)  # what the command line may exit with


@dataclass
class Outcome:
    """What a job came to: exit code, its reason, the fields of its `result` events, in order."""

    job: Job
    code: int = 0
    reason: str = ""
    results: list[Mapping[str, Any]] = field(default_factory=list)


class JobEndedError(SwapdeckError):
    """A job ended with another code than 0."""

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.exit_code = code


class Interrupts:
    """Counts Ctrl-C instead of raising, so that a job is never left between two of its files."""

    def __init__(self) -> None:
        self.count = 0
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._one_more)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _one_more(self, number: int, frame: FrameType | None) -> None:
        self.count += 1


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
        if detach:
            fields = {"job": job.id, "verb": verb, "subject": subject}
            session.output.done(fields, f"Started {job.id}. Watch: swapdeck jobs attach {job.id}")
            return Outcome(job)
        if interrupts.count:
            raise StopRequested("Interrupted before the work began.")
        return watch(session, job, interrupts)


def watch(session: Session, job: Job, interrupts: Interrupts) -> Outcome:
    """Show a job's events until it ends. The first Ctrl-C asks it to stop, the second leaves it."""
    with display_for(session.output) as display:
        outcome = _follow(job, display, interrupts)
    if outcome.code:
        raise JobEndedError(outcome.reason, outcome.code)
    return outcome


def _follow(job: Job, display: Display, interrupts: Interrupts) -> Outcome:
    from projects.jobs import read_events, request, state

    outcome = Outcome(job)
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
        if interrupts.count and not asked:
            asked = True
            with contextlib.suppress(CommandError):  # it ended just now
                request(job, "stop")
            display.say("Stopping: saving first. Ctrl-C again leaves the job to finish alone.")
        if interrupts.count > 1:
            outcome.code = StopRequested.exit_code
            outcome.reason = (
                f"Left {job.id}, which saves and stops by itself: swapdeck jobs attach {job.id}"
            )
            return outcome
        time.sleep(POLL)


def _ending(job: Job, now: JobState) -> tuple[int, str]:
    """The exit code and the sentence for a job that has ended."""
    if now.name == "done":
        return 0, ""
    code = now.exit_code if now.exit_code in CODES else 1
    if now.name == "stopped":
        code = StopRequested.exit_code
    return code or 1, now.detail or f"The job {job.id} failed. See: swapdeck jobs log {job.id}"
