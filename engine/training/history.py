"""The losses of a swap over its steps, in history.jsonl.

A row is {step, loss, losses, run, seconds, at} and, from how the machine fared, {rate, stall,
memory}. `run` is as in runs.jsonl; see projects.runs.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from projects.files import write_bytes
from projects.texts import append_line, read_jsonl

EVERY = 1.0
"""Seconds that one row stands for: the mean over its steps."""


class History:
    """Adds rows to the file, from `step` on."""

    def __init__(
        self,
        path: Path,
        step: int,
        run: int = 1,
        also: Callable[[Mapping[str, object]], None] | None = None,
    ):
        """Rows after `step` are forgotten: the training goes back to the checkpoint there.

        also: gets each row that is written.
        """
        self._path = path
        self._also = also
        self._run = run
        self._rows: list[dict[str, float]] = []
        self._step = step
        self._written = time.monotonic()
        _truncate(path, step)

    def add(
        self,
        step: int,
        loss: float,
        losses: dict[str, float],
        seconds: float,
        machine: Mapping[str, float | None],
    ) -> None:
        """Take in the values of one step; `seconds` of this run.

        machine: steps a second, the share of the time that the device waited, and bytes of memory,
        as they are now.
        """
        self._rows.append({"loss": loss, **losses})
        self._step, self._seconds = step, seconds
        self._machine = {name: value for name, value in machine.items() if value is not None}
        if time.monotonic() - self._written >= EVERY:
            self.flush()

    def flush(self) -> None:
        """Write what was taken in since the last row."""
        if not self._rows:
            return
        mean = {
            name: sum(row[name] for row in self._rows) / len(self._rows) for name in self._rows[0]
        }
        row = {"step": self._step, "loss": mean.pop("loss"), "losses": mean, **self._machine}
        seconds = round(self._seconds, 2)
        append_line(self._path, {**row, "run": self._run, "seconds": seconds, "at": time.time()})
        if self._also is not None:
            self._also(row)
        self._rows = []
        self._written = time.monotonic()


def _truncate(path: Path, step: int) -> None:
    rows, _ = read_jsonl(path)
    kept = [row for row in rows if row.get("step", 0) <= step]
    if len(kept) < len(rows):
        write_bytes(path, "".join(json.dumps(row) + "\n" for row in kept).encode())
