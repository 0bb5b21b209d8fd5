"""The dashboard in a real terminal, as a process of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from projects import jobs
from projects.swaps import new_swap

from .workspaces import empty, person, running_job

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 60  # seconds after which a silent terminal counts as broken


class Terminal:
    """`python -m tui` on a pseudo-terminal of 80 x 24."""

    def __init__(self, workspace: Path) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tui", "--workspace", str(workspace)],
            cwd=ROOT,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            start_new_session=True,
        )
        os.close(slave)
        self.output = b""

    def read_until(self, words: bytes) -> None:
        """Read on until the words have been drawn."""
        while words not in self.output:
            ready, _, _ = select.select([self.master], [], [], PATIENCE)
            assert ready, f"{words!r} never came: {self.output[-2000:]!r}"
            self.output += os.read(self.master, 65536)

    def drain(self) -> None:
        """Read what is still written, until the process closes the terminal."""
        while select.select([self.master], [], [], PATIENCE)[0]:
            try:
                if not os.read(self.master, 65536):
                    return
            except OSError:
                return

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    ws = empty(tmp_path / "ws")
    person(ws, "Anna")
    person(ws, "Bruno")
    opened = Terminal(ws.root)
    yield opened
    if opened.process.poll() is None:
        opened.process.kill()
        opened.process.wait()
    os.close(opened.master)


def test_it_draws_reads_keys_and_quits(terminal: Terminal) -> None:
    terminal.read_until(b"Anna")
    terminal.type(b"3")
    terminal.read_until(b"Nothing runs")
    terminal.type(b"q")
    terminal.drain()
    assert terminal.process.wait(PATIENCE) == 0


def test_a_lost_connection_ends_it_and_leaves_the_job(tmp_path: Path, terminal: Terminal) -> None:
    ws = empty(tmp_path / "ws")
    swap = new_swap(ws, None, "anna", "bruno", preset="light-64", seed=1, settings={})
    job, _ = running_job(ws, swap)
    with jobs.holding_lock(job):
        terminal.read_until(b"Anna")
        terminal.process.send_signal(signal.SIGHUP)
        terminal.drain()
        assert terminal.process.wait(PATIENCE) == 0
        assert jobs.state(job).name == "running"
        assert not jobs.requested(job).stop


def test_without_a_terminal_it_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tui", "--workspace", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
