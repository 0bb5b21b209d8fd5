"""The packages keep apart: engine and tui meet only in the files that `projects` defines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = {"jax", "jaxlib", "flax", "cv2", "dlib", "av", "matplotlib", "numpy", "PIL"}


def loaded(statement: str) -> set[str]:
    """The top-level modules in a fresh interpreter after it ran `statement`."""
    script = f"{statement}\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "KEPT" in done.stdout


def test_the_dashboard_loads_neither_the_engine_nor_what_it_works_with() -> None:
    assert not loaded("import tui.app, tui.reading, tui.__main__") & (HEAVY | {"engine"})


def test_projects_is_plain_files() -> None:
    names = sorted(path.stem for path in (ROOT / "projects").glob("*.py"))
    imports = "import " + ", ".join(f"projects.{name}" for name in names if name != "__init__")
    assert not loaded(imports) & (HEAVY | {"engine", "tui", "textual", "rich", "click"})


@pytest.mark.parametrize("arguments", (["--help"], ["train", "--help"], ["jobs", "--help"]))
def test_help_loads_no_engine_room(arguments: list[str]) -> None:
    run = (
        "import sys\n"
        f"sys.argv = ['swapdeck', *{arguments!r}]\n"
        "import engine.__main__\n"
        "try:\n"
        "    engine.__main__.main()\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
    )
    assert not loaded(run) & (HEAVY | {"textual", "tui"})


def test_the_supervisor_is_light() -> None:
    assert not loaded("import engine.supervisor") & (HEAVY | {"textual", "tui"})
