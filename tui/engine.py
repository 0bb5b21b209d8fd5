"""A command of the engine, run as a process of its own, whose lines are read as they come.

The dashboard never loads the engine: what only the engine knows is asked for like this.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence

from tui.text import clean


def engine_command(*words: str) -> tuple[str, ...]:
    """The command line of the engine with these words."""
    return (sys.executable, "-P", "-m", "engine", *words)


class EngineProcess:
    """Runs a command once. `end` may be called from any thread."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = tuple(command)
        self._process: subprocess.Popen[str] | None = None
        self._ended = False

    def lines(self, expected: Sequence[int] = (0,)) -> Iterator[str]:
        """Each line of its output.

        Raises:
            OSError: the process cannot be started.
            EngineFailedError: it did not end with one of the `expected` codes, nor was it ended.
        """
        with subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as process:
            self._process = process
            if self._ended:
                process.kill()
            yield from process.stdout or ()
            said = process.stderr.read() if process.stderr is not None else ""
            code = process.wait()
        if code not in expected and not self._ended:
            raise EngineFailedError(
                clean((said.strip().splitlines() or [f"it ended with {code}"])[-1])
            )

    def end(self) -> None:
        """End the process, if it runs."""
        self._ended = True
        if self._process is not None and self._process.poll() is None:
            self._process.kill()


class EngineFailedError(Exception):
    """A process of the engine failed; the text is the last that it said."""
