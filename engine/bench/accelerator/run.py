"""Make the stages of a plan, each in a process of its own, and keep what each has said so far.

So a stage that fails, hangs or takes all memory costs its own figures and no others, and what is
killed from outside leaves all that was measured before. This process never loads JAX, and so holds
nothing of the device.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Final

from engine.bench.accelerator.account import Account, Outcome, Result
from engine.bench.accelerator.plan import Plan, Sizes
from engine.memory import with_large_pages
from projects.files import write_errors

LOG: Final = "output.log"
NOT_HERE: Final = 3
"""Exit code of a stage that needs what is not installed."""
_ROW: Final = "ROW "
_GRACE: Final = 3.0
_MARGIN: Final = 5.0
"""Seconds of the budget that are kept for ending."""
_OWN_MEMORY: Final = {"torch": {"XLA_PYTHON_CLIENT_MEM_FRACTION": "0.45"}}
"""Of the environment of stages that share the device with another framework."""


def run(
    plan: Plan, folder: Path, budget: float, say: Callable[[str], None] = lambda words: None
) -> Account:
    """Make the stages within `budget` seconds, the later ones left out where it ends.

    Writes figures.json, figures.md and output.log into `folder` as it goes, and answers with all
    results. Raises SwapdeckError only where they cannot be written.
    """
    end = time.monotonic() + budget - _MARGIN
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    account = Account(folder, budget)
    with (
        tempfile.TemporaryDirectory(prefix="swapdeck-bench-") as cache,
        (folder / LOG).open("w") as log,
    ):
        for stage in plan.stages:
            result = Result(stage)
            account.results.append(result)
            left = end - time.monotonic()
            if left < stage.least:
                result.outcome, result.said = "left out", "The time was up."
            else:
                account.write()
                say(f"{stage.name} …")
                _make(result, plan.sizes, min(stage.limit, left), cache, log, account.write)
                say(f"{stage.name}: {result.outcome} after {result.seconds:.0f} s {result.said}")
            account.write()
    return account


def _make(
    result: Result,
    sizes: Sizes,
    limit: float,
    cache: str,
    log: IO[str],
    write: Callable[[], None],
) -> None:
    """Run one stage to its end or its limit, and take in its rows as they come."""
    stage = result.stage
    log.write(f"== {stage.name}\n")
    log.flush()
    begun = time.monotonic()
    what = json.dumps({"stage": asdict(stage), "sizes": asdict(sizes)})
    with subprocess.Popen(
        [sys.executable, "-m", "engine.bench.accelerator", "--stage", what],
        cwd=Path(__file__).resolve().parents[3],  # where this very package is found
        env={
            **with_large_pages(os.environ),
            "XDG_CACHE_HOME": cache,
            **_OWN_MEMORY.get(stage.kind, {}),
        },
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,
    ) as process:
        late = threading.Event()

        def stop() -> None:
            late.set()
            _end(process)

        timer = threading.Timer(limit, stop)
        timer.start()
        assert process.stdout is not None  # it is a pipe
        try:
            for line in process.stdout:
                result.seconds = time.monotonic() - begun
                if line.startswith(_ROW):
                    result.rows.append(json.loads(line.removeprefix(_ROW)))
                    write()
                else:
                    log.write(line)
            code = process.wait()
        finally:
            timer.cancel()
            _end(process)
    result.seconds = time.monotonic() - begun
    result.outcome, result.said = _outcome(code, late.is_set(), limit, Path(log.name))


def _outcome(code: int, late: bool, limit: float, log: Path) -> tuple[Outcome, str]:
    """How a stage ended, and what is to be said about it."""
    if late:
        return "out of time", f"It was ended after {limit:.0f} s."
    if code == 0:
        return "done", ""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    last = lines[-1][:500] if lines else ""
    return ("not here" if code == NOT_HERE else "failed"), f"Exit code {code}: {last}"


def _end(process: subprocess.Popen[str]) -> None:
    """End a stage and all that it started; it leads a session of its own."""
    for number, grace in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace)
