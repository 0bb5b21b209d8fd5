"""`swapdeck jobs`: what it lists, takes away, prints, and how it leaves what it watches."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from engine.bench import jobs as bench
from engine.cli.app import run
from projects.jobs import create_job, list_jobs, request, state, write_exit
from projects.notices import notify_path
from projects.workspace import Workspace
from tests.engine.running import LOOP, UNTIL_SAVE

Cli = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def cli(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a verb with --json; its exit code and the objects on stdout."""

    def call(*words: str) -> tuple[int, list[dict[str, Any]]]:
        capsys.readouterr()
        code = run(["--workspace", str(workspace.root), *words, "--json"])
        return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return call


@pytest.fixture
def some(workspace: Workspace) -> list[str]:
    """Four jobs: one done, one failed, one stopped, and one that nobody has started."""
    made = []
    for verb, subject, code in (
        ("extract", "ada", 0),
        ("train", "a-as-b", 1),
        ("train", "b-as-a", 130),
        ("convert", "a-as-b", None),
    ):
        job = create_job(workspace, verb, subject, {})
        if code is not None:
            write_exit(job, code, "Because.")
        made.append(job.id)
    return made


@pytest.mark.parametrize(
    ("words", "which"),
    [
        ([], [0, 1, 2, 3]),
        (["--running"], [3]),
        (["--failed"], [1]),
        (["--state", "done", "--state", "stopped"], [0, 2]),
        (["--verb", "train"], [1, 2]),
        (["--on", "a-as-b"], [1, 3]),
        (["--newest", "2"], [2, 3]),
        (["--verb", "train", "--newest", "1"], [2]),
    ],
)
def test_the_list_can_be_narrowed(
    cli: Cli, some: list[str], words: list[str], which: list[int]
) -> None:
    code, rows = cli("jobs", "list", *words)
    assert code == 0
    assert [row["job"] for row in rows] == [some[i] for i in which]


def test_a_row_says_how_it_ended_and_when(cli: Cli, some: list[str]) -> None:
    row = cli("jobs", "list")[1][1]
    assert (row["state"], row["exit_code"], row["detail"]) == ("failed", 1, "Because.")
    assert row["ended"] and row["ended_at"].startswith("20") and row["took"].endswith(" s")


