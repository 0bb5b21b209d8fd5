"""Measures how long the dashboard takes to show a workspace, on a real pseudo-terminal.

    python -m tests.tui.first_paint [ROUNDS]

Prints seconds from the start of the process to the frame and to the list's rows, and the CPU
seconds spent by then, each as median and range. The workspace is made for it: three people with
160 faces each, two swaps, four jobs.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from projects.swaps import new_swap

from .terminal import Terminal
from .workspaces import empty, ended_job, person, trained_swap


def make(root: Path) -> None:
    """A workspace with something of everything."""
    ws = empty(root)
    for name in ("Anna", "Bruno", "Chiara"):
        person(ws, name, faces=160)
    trained_swap(ws, "anna", "bruno", 2000)
    new_swap(ws, None, "chiara", "anna", preset="classic-64", seed=1, settings={})
    for name in ("anna", "bruno", "chiara"):
        ended_job(ws, "extract", name, 0, "Done.")
    ended_job(ws, "train", "anna-as-bruno", 0, "Done.")


def measure(root: Path) -> tuple[float, float, float]:
    """Seconds to the frame, seconds to the rows, CPU seconds."""
    start = time.perf_counter()
    terminal = Terminal(root)
    try:
        terminal.read_until(b"System")
        frame = time.perf_counter() - start
        terminal.read_until(b"Chiara")
        rows = time.perf_counter() - start
        fields = Path(f"/proc/{terminal.process.pid}/stat").read_text().rpartition(")")[2].split()
        cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    finally:
        terminal.close()
    return frame, rows, cpu


def main() -> None:
    """Measure, after one round that fills the caches."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        make(root)
        measure(root)
        figures = zip(*(measure(root) for _ in range(rounds)), strict=True)
        for name, values in zip(("frame", "rows", "cpu"), figures, strict=True):
            print(f"{name:6} {median(values):.3f} s   {min(values):.3f} to {max(values):.3f}")  # noqa: T201
        print(f"load   {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")  # noqa: T201


if __name__ == "__main__":
    main()
