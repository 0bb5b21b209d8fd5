"""The dashboard as a process of its own on a pseudo-terminal, to be typed to and listened to."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE = 60.0
"""Seconds after which a silent terminal counts as broken."""


class Terminal:
    """`python -m tui` on a pseudo-terminal of `columns` x `lines` cells. Use it in a `with`
    statement. What it remembers and how it is set is kept under `home`, apart from the user's."""

    def __init__(
        self,
        workspace: Path,
        home: Path,
        *,
        columns: int = 80,
        lines: int = 24,
        options: Sequence[str] = (),
    ) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tui", "--workspace", str(workspace), *options],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={
                **os.environ,
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                "XDG_STATE_HOME": str(home / "state"),
                "XDG_CONFIG_HOME": str(home / "config"),
            },
            start_new_session=True,
            preexec_fn=_control,
        )
        os.close(slave)
        self.output = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def read(self, seconds: float) -> bytes:
        """What is written within so many seconds, as soon as anything is; b"" when nothing is or
        the terminal was closed."""
        if not select.select([self.master], [], [], max(0.0, seconds))[0]:
            return b""
        try:
            found = os.read(self.master, 1 << 16)
        except OSError:  # the other end was closed
            return b""
        self.output += found
        return found

    def read_until(self, words: bytes) -> float:
        """Read on until the words have been drawn; seconds since the process was started.

        Raises:
            TimeoutError: they never came.
        """
        while words not in self.output:
            if not self.read(PATIENCE):
                raise TimeoutError(f"{words!r} was never drawn: {self.output[-2000:]!r}")
        return time.perf_counter() - self.started

    def settle(self, quiet: float = 0.25, most: float = 20.0) -> None:
        """Read on until nothing was written for `quiet` seconds."""
        end = time.perf_counter() + most
        while self.read(quiet) and time.perf_counter() < end:
            pass

    def listen(self, seconds: float) -> int:
        """How many bytes are written in so many seconds."""
        end, total = time.perf_counter() + seconds, 0
        while (left := end - time.perf_counter()) > 0:
            total += len(self.read(left))
        return total

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.master, keys)

    def cpu_seconds(self) -> float:
        """Processor time that the dashboard has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def hang_up(self) -> int:
        """Close the terminal as a lost connection does; the dashboard's exit code."""
        os.close(self.master)
        self.master = -1
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """End the process if it still runs, and close the terminal."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.master >= 0:
            os.close(self.master)


def _control() -> None:
    """Make the terminal the session's own, so that its end is told to the session."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
