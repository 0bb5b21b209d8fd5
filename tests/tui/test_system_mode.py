"""System: the machine's figures, and what the doctor, a process of its own, finds."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tui import machine
from tui.app import Dashboard
from tui.examination import Examination

from .conftest import press, screen_text
from .workspaces import empty

Open = Callable[[], Dashboard]

CHECKS = (
    {"name": "python", "state": "good", "found": "3.11.9", "mend": ""},
    {"name": "disk", "state": "broken", "found": "0.1 GB free [b]", "mend": "Free some space."},
)


def saying(*lines: str, code: int = 0, error: str = "") -> tuple[str, ...]:
    script = (
        f"import sys; print({chr(10).join(lines)!r}); sys.stderr.write({error!r}); exit({code})"
    )
    return (sys.executable, "-c", script)


async def test_the_doctor_runs_when_asked_and_what_is_to_mend_comes_first(
    root: Path, dashboard: Open
) -> None:
    empty(root)
    app = dashboard()
    app.doctor = saying(*map(json.dumps, CHECKS), "no finding", code=1)
    async with app.run_test(size=(140, 30)) as pilot:
        await press(pilot, "5")
        text = screen_text(pilot)
        assert "looks at devices" in text
        assert "processors" in text
        await press(pilot, "D")
        text = screen_text(pilot)
        assert text.index("0.1 GB free [b]") < text.index("3.11.9")
        assert "→ Free some space." in text
        assert "D Doctor" in text.splitlines()[-1]


async def test_a_doctor_that_breaks_down_says_what_to_do(root: Path, dashboard: Open) -> None:
    empty(root)
    app = dashboard()
    app.doctor = saying(error="ImportError: libGL is missing", code=3)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "5", "D")
        text = screen_text(pilot)
        assert "ImportError: libGL is missing" in text
        assert "swapdeck doctor" in text
        app.doctor = ("/no/such/program",)
        await press(pilot, "D")
        assert "It cannot be started" in screen_text(pilot)


def test_an_examination_ends_with_the_dashboard(tmp_path: Path) -> None:
    line = json.dumps(CHECKS[0])
    script = f"import time; print({line!r}, flush=True); time.sleep(600)"
    examination = Examination(tmp_path, (sys.executable, "-c", script))
    findings = examination.findings()
    assert next(findings).name == "python"
    examination.end()
    assert list(findings) == []


def test_cards_are_told_with_their_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        "#!/bin/sh\necho 'NVIDIA H200, 2048, 143771, 97, 61'\necho 'Odd, [N/A], 1, 0, 2'\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    machine._asked_cards.cache_clear()
    shown = machine._graphics()
    machine._asked_cards.cache_clear()
    assert shown[0] == ("graphics", "NVIDIA H200: 2.1 GB of 151 GB used, 97 % busy, 61 °C")
    assert shown[1] == ("", "Odd: memory unknown, 0 % busy, 2 °C")
