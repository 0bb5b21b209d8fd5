"""Whether the system ends a user's processes, jobs too, when they log out.

systemd-logind does where KillUserProcesses is on: a session of its own, which every job has, is
then not enough. See logind.conf(5) for the files and the order in which they count.
"""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PLACES = ("etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd")
_SETTING = re.compile(r"(?m)^[ \t]*(KillUserProcesses|KillOnlyUsers|KillExcludeUsers)[ \t]*=(.*)$")


@dataclass(frozen=True)
class Logout:
    """What a logout does: `kills` the user's processes, unless the user `lingers`, whose manager
    goes on and so do the scopes that it started."""

    kills: bool
    lingers: bool


def at_logout(user: str | None = None, root: Path = Path("/")) -> Logout:
    """What the settings below `root` say for `user`, who is by default the one who runs this."""
    name = user or _own_name()
    said = {"KillUserProcesses": "no", "KillOnlyUsers": "", "KillExcludeUsers": "root"}
    for file in _files(root):
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        said.update((key, value.strip()) for key, value in _SETTING.findall(text))
    only, excluded = said["KillOnlyUsers"].split(), said["KillExcludeUsers"].split()
    kills = said["KillUserProcesses"].lower() in ("yes", "y", "true", "t", "on", "1")
    kills = kills and name not in excluded and (not only or name in only)
    return Logout(kills, (root / "var/lib/systemd/linger" / name).exists())


def warning(root: Path = Path("/")) -> str:
    """A sentence for whoever starts a job that the end of their login would end; "" for others.

    A process that systemd-run put into a scope of the user's manager is not part of the login.
    """
    try:
        group = (root / "proc/self/cgroup").read_text(errors="replace")
    except OSError:
        return ""
    if not re.search(r"/session-[^/]*\.scope", group) or not at_logout(root=root).kills:
        return ""
    return "Logging out ends this job on this machine. What mends that: swapdeck doctor"


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return str(os.getuid())


def _files(root: Path) -> Iterator[Path]:
    """The files that count, those that count more later."""
    for place in _PLACES:
        if (main := root / place / "logind.conf").is_file():
            yield main
            break
    parts: dict[str, Path] = {}
    for place in reversed(_PLACES):  # of two with one name, the first place has it
        parts |= {part.name: part for part in (root / place / "logind.conf.d").glob("*.conf")}
    yield from (parts[name] for name in sorted(parts))
