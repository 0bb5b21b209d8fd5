"""The dashboard as a process of its own on a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path

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

    def close(self) -> None:
        """End the process if it still runs, and close the terminal."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
