"""The process that watches over a job: `python -m engine.supervisor [--detach] JOBDIR`.

It holds the job's lock for its whole life, runs the worker as its child, passes SIGTERM on, and
writes exit.json when the worker could not. It imports nothing heavy, so it outlives what kills a
worker, and costs a few megabytes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from engine import blackbox
from engine.memory import with_large_pages
from engine.reporting import STOPPED
from engine.turns import NotBegunError, Waiting, wait_for_device, wait_for_job
from projects.errors import SwapdeckError
from projects.jobs import (
    ALREADY_RUNS,
    EventLog,
    Job,
    has_ended,
    holding_lock,
    load_job,
    lock_record,
    read_exit,
    read_spec,
    record_processes,
    requested,
    write_exit,
)
from projects.notices import run_command
from projects.processes import Process, is_alive
from projects.together import LOST, meeting_of

_CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE)
_PACE = 2.0  # seconds between two looks at what the worker does
_ORPHAN_PACE = 0.2  # seconds between two looks at whether an orphan still lives
_LEFT_NO_WORD = (
    "The work ended without a word while nobody watched over it, killed perhaps. What was saved is "
    "there: swapdeck jobs retry {id} goes on from it. What it printed is in {log}."
)
WORKER = (sys.executable, "-P", "-u", "-m", "engine.worker")


def main(arguments: Sequence[str], worker: Sequence[str] = WORKER) -> int:
    """Supervise the job in the folder that is the last argument; the job's exit code.

    With `--detach` first, do it in a process of its own session, and return 0 as soon as that
    holds the job's lock, ALREADY_RUNS or 1 when it cannot.
    """
    *options, folder = arguments
    try:
        job = load_job(Path(folder).absolute())
        if options == ["--detach"]:
            return _detached(job, worker)
        return supervise(job, worker, started=lambda: None)
    except SwapdeckError as error:
        _print(f"{error}\n")
        return error.exit_code


def supervise(
    job: Job,
    worker: Sequence[str],
    started: Callable[[], None],
    patience: float = blackbox.PATIENCE,
) -> int:
    """Run `worker` with the job's folder as its argument until it ends; the job's exit code.

    `started` is called when the lock is held, and the worker runs or has to wait for its turn.
    ALREADY_RUNS comes back when another supervisor holds the lock, or the job has ended. Of an
    orphan, whose worker lives without a supervisor, only the watch is taken over. A worker that
    crashes, or does nothing for `patience` seconds, while it reads a media file is started again
    without that file.
    """
    begun = time.monotonic()
    with holding_lock(job) as descriptor:
        if descriptor is None or has_ended(job):
            return ALREADY_RUNS
        code = _see_through(job, descriptor, worker, started, patience)
    run_command(job, time.monotonic() - begun)
    return code


def _see_through(
    job: Job,
    descriptor: int,
    worker: Sequence[str],
    started: Callable[[], None],
    patience: float,
) -> int:
    """From the job's turn to its end; the job's exit code."""
    told: list[int] = []
    children: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        told.append(number)
        for child in children:
            child.send_signal(signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the worker inherits this
    _, orphan = lock_record(job)
    if orphan is not None and is_alive(orphan):
        record_processes(job, descriptor, orphan.pid)
        started()
        return _watch_orphan(job, orphan, told)
    record_processes(job, descriptor, None)
    waiting = Waiting(job, descriptor, told, started)
    try:
        wait_for_job(job, waiting)
        turn = wait_for_device(job, read_spec(job)["arguments"], waiting)
    except NotBegunError as end:
        waiting.over()
        _end(job, end.exit_code, str(end), because=end.because)
        return end.exit_code
    except SwapdeckError as error:  # a full disk, a damaged spec
        waiting.over()
        _end(job, error.exit_code, str(error))
        return error.exit_code
    while True:
        children[:] = [
            subprocess.Popen(
                [*worker, str(job.root)],
                stdin=subprocess.DEVNULL,
                env=turn.added_to(with_large_pages(os.environ)),
                pass_fds=turn.inherited,
            )
        ]
        if told:
            children[0].send_signal(signal.SIGTERM)
        record_processes(job, descriptor, children[0].pid)
        waiting.over()
        status, hung = _wait(children[0], blackbox.Watch(job.root), patience)
        if has_ended(job):
            return max(status, 0)
        if told or not _leave_out(job, status, hung):
            break
    code, reason = _account(job, status, stopped=bool(told))
    if -status == signal.SIGABRT and _is_one_of_several(job):
        # JAX ends a process so as soon as it misses another one.
        code, reason = 1, LOST
    _end(job, code, reason)
    return code


def _end(job: Job, code: int, reason: str, *, because: str = "") -> None:
    """Account for an end that the worker could not account for."""
    with contextlib.suppress(SwapdeckError):  # exit.json matters more, and is smaller
        EventLog(job).emit("ended", code=code, reason=reason)
    write_exit(job, code, reason, because=because)


def _watch_orphan(job: Job, worker: Process, told: list[int]) -> int:
    """Watch over a worker whose supervisor is gone until it ends; the job's exit code.

    It is nobody's child any more, so how it ended is known only from what it wrote.
    """
    passed_on = 0
    while is_alive(worker):
        if len(told) > passed_on:
            passed_on = len(told)
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGTERM)
        time.sleep(_ORPHAN_PACE)
    if not has_ended(job):
        _end(job, 1, _LEFT_NO_WORD.format(id=job.id, log=job.output_path))
    end = read_exit(job)
    return end[0] if end is not None else 1


def _wait(
    child: subprocess.Popen[bytes], watch: blackbox.Watch, patience: float
) -> tuple[int, list[str]]:
    """The status that the worker ended with, and the files that it hung on, if it did."""
    pace = min(_PACE, patience / 10)
    hung: list[str] = []
    while True:
        try:
            return child.wait(pace), hung
        except subprocess.TimeoutExpired:
            if not hung and watch.longest() * pace > patience:
                hung = watch.suspects(looks=int(patience / pace))
                child.kill()


def _leave_out(job: Job, status: int, hung: list[str]) -> bool:
    """Whether a crash or a hang can be laid to media files that were not left out already.

    Each crash leaves out one file more at least, so this ends.
    """
    if hung:
        reason = "kept its decoder busy without end"
    elif -status in _CRASHES:
        name = signal.strsignal(-status) or f"signal {-status}"
        reason = f"crashed its decoder ({name})"
    else:
        return False
    try:
        known = blackbox.read_left_out(job.root)
        found = hung or blackbox.Watch(job.root).suspects()
        new = {path: reason for path in found if path not in known}
        if new:
            blackbox.leave_out(job.root, new)
            log = EventLog(job)
            for path in new:
                log.emit("warning", text=blackbox.left_out_sentence(path, reason))
    except SwapdeckError as error:  # a full disk: then the job ends as any other that crashed
        _print(f"{error}\n")
        return False
    return bool(new)


def _detached(job: Job, worker: Sequence[str]) -> int:
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            answer = pipe.read()
        return int(answer) if answer else 1
    status = 1
    try:
        os.close(reader)
        os.setsid()

        def started() -> None:
            os.write(writer, b"0")
            os.close(writer)

        status = supervise(job, worker, started)
        if status == ALREADY_RUNS:
            os.write(writer, str(status).encode())
    except SwapdeckError as error:
        _print(f"{error}\n")
    except BaseException:  # noqa: BLE001 - a forked process must not return into its parent's code
        _print(traceback.format_exc())
    finally:
        os._exit(status)


def _print(text: str) -> None:
    with contextlib.suppress(OSError):  # output.log may be on a full disk
        sys.stderr.write(text)
        sys.stderr.flush()


def _is_one_of_several(job: Job) -> bool:
    try:
        return meeting_of(read_spec(job)["arguments"]) is not None
    except (SwapdeckError, KeyError):
        return False


def _account(job: Job, status: int, *, stopped: bool) -> tuple[int, str]:
    """The exit code and the sentence for a worker that ended without writing exit.json."""
    if status >= 0:
        return status or 1, (
            f"The work ended with status {status} and did not say why. What was saved is there; "
            f"what it printed is in {job.output_path}."
        )
    number = -status
    code = 128 + number
    with contextlib.suppress(SwapdeckError):
        if requested(job).kill:
            return code, "It was killed on request. What was saved before is there."
    if stopped and number == signal.SIGTERM:
        return 130, STOPPED  # the signal came before the worker had begun
    if number == signal.SIGKILL:
        return code, (
            "The work was killed (SIGKILL). If nobody did that, the machine's memory was used up: "
            "choose a smaller batch or preset, then run the same command again; it resumes from "
            "what was saved."
        )
    name = signal.strsignal(number) or f"signal {number}"
    return code, (
        f"The work crashed ({name}). What was saved is there; what it printed is in "
        f"{job.output_path}. Run the same command again, and please report it if it crashes again."
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
