"""Jobs with real processes: a supervisor, a worker, and signals between them.

The worker under test is the real one with a small `run` in place of engine.verbs. It tells the
test through a named pipe where it is, so nothing here waits by sleeping.
"""

import contextlib
import fcntl
import os
import signal
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from projects.errors import CommandError
from projects.jobs import Job, kill, launch, lock_record, read_events, state

SUPERVISOR = """
    import sys
    from engine.supervisor import main
    worker = [sys.executable, "-u", "-c", sys.argv[1]]
    raise SystemExit(main(["--detach", sys.argv[2]], worker))
"""
WORKER = """
    import itertools, os, signal, sys, threading
    from pathlib import Path
    from engine.worker import main
    from projects.errors import CommandError, RefusedError, SwapdeckError

    def say(word):
        pipe.write(word + "\\n")
        pipe.flush()

    def work(workspace, arguments, reporter):
        {work}

    def run(workspace, verb, arguments, reporter):
        say("began")
        work(workspace, arguments, reporter)

    pipe = open(Path(sys.argv[1]) / "pipe", "w")
    raise SystemExit(main(Path(sys.argv[1]), run))
"""
LOOP = """
    for number in itertools.count(1):
        reporter.event("step", step=number, steps=None, loss=1.0)
        asked = reporter.check()
        if asked.save:
            reporter.event("checkpoint", step=number, path="x")
            say("saved")
        threading.Event().wait(0.002)
"""
UNTIL_SAVE = """
    while not reporter.check().save:
        threading.Event().wait(0.002)
"""
DEAF = """
    say("deaf")
    while True:
        signal.pause()
"""


def script_of(work: str) -> str:
    """The worker's source with `work` as what it does."""
    body = textwrap.indent(textwrap.dedent(work).strip(), "    ")
    return textwrap.dedent(WORKER).replace("    {work}", body)


class Running:
    """A launched job, the words its worker says, and ways to wait for its processes."""

    def __init__(self, job: Job, work: str) -> None:
        self.job = job
        self._command = [sys.executable, "-c", textwrap.dedent(SUPERVISOR), script_of(work)]
        os.mkfifo(job.root / "pipe")
        # Opened for both, so that neither side waits for the other to open it.
        self._keep = os.open(job.root / "pipe", os.O_RDWR)
        self._words = open(job.root / "pipe", encoding="utf-8")  # noqa: SIM115, PTH123
        self.launch()

    def launch(self) -> None:
        """Start its supervisor; also another one, of an orphan."""
        launch(self.job, command=self._command)
        self.supervisor, self.worker = lock_record(self.job)

    def hear(self, word: str) -> None:
        assert self._words.readline() == word + "\n", self.output()

    def wait_for_supervisor(self) -> None:
        """The lock is free when the supervisor is gone."""
        with self.job.lock_path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)

    def wait_for_worker(self) -> None:
        """The pipe has no writer left when the worker is gone."""
        os.close(self._keep)
        self._keep = -1
        self._words.read()

    def output(self) -> str:
        return self.job.output_path.read_text()

    def pids(self) -> tuple[int, int]:
        assert self.supervisor is not None and self.worker is not None
        return self.supervisor.pid, self.worker.pid

    def close(self) -> None:
        if self._keep >= 0:
            os.close(self._keep)
        self._words.close()
        if not state(self.job).ended:
            with contextlib.suppress(CommandError):  # it may end by itself between the two
                kill(self.job, grace=0)


def kinds(job: Job) -> list[str]:
    """What its events are, in their order."""
    return [event["kind"] for event in read_events(job)[0]]


@contextlib.contextmanager
def not_for_ever(seconds: int = 30) -> Iterator[None]:
    """A test that hangs fails."""

    def fail(number: int, frame: Any) -> None:
        raise TimeoutError("this test hangs")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
