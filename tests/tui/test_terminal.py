"""The dashboard in a real terminal, as a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.bench.terminal import PATIENCE, Terminal
from projects import jobs
from projects.swaps import new_swap

from .workspaces import empty, person, running_job


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    ws = empty(tmp_path / "ws")
    person(ws, "Anna")
    person(ws, "Bruno")
    with Terminal(ws.root, tmp_path / "home") as opened:
        yield opened


def test_it_draws_reads_keys_and_quits(terminal: Terminal) -> None:
    terminal.read_until(b"Anna")
    terminal.type(b"3")
    terminal.read_until(b"Nothing runs")
    terminal.type(b"q")
    terminal.settle(PATIENCE)
    assert terminal.process.wait(PATIENCE) == 0


def test_a_lost_connection_ends_it_and_leaves_the_job(tmp_path: Path, terminal: Terminal) -> None:
    ws = empty(tmp_path / "ws")
    swap = new_swap(ws, None, "anna", "bruno", preset="light-64", seed=1, settings={})
    job, _ = running_job(ws, swap)
    with jobs.holding_lock(job):
        terminal.read_until(b"Anna")
        terminal.process.send_signal(signal.SIGHUP)
        terminal.settle(PATIENCE)
        assert terminal.process.wait(PATIENCE) == 0
        assert jobs.state(job).name == "running"
        assert not jobs.requested(job).stop


def test_a_terminal_that_goes_away_while_much_is_drawn_ends_it(terminal: Terminal) -> None:
    terminal.read_until(b"Anna")
    terminal.type(b"1234" * 200)  # more drawing than any queue holds, and nobody reads
    assert terminal.hang_up() == 0


def test_without_a_terminal_it_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tui", "--workspace", str(tmp_path)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
