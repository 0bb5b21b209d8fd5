"""Starting the command line: what it imports, how it fails, what it does without a verb."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from engine.cli import app
from engine.cli.app import VERBS, cli

HEAVY = ("jax", "cv2", "dlib", "av", "flax", "numpy", "matplotlib", "textual", "rich", "tui")


def test_help_brings_in_nothing_that_does_the_work() -> None:
    script = (
        "import sys\nfrom engine.cli.app import run\ncode = run(['--help'])\n"
        f"found = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(str(found) if found or code else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for verb in ("demo", "person", "gather", "extract", "faces", "train", "convert", "doctor"):
        assert verb in done.stdout


def test_no_verb_becomes_the_dashboard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, command: called.append(command))
    app.run(["--workspace", str(tmp_path)])
    assert called == [[sys.executable, "-m", "tui", "--workspace", str(tmp_path)]]


def test_a_fault_of_ours_is_a_sentence_with_a_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("projects.workspace.open_workspace", fail)
    assert app.run(["person", "list"]) == 1
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    [log] = tmp_path.glob("swapdeck-*.log")
    assert str(log) in printed.err
    assert "ZeroDivisionError" in log.read_text()


def test_ctrl_c_is_130_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("projects.workspace.open_workspace", interrupted)
    assert app.run(["person", "list"]) == 130
    assert capsys.readouterr().err.strip().startswith("swapdeck: Interrupted")


def test_the_dashboards_options_reach_it_and_belong_to_no_verb(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, command: called.append(command))
    app.run(["--theme", "nord", "--readonly", "--low-bandwidth"])
    assert called[0][3:] == ["--readonly", "--low-bandwidth", "--theme", "nord"]
    assert app.run(["--readonly", "jobs", "list"]) == 2
    assert "--readonly is for the dashboard" in capsys.readouterr().err


@pytest.mark.parametrize("name", VERBS)
def test_each_verb_is_where_the_table_says(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None and command.name == name and command.get_short_help_str()


def test_a_verb_starts_without_the_others() -> None:
    script = (
        "import sys; from engine.cli.app import run\n"
        "run(['jobs', '--help'])\n"
        "sys.stderr.write(' '.join(m for m in sys.modules if m.startswith('engine.cli.')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.split())
    assert "engine.cli.jobs" in loaded and not loaded & {"engine.cli.gather", "engine.cli.people"}
