"""Which process a recorded one is: pid, start time and boot together, so that a pid that was given
to another process later is not mistaken for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    pid: int
    started: str  # opaque; as the system tells it
    boot: str  # "" where the system has no boot id


def identify(pid: int) -> Process | None:
    """The process with this pid as it is now; None when there is none, or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None if Path("/proc/self/stat").exists() else _identify_by_ps(pid)
    state, started = fields[0], fields[19]  # fields 3 and 22 of proc(5)
    return None if state in "ZXx" else Process(pid, started, boot)


def is_alive(process: Process | None) -> bool:
    """Whether this very process still runs."""
    return process is not None and identify(process.pid) == process


def to_record(process: Process) -> dict[str, object]:
    return {"pid": process.pid, "started": process.started, "boot": process.boot}


def from_record(record: object) -> Process | None:
    """The process in a JSON value; None when it is not one."""
    if not isinstance(record, Mapping):
        return None
    pid, started, boot = (record.get(key) for key in ("pid", "started", "boot"))
    if isinstance(pid, int) and pid > 1 and isinstance(started, str) and isinstance(boot, str):
        return Process(pid, started, boot)
    return None


def _identify_by_ps(pid: int) -> Process | None:
    """For systems without /proc, such as macOS."""
    import subprocess

    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    state, _, started = answer.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else Process(pid, started.strip(), "")
