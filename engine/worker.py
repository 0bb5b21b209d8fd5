"""The process that does a job's work: `python -m engine.worker JOBDIR`, started by the supervisor.

However the work ends, exit.json says so in one sentence; a traceback goes to output.log only.
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

from engine import blackbox
from engine.reporting import STOPPED, JobReporter, Reporter
from projects.errors import CommandError, RefusedError, StopRequested, SwapdeckError
from projects.files import inside, locked, sweep_all, write_errors, write_sentence
from projects.jobs import Job, load_job, read_spec, write_exit
from projects.names import printable
from projects.workspace import Workspace, open_workspace

Run: TypeAlias = Callable[[Workspace, str, dict[str, Any], Reporter], object]


def main(job_dir: Path, run: Run | None = None) -> int:
    """Do the job in `job_dir` and return its exit code. `run` stands in for engine.verbs.run."""
    pending: list[JobReporter] = []
    asked: list[int] = []

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        for reporter in pending:
            reporter.stop()

    # First of all: from here on a signal means "save and end", never a death without a word.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    faulthandler.enable()
    job = load_job(job_dir)
    reporter = JobReporter(job)
    pending.append(reporter)
    if asked:
        reporter.stop()
    code, reason = _outcome(job, reporter, run)
    _say(lambda: reporter.event("ended", code=code, reason=reason))
    _say(lambda: write_exit(job, code, reason))
    return code


def explain(error: BaseException, job: Job) -> tuple[int, str]:
    """The exit code and the sentence for what ended the work."""
    match error:
        case RefusedError():  # also when it stopped the work in the middle
            return error.exit_code, str(error)
        case StopRequested() | KeyboardInterrupt():
            return 130, str(error) or STOPPED
        case SwapdeckError():
            return error.exit_code, str(error)
        case MemoryError():
            return 1, (
                "The machine's memory is used up. Close other programs, or choose a smaller batch, "
                "preset or picture size, then run the same command again; what was saved is there."
            )
        case OSError() if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS):
            name = error.filename
            return 1, write_sentence(error, Path(str(name)) if name else job.root)
    first = printable(str(error).partition("\n")[0])[:300]
    if "RESOURCE_EXHAUSTED" in first:
        return 1, (
            "The device's memory is used up. Choose a smaller batch, preset or picture size, or "
            "free the device, then run the same command again; what was saved is there."
        )
    what = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return 1, (
        f"The work failed because of a fault in swapdeck ({what}). What was saved is there. The "
        f"whole account is in {job.output_path}; please report it."
    )


def _outcome(job: Job, reporter: JobReporter, run: Run | None) -> tuple[int, str]:
    try:
        spec = read_spec(job)
        workspace = open_workspace(job.root.parent.parent)
        for folder in (workspace.people, workspace.swaps):
            sweep_all(inside(folder, job.subject))  # what a killed job of the same subject left
        blackbox.install(job.root)
        reporter.event("started", title=str(spec.get("title", "")) or job.verb)
        reporter.check()
        if run is None:
            from engine import verbs

            run = verbs.run
        with _alone(workspace, job):
            run(workspace, job.verb, spec["arguments"], reporter)
        reporter.flush()
        if left_out := blackbox.all_left_out():
            return 1, _all_but(left_out)
    except BaseException as error:  # noqa: BLE001 - the one place where every end is accounted for
        code, reason = explain(error, job)
        if not isinstance(error, SwapdeckError | KeyboardInterrupt):
            with contextlib.suppress(OSError):
                traceback.print_exc()
        return code, reason
    return 0, "Done."


@contextlib.contextmanager
def _alone(workspace: Workspace, job: Job) -> Iterator[None]:
    """Hold what two jobs must not write at once: a swap's checkpoints, a person's faces."""
    held = {
        "train": (workspace.swaps, "checkpoints"),
        "extract": (workspace.people, "faces"),
        "import": (workspace.people, "faces"),
    }
    root, name = held.get(job.verb, (None, ""))
    if root is None or not inside(root, job.subject).is_dir():
        yield
        return
    folder = inside(root, job.subject, name)
    with write_errors(folder):
        folder.mkdir(exist_ok=True)
    with locked(folder, wait=False) as free:
        if not free:
            raise CommandError(
                f"Another job is writing the {name} of {job.subject}. Watch it, or stop it: "
                "swapdeck jobs list"
            )
        yield


def _all_but(left_out: dict[str, str]) -> str:
    first, reason = next(iter(left_out.items()))
    more = f" So were {len(left_out) - 1} others." if len(left_out) > 1 else ""
    return f"All but this was done. {blackbox.left_out_sentence(first, reason)}{more}"


def _say(write: Callable[[], None]) -> None:
    try:
        write()
    except SwapdeckError as error:
        # A full disk: the other record may still fit, and the log may not.
        with contextlib.suppress(OSError):
            sys.stderr.write(f"{error}\n")


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
