"""How fast a workspace with many finished jobs answers, in this process and by the command line."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from projects.jobcleaning import cleanable
from projects.jobfiles import LOCK_PART, VERSION
from projects.jobs import create_job, list_jobs, state
from projects.workspace import Workspace, open_workspace

REPEATS = 7
"""How often each answer is timed; the median counts."""
EVENTS = 200
"""Of each job."""


@dataclass(frozen=True)
class Answer:
    """What was asked for, and how long it took. `processor` is the time at work, which others on
    the machine do not lengthen."""

    what: str
    milliseconds: float
    slowest: float
    processor: float


def run(number: int) -> list[Answer]:
    """Measure in a temporary workspace with so many finished jobs."""
    with tempfile.TemporaryDirectory(prefix="swapdeck-bench-") as folder:
        workspace = open_workspace(Path(folder) / "workspace", create=True)
        fill(workspace, number)
        command = [sys.executable, "-m", "engine", "--workspace", str(workspace.root)]
        asked: dict[str, Callable[[], object]] = {
            "listed, each with its state": lambda: [state(job) for job in list_jobs(workspace)],
            "`swapdeck jobs list`, start included": lambda: _run([*command, "jobs", "list"]),
            "`swapdeck jobs list --newest 20`": lambda: _run(
                [*command, "jobs", "list", "--newest", "20"]
            ),
            "`swapdeck --help`, for comparison": lambda: _run([*command, "--help"]),
            "those that can be cleaned away": lambda: cleanable(workspace),
            "one more is made": lambda: create_job(workspace, "train", "a-as-b", {}),
        }
        return [_timed(what, ask) for what, ask in asked.items()]


def fill(workspace: Workspace, number: int) -> None:
    """Write so many jobs that have ended, one a minute, as a supervisor leaves them."""
    first = datetime.now(UTC) - timedelta(minutes=number)
    for minute in range(number):
        begun = first + timedelta(minutes=minute)
        root = workspace.jobs / f"{begun:%Y%m%d-%H%M%S}-train-a-as-b"
        root.mkdir()
        written = {"version": VERSION, "created": begun.isoformat(timespec="seconds")}
        spec = {"verb": "train", "subject": "a-as-b", "title": "train", "arguments": {"steps": 9}}
        end = {"code": 0, "reason": "Done.", "ended": begun.isoformat(timespec="seconds")}
        (root / "spec.json").write_text(json.dumps({**written, **spec}, indent=2))
        (root / "exit.json").write_text(json.dumps({**written, **end}, indent=2))
        events = ({"seq": n, "at": 0.5, "kind": "step", "loss": 0.1} for n in range(EVENTS))
        (root / "events.jsonl").write_text("".join(f"{json.dumps(e)}\n" for e in events))
        (root / "lock").write_bytes(b"{}".ljust(2 * LOCK_PART))


def _timed(what: str, ask: Callable[[], object]) -> Answer:
    taken, worked = [], []
    for _ in range(REPEATS):
        begun, busy = time.perf_counter(), _at_work()
        ask()
        taken.append(1e3 * (time.perf_counter() - begun))
        worked.append(1e3 * (_at_work() - busy))
    return Answer(what, statistics.median(taken), max(taken), statistics.median(worked))


def _at_work() -> float:
    """Seconds that this process and those that it waited for have worked."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _run(command: list[str]) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
