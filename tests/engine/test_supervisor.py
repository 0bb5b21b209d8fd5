"""A job's supervisor and worker as real processes; `running` says how they tell where they are."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from projects.errors import CommandError
from projects.jobs import create_job, kill, launch, read_events, request, state
from projects.workspace import Workspace
from tests.engine.running import DEAF, LOOP, SUPERVISOR, kinds, script_of


def test_a_job_runs_to_its_end_apart_from_its_starter(start: Any) -> None:
    running = start('reporter.event("result", steps=arguments["steps"], root=workspace.root)')
    running.wait_for_supervisor()
    found = state(running.job)
    assert (found.name, found.exit_code) == ("done", 0)
    assert kinds(running.job) == ["started", "result", "ended"]
    events = read_events(running.job)[0]
    assert events[0]["title"] == "train ada-as-ben"
    assert events[1]["steps"] == 3
    assert [event["seq"] for event in events] == [1, 2, 3]


def test_a_running_job_has_a_session_of_its_own_and_is_running(start: Any) -> None:
    running = start(LOOP)
    running.hear("began")
    supervisor, worker = running.pids()
    assert state(running.job).name == "running"
    assert os.getsid(supervisor) == os.getsid(worker) == supervisor != os.getsid(0)


def test_stop_pause_save_and_resume_are_answered(start: Any) -> None:
    running = start(LOOP)
    running.hear("began")
    request(running.job, "save")
    running.hear("saved")
    request(running.job, "pause")
    while state(running.job).name != "paused":
        os.sched_yield()
    request(running.job, "save")
    request(running.job, "resume")
    running.hear("saved")
    assert state(running.job).name == "running"
    request(running.job, "stop")
    running.wait_for_supervisor()
    found = state(running.job)
    assert (found.name, found.exit_code) == ("stopped", 130)
    answers = [e["what"] for e in read_events(running.job)[0] if e["kind"] == "request"]
    assert answers == ["save", "pause", "resume", "save", "stop"]
    assert kinds(running.job)[-1] == "ended"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("whom", [0, 1])
def test_a_signal_to_either_process_stops_the_work(
    start: Any, number: signal.Signals, whom: int
) -> None:
    running = start(LOOP)
    running.hear("began")
    os.kill(running.pids()[whom], number)
    running.wait_for_supervisor()
    assert state(running.job).exit_code == 130
    assert "Traceback" not in running.output()


def test_a_job_that_is_stopped_before_its_start_never_begins(workspace: Workspace) -> None:
    job = create_job(workspace, "train", "ada-as-ben", {})
    request(job, "stop")
    assert state(job).name == "stopped" and "before it began" in state(job).detail
    with pytest.raises(CommandError, match="has ended"):
        launch(job)


@pytest.mark.parametrize(
    ("work", "code", "sentence"),
    [
        ('raise SwapdeckError("No face was found. Try --every 1.")', 1, "No face was found."),
        ('raise CommandError("There is no such swap.")', 2, "There is no such swap."),
        ('raise RefusedError("The consent was withdrawn.")', 3, "The consent was withdrawn."),
        ("raise MemoryError", 1, "memory is used up"),
        ("raise OSError(28, 'No space left on device')", 1, "The disk is full"),
        ("raise RuntimeError('RESOURCE_EXHAUSTED: out of memory')", 1, "device's memory"),
        ("{}['a\\\\x1b[2J']", 1, "fault in swapdeck (KeyError"),
        ("raise SystemExit(0)", 1, "fault in swapdeck (SystemExit"),
        ("raise KeyboardInterrupt", 130, "Stopped as asked"),
    ],
)
def test_however_the_work_fails_it_ends_with_one_sentence(
    start: Any, work: str, code: int, sentence: str
) -> None:
    running = start(work)
    running.wait_for_supervisor()
    found = state(running.job)
    assert found.exit_code == code
    assert sentence in found.detail
    assert "Traceback" not in found.detail and found.detail.isprintable()
    assert "Traceback" not in running.job.events_path.read_text()
    assert read_events(running.job)[0][-1]["reason"] == found.detail


def test_the_traceback_of_a_fault_is_in_the_log(start: Any) -> None:
    running = start("raise ValueError('unforeseen')")
    running.wait_for_supervisor()
    assert "Traceback" in running.output() and "ValueError: unforeseen" in running.output()


def test_work_that_filled_the_disk_still_says_so(start: Any) -> None:
    running = start(
        """
    def full(*values):
        raise OSError(28, "No space left on device")
    os.fsync = os.write = full
    reporter.event("warning", text="this does not fit")
    """
    )
    running.wait_for_supervisor()
    found = state(running.job)
    assert (found.name, found.exit_code) == ("failed", 1)
    assert found.detail.startswith("The disk is full: ")
    assert not running.job.exit_path.exists()


def test_a_worker_that_is_killed_is_accounted_for_by_its_supervisor(start: Any) -> None:
    running = start(LOOP)
    running.hear("began")
    os.kill(running.pids()[1], signal.SIGKILL)
    running.wait_for_supervisor()
    found = state(running.job)
    assert (found.name, found.exit_code) == ("failed", 137)
    assert "killed" in found.detail and "memory" in found.detail
    last = read_events(running.job)[0][-1]
    assert (last["kind"], last["code"]) == ("ended", 137)


def test_a_worker_that_crashes_is_accounted_for_too(start: Any) -> None:
    running = start("os.kill(os.getpid(), signal.SIGSEGV)")
    running.wait_for_supervisor()
    found = state(running.job)
    assert found.exit_code == 139 and "crashed (Segmentation fault)" in found.detail
    assert "Fatal Python error" in running.output()


def test_a_worker_that_leaves_without_a_word_has_failed(start: Any) -> None:
    running = start("os._exit(0)")
    running.wait_for_supervisor()
    assert state(running.job).exit_code == 1
    assert "did not say why" in state(running.job).detail


def test_without_its_supervisor_a_worker_is_an_orphan_that_still_ends_well(start: Any) -> None:
    running = start(LOOP)
    running.hear("began")
    os.kill(running.pids()[0], signal.SIGKILL)
    running.wait_for_supervisor()
    assert state(running.job).name == "orphaned"
    request(running.job, "stop")
    running.wait_for_worker()
    assert state(running.job).name == "stopped"


def test_when_both_are_killed_the_job_has_crashed(start: Any) -> None:
    running = start(LOOP)
    running.hear("began")
    for pid in running.pids():
        os.kill(pid, signal.SIGKILL)
    running.wait_for_supervisor()
    running.wait_for_worker()
    while state(running.job).name == "orphaned":  # until the kernel has let go of it
        os.sched_yield()
    assert state(running.job).name == "crashed"
    assert not running.job.exit_path.exists()


def test_kill_lets_work_that_listens_end_by_itself(start: Any) -> None:
    running = start(LOOP)
    running.hear("began")
    kill(running.job, grace=30)
    assert state(running.job).exit_code == 130


def test_kill_ends_work_that_does_not_listen(start: Any) -> None:
    running = start(DEAF)
    running.hear("began")
    running.hear("deaf")
    kill(running.job, grace=0.05)
    found = state(running.job)
    assert (found.name, found.exit_code) == ("failed", 137)
    assert "killed on request" in found.detail


def test_kill_ends_an_orphan(start: Any) -> None:
    running = start(DEAF)
    running.hear("began")
    running.hear("deaf")
    os.kill(running.pids()[0], signal.SIGKILL)
    running.wait_for_supervisor()
    kill(running.job, grace=0.05)
    assert state(running.job).exit_code == 137


def test_a_job_runs_once_only(start: Any) -> None:
    running = start(LOOP)
    running.hear("began")
    with pytest.raises(CommandError, match="runs already"):
        launch(running.job)
    assert state(running.job).name == "running"


def test_closing_the_terminal_does_not_stop_the_work(workspace: Workspace) -> None:
    job = create_job(workspace, "train", "ada-as-ben", {})
    os.mkfifo(job.root / "pipe")
    keep = os.open(job.root / "pipe", os.O_RDWR)
    script = (
        "import sys, pathlib\n"
        "from projects.jobs import launch, load_job\n"
        "command = [sys.executable, '-c', sys.argv[2], sys.argv[3]]\n"
        "launch(load_job(pathlib.Path(sys.argv[1])), command=command)\n"
        "input()\n"
    )
    sources = [textwrap.dedent(SUPERVISOR), script_of(LOOP)]
    command = [sys.executable, "-c", script, str(job.root), *sources]
    ours, theirs = pty.openpty()
    starter = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, 0x540E, 0),  # TIOCSCTTY: its controlling terminal
    )
    os.close(theirs)
    with open(job.root / "pipe", encoding="utf-8") as words:  # noqa: PTH123
        assert words.readline() == "began\n"
        os.close(ours)  # the terminal hangs up: SIGHUP to all that belong to it
        assert starter.wait() != 0
        assert state(job).name == "running"
        request(job, "save")
        assert words.readline() == "saved\n"
        os.close(keep)
        request(job, "stop")
        words.read()
    with job.lock_path.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
    assert state(job).name == "stopped"


def test_the_supervisor_imports_nothing_heavy() -> None:
    script = (
        "import sys, engine.supervisor\n"
        "heavy = {'numpy', 'jax', 'cv2', 'av', 'dlib', 'textual', 'rich', 'tomlkit'}\n"
        "sys.stdout.write(' '.join(heavy & sys.modules.keys()))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert answer.stdout == ""


def test_the_worker_dispatches_to_the_verbs(workspace: Workspace) -> None:
    job = create_job(workspace, "no-such-verb", "x", {})
    launch(job)
    with job.lock_path.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
    assert state(job).name == "failed"
    assert kinds(job)[-1] == "ended"
