"""`swapdeck doctor`, run as a process of its own, finding by finding.

The engine alone knows the devices and the codecs, and the dashboard never loads it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from textual.content import Content

from tui.text import clean

State = Literal["good", "doubtful", "broken"]
_LOOKS = {"good": ("✓", "$success"), "doubtful": ("!", "$warning"), "broken": ("✗", "$error")}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `mend` says what to do, "" when all is well."""

    name: str
    state: str
    found: str
    mend: str = ""


class Examination:
    """The running process. `end` may be called from any thread."""

    def __init__(self, root: Path, command: tuple[str, ...] = ()) -> None:
        self._command = command or (
            *(sys.executable, "-P", "-m", "engine", "doctor", "--json"),
            *("--workspace", str(root)),
        )
        self._process: subprocess.Popen[str] | None = None
        self._ended = False

    def findings(self) -> Iterator[Finding]:
        """Each finding as soon as it is made.

        Raises:
            OSError: the process cannot be started.
        """
        with subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as process:
            self._process = process
            if self._ended:
                process.kill()
            found = 0
            for line in process.stdout or ():
                finding = _finding(line)
                if finding is not None:
                    found += 1
                    yield finding
            said = process.stderr.read() if process.stderr is not None else ""
            code = process.wait()
            if code not in (0, 1) and not self._ended:
                last = (said.strip().splitlines() or [f"it ended with {code}"])[-1]
                yield Finding(
                    "doctor",
                    "broken",
                    f"It did not get to its end: {clean(last)}",
                    "Run it in a terminal: swapdeck doctor",
                )

    def end(self) -> None:
        """End the process, if it runs."""
        self._ended = True
        if self._process is not None and self._process.poll() is None:
            self._process.kill()


def _finding(line: str) -> Finding | None:
    try:
        said = json.loads(line)
        name, state, found, mend = (
            clean(said.get(part, "")) for part in ("name", "state", "found", "mend")
        )
        return Finding(name, state, found, mend) if name and state else None
    except (ValueError, AttributeError):
        return None


def finding_lines(findings: tuple[Finding, ...]) -> list[Content]:
    """What is to be mended comes first, each with what to do."""
    order = {"broken": 0, "doubtful": 1}
    shown = sorted(findings, key=lambda finding: order.get(finding.state, 2))
    lines = []
    for finding in shown:
        glyph, colour = _LOOKS.get(finding.state, ("?", "$warning"))
        state = Content.styled(f"{glyph} {finding.state:<9}", colour)
        lines.append(Content.assemble(state, (f"{finding.name}  ", "bold"), finding.found))
        if finding.mend:
            lines.append(Content.assemble(("            → ", "$quiet"), finding.mend))
    return lines
