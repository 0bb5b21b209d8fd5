"""A process that does dangerous things one after the other, and is killed when one takes too long.

Too long is `seconds` of the process's own time on a processor, whatever else the machine has to do,
or PATIENCE times that on the clock, for what waits without end.

`python -m tests.hardening.pool MODULE BYTES` answers each line of JSON on its stdin with one on its
stdout: what `MODULE.answer(request)` returns.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def own_folders(folder: Path) -> dict[str, str]:
    """An environment's variables for a process that must not touch what is the user's own."""
    return dict.fromkeys(("XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"), str(folder))


PATIENCE = 10


def _busy(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class HungError(Exception):
    """It gave no answer within the time it had."""


class CrashedError(Exception):
    """The process died."""


class Killable:
    """Runs `module`.answer in a process that is started again whenever it has to be."""

    def __init__(self, module: str, *, memory: int, seconds: float, cache: Path) -> None:
        self._module = module
        self._cache = cache
        self._memory = memory  # bytes of address space
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: dict[str, Any]) -> Any:
        """The answer. After HungError and CrashedError the next request gets a new process."""
        process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            raise CrashedError(self._end()) from None
        began, used = time.monotonic(), _busy(process.pid)
        while not select.select([process.stdout], [], [], self._seconds / 10)[0]:
            waited = time.monotonic() - began
            if _busy(process.pid) - used > self._seconds or waited > PATIENCE * self._seconds:
                self.close()
                raise HungError(
                    f"no answer within {self._seconds} s of work, {waited:.0f} s in all"
                )
        line = process.stdout.readline()
        if not line:
            raise CrashedError(self._end())
        return json.loads(line)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _end(self) -> str:
        assert self._process is not None
        status = self._process.wait()
        self._process = None
        return signal.Signals(-status).name if status < 0 else f"exit status {status}"

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hardening.pool", self._module, str(self._memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "JAX_PLATFORMS": "cpu",
                **own_folders(self._cache),
            },
        )
        return self._process


def main(module: str, memory: int) -> None:
    """Answer requests until stdin ends. What they print goes to stderr."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    answer = importlib.import_module(module).answer
    for line in sys.stdin:
        answers.write(json.dumps(answer(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
