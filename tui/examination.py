"""`swapdeck doctor`, run as a process of its own, finding by finding.

The engine alone knows the devices and the codecs, and the dashboard never loads it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from textual.content import Content

from tui.engine import EngineFailedError, EngineProcess, engine_command
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


class Examination(EngineProcess):
    """The examination's process."""

    def __init__(self, root: Path, command: tuple[str, ...] = ()) -> None:
        usual = engine_command("doctor", "--json", "--workspace", str(root))
        super().__init__(command or usual)

    def findings(self) -> Iterator[Finding]:
        """Each finding as soon as it is made.

        Raises:
            OSError: the process cannot be started.
        """
        try:
            for line in self.lines(expected=(0, 1)):  # 1: something is to be mended
                finding = _finding(line)
                if finding is not None:
                    yield finding
        except EngineFailedError as error:
            yield Finding(
                "doctor",
                "broken",
                f"It did not get to its end: {error}",
                "Run it in a terminal: swapdeck doctor",
            )


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