def test_a_job_that_is_silent_is_stalled_and_still_runs(
    cli: Cli, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from projects import jobstate

    monkeypatch.setattr(jobstate, "SILENT_AFTER", -1.0)
    start(LOOP).hear("began")
    row = cli("jobs", "list")[1][0]
    assert row["state"] == "running" and row["stalled"]
    assert row["detail"].startswith("Stalled: nothing was heard of it for ")


def test_cleaning_says_what_goes_first_and_leaves_what_lives(
    cli: Cli, some: list[str], workspace: Workspace
) -> None:
    assert cli("jobs", "clean")[1][0]["jobs"] == []  # none is thirty days old
    dry = cli("jobs", "clean", "--all", "--dry-run")[1][0]
    assert dry["jobs"] == some[:3] and dry["bytes"] > 0 and not dry["deleted"]
    assert len(list_jobs(workspace)) == 4
    assert cli("jobs", "clean", "--all")[0] == 2  # nobody can be asked
    assert cli("jobs", "clean", "--all", "--failed", "--yes")[1][0]["jobs"] == some[1:2]
    assert cli("jobs", "clean", "--older-than", "0m", "--yes")[0] == 0
    assert [job.id for job in list_jobs(workspace)] == some[3:]


@pytest.mark.parametrize("age", ["soon", "3", "-1d", "1y"])
def test_an_age_that_cannot_be_is_refused(cli: Cli, age: str) -> None:
    code, [said] = cli("jobs", "clean", "--older-than", age)
    assert code == 2 and "12h, 30d or 2w" in said["error"]


def test_stopping_says_how_many_others_end_with_it(
    start: Any, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    first = start(LOOP)
    start('say("never")', "convert", after=first.job.id)
    words = ["--workspace", str(workspace.root), "jobs", "stop", first.job.id, "--wait"]
    assert run(words) == 0
    assert "stopped; 1 job that would follow will not begin" in capsys.readouterr().out
    assert [state(job).name for job in list_jobs(workspace)] == ["stopped", "stopped"]


def test_the_log_is_followed_to_the_end(start: Any, cli: Cli) -> None:
    running = start(f'print("one"); say("told")\n{dedent(UNTIL_SAVE)}\nprint("two", end="")')
    running.hear("began")
    running.hear("told")
    assert cli("jobs", "log", running.job.id)[1] == [{"line": "one"}]
    request(running.job, "save")
    code, lines = cli("jobs", "log", "--follow", running.job.id)
    assert code == 0 and [line["line"] for line in lines] == ["one", "two"]
    assert cli("jobs", "log", "-n", "1", running.job.id)[1] == [{"line": "two"}]


def test_a_failed_job_shows_the_end_of_its_log_before_the_sentence(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    job = create_job(workspace, "train", "a-as-b", {})
    job.output_path.write_text("".join(f"line {n}\x1b[2J\n" for n in range(50)))
    write_exit(job, 1, "The work failed.")
    assert run(["--workspace", str(workspace.root), "jobs", "attach", job.id]) == 1
    said = capsys.readouterr().err.splitlines()
    assert "output.log" in said[0]
    assert said[1:] == [*(f"  line {n}" for n in range(40, 50)), "swapdeck: The work failed."]


def test_an_orphan_is_adopted_and_nothing_else_is(cli: Cli, start: Any) -> None:
    running = start(LOOP)
    running.hear("began")
    code, [said] = cli("jobs", "adopt", running.job.id)
    assert code == 2 and "is no orphan: it is running" in said["error"]
    os.kill(running.pids()[0], signal.SIGKILL)
    running.wait_for_supervisor()
    code, [row] = cli("jobs", "adopt", running.job.id)
    assert code == 0 and row["state"] == "running"


def test_a_retry_is_started_and_named(cli: Cli, workspace: Workspace) -> None:
    job = create_job(workspace, "no-such-verb", "x", {})
    write_exit(job, 1, "Because.")
    code, [said] = cli("jobs", "retry", job.id)
    assert code == 0 and said["retry_of"] == job.id
    rows = cli("jobs", "list")[1]
    assert rows[0]["retried_as"] == rows[1]["job"] == said["job"]
    assert f"Retried as {said['job']}" in rows[0]["detail"]


def test_only_a_training_is_asked_to_save_and_to_draw(
    cli: Cli, start: Any, workspace: Workspace
) -> None:
    running = start(LOOP)
    running.hear("began")
    assert cli("jobs", "save", running.job.id)[1] == [{"job": running.job.id, "asked": "save"}]
    running.hear("saved")
    convert = create_job(workspace, "convert", "a-as-b", {})
    code, [said] = cli("jobs", "preview", convert.id)
    assert code == 2 and "is no training" in said["error"]


class Watcher:
    """`swapdeck jobs attach` on a terminal of its own."""

    def __init__(self, workspace: Workspace, job: str, verb: str = "attach") -> None:
        self._ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "engine", "--workspace", str(workspace.root)]
        self.process = subprocess.Popen(
            [*command, "jobs", verb, job],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""

    def until(self, words: str) -> None:
        while words not in self.seen:
            self.seen += self._read()

    def _read(self) -> str:
        try:
            return os.read(self._ours, 65536).decode(errors="replace")
        except OSError:  # what Linux says when nobody has the other end open any more
            raise AssertionError(f"it ended after: {self.seen}") from None

    def end(self) -> int:
        """Its exit code."""
        try:
            while True:
                self.seen += self._read()
        except AssertionError:
            os.close(self._ours)
            return self.process.wait()


def test_two_terminals_watch_one_job_and_one_can_leave_it(start: Any, workspace: Workspace) -> None:
    running = start(LOOP)
    running.hear("began")
    first, second = (Watcher(workspace, running.job.id) for _ in range(2))
    for watcher in (first, second):
        watcher.until("Ctrl-C leaves it running.")
        watcher.until("loss 1.0000")
    first.process.send_signal(signal.SIGINT)
    assert first.end() == 130
    assert f"Left {running.job.id}, which goes on" in first.seen
    assert state(running.job).name == "running"
    second.process.kill()  # and a watcher that is killed harms nothing either
    second.end()
    request(running.job, "save")
    running.hear("saved")
    assert state(running.job).name == "running"


def test_ctrl_backslash_leaves_what_one_has_started(start: Any, workspace: Workspace) -> None:
    running = start(LOOP)
    running.hear("began")
    script = (
        "import sys; from pathlib import Path\n"
        "from engine.cli.follow import Interrupts, watch\n"
        "from engine.cli.session import Session\n"
        "from projects.jobs import load_job\n"
        "with Interrupts() as interrupts:\n"
        "    print('ready', flush=True)\n"
        "    watch(Session(), load_job(Path(sys.argv[1])), interrupts)\n"
    )
    watcher = subprocess.Popen(
        [sys.executable, "-c", script, str(running.job.root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert watcher.stdout is not None and watcher.stdout.readline() == "ready\n"
    watcher.send_signal(signal.SIGQUIT)
    assert "which goes on: swapdeck jobs attach" in watcher.communicate()[1]
    assert state(running.job).name == "running"


def test_the_terminals_that_watch_ring_when_a_long_job_ends(
    start: Any, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    notify_path().parent.mkdir()
    notify_path().write_text("version = 1\n[notify]\nafter = 0\n")
    running = start(UNTIL_SAVE)
    watchers = [Watcher(workspace, running.job.id) for _ in range(2)]
    for watcher in watchers:
        watcher.until("Ctrl-C leaves it running.")
    request(running.job, "save")
    for watcher in watchers:
        assert watcher.end() == 0
        assert "\a\x1b]9;swapdeck: train ada-as-ben is done\x1b\\" in watcher.seen
    late = Watcher(workspace, running.job.id)  # it is no news any more
    assert late.end() == 0 and "\a" not in late.seen


def test_the_bench_measures_finished_jobs(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "REPEATS", 1)
    bench.fill(workspace, 3)
    assert [state(job).name for job in list_jobs(workspace)] == ["done"] * 3
    assert bench.run(2)[0].what == "listed, each with its state"
