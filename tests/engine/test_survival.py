"""What a job outlives, and what is said of it when it does not: hang-ups, kills, a reboot, a full
disk. See also `test_supervisor`, `test_chains` and `test_turns`."""

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.bench.terminal import Terminal
from projects.errors import CommandError
from projects.jobchain import retry
from projects.joblock import lock_part
from projects.jobs import (
    EventLog,
    create_job,
    holding_lock,
    is_held,
    kill,
    load_job,
    read_events,
    record_processes,
    request,
    state,
)
from projects.people import add_person
from projects.processes import identify, is_alive, to_record
from projects.workspace import Workspace
from tests.engine.running import LOOP, SUPERVISOR, Running, not_for_ever, script_of


def test_a_hang_up_of_either_process_changes_nothing(start: Any) -> None:
    running = start(LOOP)
    running.hear("began")
    for pid in running.pids():
        os.kill(pid, signal.SIGHUP)
    request(running.job, "save")
    running.hear("saved")
    assert state(running.job).name == "running"


def test_the_end_of_all_that_started_it_changes_nothing(workspace: Workspace) -> None:
    job = create_job(workspace, "train", "ada-as-ben", {})
    os.mkfifo(job.root / "pipe")
    keep = os.open(job.root / "pipe", os.O_RDWR)
    script = (
        "import sys, pathlib, signal\n"
        "from projects.jobs import launch, load_job\n"
        "command = [sys.executable, '-c', sys.argv[2], sys.argv[3]]\n"
        "launch(load_job(pathlib.Path(sys.argv[1])), command=command)\n"
        "signal.pause()\n"
    )
    sources = [textwrap.dedent(SUPERVISOR), script_of(LOOP)]
    command = [sys.executable, "-c", script, str(job.root), *sources]
    starter = subprocess.Popen(command, start_new_session=True)
    with not_for_ever(), open(job.root / "pipe", encoding="utf-8") as words:  # noqa: PTH123
        assert words.readline() == "began\n"
        os.killpg(starter.pid, signal.SIGKILL)
        starter.wait()
        request(job, "save")
        assert words.readline() == "saved\n"
        os.close(keep)
        request(job, "stop")
        words.read()
        while state(job).name != "stopped":
            os.sched_yield()


def test_two_dashboards_show_it_and_their_ends_change_nothing(
    start: Any, workspace: Workspace, tmp_path: Path
) -> None:
    add_person(workspace, "Anna", None)
    running = start(LOOP)
    running.hear("began")
    with Terminal(workspace.root, tmp_path) as first, Terminal(workspace.root, tmp_path) as second:
        for dashboard in (first, second):
            dashboard.read_until(b"Anna")
            dashboard.type(b"3")
            dashboard.read_until(b"running")
        first.process.kill()
        second.process.send_signal(signal.SIGHUP)
        second.settle()
        for dashboard in (first, second):
            dashboard.process.wait(30)
    request(running.job, "save")
    running.hear("saved")
    assert state(running.job).name == "running"


def test_after_a_reboot_it_has_crashed_nothing_is_killed_and_a_retry_goes_on(
    workspace: Workspace,
) -> None:
    job = create_job(workspace, "train", "ada-as-ben", {"steps": 3})
    me = identify(os.getpid())
    assert me is not None
    before = replace(me, boot="00000000-0000-0000-0000-000000000000")
    record = {"version": 1, "supervisor": to_record(before), "worker": to_record(before)}
    job.lock_path.write_bytes(lock_part(record) + lock_part({}))
    with job.events_path.open("w") as file:
        file.write('{"seq":1,"at":1.0,"kind":"started","title":"x"}\n{"seq":2,"at":1.0,"ki')
    assert is_alive(me) and not is_alive(before)
    found = state(job)
    assert found.name == "crashed" and "swapdeck jobs retry" in found.detail
    with pytest.raises(CommandError, match="does not run"):
        kill(job)
    with pytest.raises(CommandError, match="has crashed"):
        request(job, "stop")
    again: list[Running] = []
    with not_for_ever():
        made = retry(workspace, job, lambda one: again.append(Running(one, "pass")))
        again[0].wait_for_supervisor()
        again[0].close()
    assert state(made[0]).name == "done" and made[0].retry_of == job.id


def test_a_chain_that_waited_over_a_reboot_goes_on_as_a_chain(workspace: Workspace) -> None:
    first = create_job(workspace, "train", "ada-as-ben", {})
    second = create_job(workspace, "convert", "ada-as-ben", {}, after=first.id)
    gone = {"pid": os.getpid(), "started": "1", "boot": "another"}
    for job, worker, waits in ((first, gone, ""), (second, None, "It begins when …")):
        record = {"version": 1, "supervisor": gone, "worker": worker, "waits": waits}
        job.lock_path.write_bytes(lock_part(record) + lock_part({}))
    assert [state(job).name for job in (first, second)] == ["crashed", "crashed"]
    assert "nothing had begun" in state(second).detail
    made = retry(workspace, second, lambda job: None)
    assert [job.verb for job in made] == ["train", "convert"]
    assert made[1].after == made[0].id


def test_a_line_that_was_torn_by_a_kill_costs_only_itself(start: Any) -> None:
    running = start(LOOP)
    running.hear("began")
    os.kill(running.pids()[0], signal.SIGKILL)
    running.wait_for_supervisor()
    os.kill(running.pids()[1], signal.SIGKILL)
    running.wait_for_worker()
    before = read_events(running.job)[0]
    with running.job.events_path.open("ab") as file:
        file.write(b'{"seq": 999, "at": 12')
    assert read_events(running.job)[0] == before
    EventLog(running.job).emit("warning", text="after it")
    after = read_events(running.job)[0]
    assert after[:-1] == before and after[-1]["seq"] == before[-1]["seq"] + 1


def test_a_full_disk_does_not_end_a_job_that_only_waits(
    start: Any, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.turns import Waiting

    def full(*values: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    job = create_job(workspace, "convert", "ada-as-ben", {})
    started: list[bool] = []
    with holding_lock(job) as descriptor:
        assert descriptor is not None
        record_processes(job, descriptor, None)
        monkeypatch.setattr(os, "write", full)
        Waiting(job, descriptor, [], lambda: started.append(True)).wait("It begins later.")
        monkeypatch.undo()
        assert started == [True] and is_held(job)
        assert state(job).name == "waiting" and state(job).detail == "It begins later."


def test_a_job_of_a_newer_program_is_left_alone(workspace: Workspace) -> None:
    from projects.errors import NewerVersionError
    from projects.jobcleaning import cleanable

    job = create_job(workspace, "train", "ada-as-ben", {})
    spec = json.loads(job.spec_path.read_text())
    job.spec_path.write_text(json.dumps({**spec, "version": 99}))
    with pytest.raises(NewerVersionError):
        load_job(job.root)
    assert cleanable(workspace) == []
