"""What is told when a long job has ended, and that the telling harms nothing."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from projects import notices
from projects.errors import SwapdeckError
from projects.jobs import create_job, write_exit
from projects.notices import Notify, facts, notify_path, read_notify, ringing, run_command
from projects.workspace import Workspace
from tests.engine.running import LOOP


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the person's own settings would be."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = notify_path()
    path.parent.mkdir(parents=True)
    return path


def write(path: Path, script: str, after: float = 0) -> None:
    command = json.dumps([sys.executable, "-c", script])
    path.write_text(f"version = 1\n[notify]\nafter = {after}\ncommand = {command}\n")


def test_without_a_file_terminals_ring_after_a_minute(settings: Path) -> None:
    assert read_notify() == Notify(after=60.0, bell=True, command=())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[notify]\ncommand = "rm -rf /"', "is a list of texts"),
        ("[notify]\ncommand = [1]", "is a list of texts"),
        ('[notify]\nafter = "soon"', "is a number of seconds"),
        ("[notify]\nafter = -1", "is a number of seconds"),
        ("[notify]\nbell = 1", "is true or false"),
        ("[notify]\nsound = true", "after, bell, command"),
        ("notify = 3", "after, bell, command"),
        ("[notify", "not valid TOML"),
    ],
)
def test_what_cannot_be_set_is_said(settings: Path, text: str, words: str) -> None:
    settings.write_text(f"version = 1\n{text}\n" if text != "notify = 3" else f"version=1\n{text}")
    with pytest.raises(SwapdeckError, match=words):
        read_notify()


def test_a_bell_carries_no_other_escape_sequences() -> None:
    assert ringing("train \x1b[2J\x07\x1b\\x is done").count("\x1b") == 2


def test_a_command_is_told_of_the_job_once_it_has_ended(
    start: Any, settings: Path, tmp_path: Path
) -> None:
    told = tmp_path / "told.json"
    write(
        settings,
        "import json, os\n"
        "found = {k: v for k, v in os.environ.items() if k.startswith('SWAPDECK_')}\n"
        "found['there'] = os.path.exists(found['SWAPDECK_FOLDER'] + '/exit.json')\n"
        f"with open({str(tmp_path / 'part')!r}, 'w') as file: json.dump(found, file)\n"
        f"os.rename({str(tmp_path / 'part')!r}, {str(told)!r})\n",
    )
    running = start('raise SwapdeckError("No face was found; $(reboot)")')
    while not told.exists():
        pass
    found = json.loads(told.read_text())
    assert found["there"]
    assert found["SWAPDECK_JOB"] == running.job.id
    assert found["SWAPDECK_STATE"] == "failed"
    assert found["SWAPDECK_REASON"] == "No face was found; $(reboot)"
    assert found["SWAPDECK_SENTENCE"] == "swapdeck: train ada-as-ben failed"
    assert (found["SWAPDECK_VERB"], found["SWAPDECK_SUBJECT"]) == ("train", "ada-as-ben")


def test_of_a_chain_only_the_end_is_told(
    workspace: Workspace, settings: Path, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    write(settings, f"open({str(told)!r}, 'a').write('x')")
    first = create_job(workspace, "train", "a-as-b", {})
    second = create_job(workspace, "convert", "a-as-b", {}, after=first.id)
    write_exit(first, 0, "Done.")
    run_command(first, 100)
    assert not told.exists()
    write_exit(second, 1, "It did not begin.", because=first.id)
    run_command(second, 100)
    assert not told.exists()
    run_command(first, 100)
    assert told.read_text() == "x"


def test_a_short_job_is_not_told(workspace: Workspace, settings: Path, tmp_path: Path) -> None:
    write(settings, f"open({str(tmp_path / 'told')!r}, 'w')", after=60)
    job = create_job(workspace, "train", "a-as-b", {})
    write_exit(job, 0, "Done.")
    run_command(job, 59)
    assert not (tmp_path / "told").exists()
    run_command(job, 61)
    assert (tmp_path / "told").exists()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("raise SystemExit(7)", "ended with status 7"),
        ("import signal; signal.pause()", "was ended after"),
    ],
)
def test_a_command_that_fails_or_hangs_harms_nothing(
    workspace: Workspace,
    settings: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    script: str,
    words: str,
) -> None:
    monkeypatch.setattr(notices, "PATIENCE", 20.0 if "status" in words else 0.2)
    write(settings, script)
    job = create_job(workspace, "train", "a-as-b", {})
    write_exit(job, 0, "Done.")
    run_command(job, 100)
    assert words in capfd.readouterr().err


@pytest.mark.parametrize("text", ['command = ["/no/such/program"]', 'command = ["a\\u0000b"]'])
def test_a_command_that_is_not_there_is_named_in_the_log(
    start: Any, settings: Path, text: str
) -> None:
    settings.write_text(f"version = 1\n[notify]\nafter = 0\n{text}\n")
    running = start("pass")
    running.wait_for_supervisor()
    while "did not do it" not in running.output():
        pass


def test_a_subject_with_a_null_byte_can_still_be_told(workspace: Workspace) -> None:
    job = create_job(workspace, "train", "a\0b", {})
    assert "\0" not in facts(job, 1.0)["SWAPDECK_SUBJECT"]


def test_nobody_is_told_while_it_runs(start: Any, settings: Path, tmp_path: Path) -> None:
    write(settings, f"open({str(tmp_path / 'told')!r}, 'w')")
    start(LOOP).hear("began")
    assert not (tmp_path / "told").exists()
