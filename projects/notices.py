"""Telling somebody that a long job has ended: a bell on a terminal, and a command of theirs.

    ~/.config/swapdeck/jobs.toml

    version = 1

    [notify]
    after = 60                            # seconds that a job must have taken
    bell = true                           # ring the terminals that watch it
    command = ["/home/ada/bin/tell-me"]   # a program and its arguments; no shell

It belongs to the person and not to the workspace: a workspace that somebody else made must not be
able to run a program. The command is told about the job in variables of its environment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projects.errors import CommandError, SwapdeckError
from projects.jobchain import followers
from projects.jobfiles import Job, ended_because
from projects.jobstate import state
from projects.names import printable
from projects.texts import versioned_toml
from projects.workspace import Workspace

VERSION = 1
PATIENCE = 30.0  # seconds that a command may take
_KNOWN = ("after", "bell", "command")


@dataclass(frozen=True)
class Notify:
    """`command` is empty for none."""

    after: float = 60.0  # seconds
    bell: bool = True
    command: tuple[str, ...] = ()


def notify_path() -> Path:
    """Where the file is: in $XDG_CONFIG_HOME, else ~/.config."""
    base = os.environ.get("XDG_CONFIG_HOME")
    home = Path(base) if base and Path(base).is_absolute() else Path("~/.config").expanduser()
    return home / "swapdeck" / "jobs.toml"


def read_notify(path: Path | None = None) -> Notify:
    """What the file says; the defaults where there is none.

    Raises:
        SwapdeckError: something in it cannot be.
    """
    path = path or notify_path()
    if not os.path.lexists(path):
        return Notify()
    document = versioned_toml(path, VERSION)
    table = document.get("notify", {})
    if not isinstance(table, Mapping) or set(table) - set(_KNOWN):
        raise CommandError(f"{path}: [notify] takes {', '.join(_KNOWN)}, and nothing else.")
    after, bell = table.get("after", Notify.after), table.get("bell", Notify.bell)
    command = table.get("command", [])
    if isinstance(after, bool) or not isinstance(after, int | float) or not 0 <= after < 1e9:
        raise CommandError(f"{path}: 'after' is a number of seconds, such as 60.")
    if not isinstance(bell, bool):
        raise CommandError(f"{path}: 'bell' is true or false.")
    if not isinstance(command, list) or not all(isinstance(w, str) and w for w in command):
        raise CommandError(f'{path}: \'command\' is a list of texts, such as ["notify-send", "x"].')
    return Notify(float(after), bell, tuple(command))


def ringing(text: str) -> str:
    """What rings a terminal, and shows `text` as a notification where it knows OSC 9."""
    return f"\a\x1b]9;{printable(text)[:200]}\x1b\\"


def sentence(job: Job) -> str:
    """What is told of a job that has ended: `swapdeck: train ada-as-ben is done`."""
    now = state(job)
    how = {"done": "is done", "failed": "failed", "stopped": "was stopped"}
    return f"swapdeck: {job.verb} {printable(job.subject)} {how.get(now.name, now.name)}"


def run_command(job: Job, seconds: float) -> None:
    """Run the person's command for a job that has ended after so many seconds, if it is to be told.
    Of jobs that follow each other the last one is, or the one that did not end well.

    Nothing that it does, and nothing that is wrong with it, reaches the job: it comes after the
    job's end, in a session of its own, and is ended after PATIENCE. What is wrong goes to stderr,
    which is the job's output.log.
    """
    try:
        notify = read_notify()
        if notify.command and seconds >= notify.after and is_an_end(job):
            _run(notify.command, {**os.environ, **facts(job, seconds)})
    except (SwapdeckError, OSError, ValueError) as error:
        with suppress(OSError):
            sys.stderr.write(f"The command that is told of a job's end did not do it: {error}\n")


def is_an_end(job: Job) -> bool:
    """Whether its end is one to be told: not while others of its chain are to follow, nor when it
    never began because of another one, which is told."""
    if ended_because(job):
        return False
    ws = Workspace(job.root.parent.parent)
    return state(job).name != "done" or all(state(one).ended for one in followers(ws, job))


def facts(job: Job, seconds: float) -> dict[str, str]:
    """The variables that tell a command about a job."""
    now = state(job)
    values: dict[str, Any] = {
        "JOB": job.id,
        "VERB": job.verb,
        "SUBJECT": job.subject,
        "STATE": now.name,
        "REASON": now.detail,
        "SECONDS": round(seconds),
        "FOLDER": job.root,
        "WORKSPACE": job.root.parent.parent,
        "SENTENCE": sentence(job),
    }
    return {f"SWAPDECK_{name}": str(value).replace("\0", "") for name, value in values.items()}


def _run(command: tuple[str, ...], environment: Mapping[str, str]) -> None:
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, env=environment, cwd="/", start_new_session=True
    )
    try:
        status = child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise ValueError(f"{command[0]} was ended after {PATIENCE:.0f} seconds.") from None
    if status:
        raise ValueError(f"{command[0]} ended with status {status}.")
