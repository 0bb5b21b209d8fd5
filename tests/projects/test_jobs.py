import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from projects import jobs
from projects.errors import CommandError, DamagedError, SwapdeckError
from projects.jobs import (
    ControlFile,
    EventLog,
    Job,
    Requests,
    create_job,
    get_job,
    list_jobs,
    read_events,
    read_spec,
    request,
    requested,
    state,
    write_exit,
)
from projects.processes import Process, from_record, identify, is_alive, to_record
from projects.workspace import Workspace


@pytest.fixture
def job(workspace: Workspace) -> Job:
    return create_job(workspace, "train", "ada-as-ben", {"steps": 100, "output": Path("/x/y.mp4")})


def record(job: Job, supervisor: Process | None, worker: Process | None) -> None:
    """What a supervisor that is gone by now would have left in the lock file."""
    processes = {"supervisor": supervisor, "worker": worker}
    job.lock_path.write_text(
        json.dumps({name: p and to_record(p) for name, p in processes.items()})
    )


def test_a_new_job_waits_and_its_spec_is_complete(workspace: Workspace, job: Job) -> None:
    assert read_spec(job)["arguments"] == {"steps": 100, "output": "/x/y.mp4"}
    assert job.id.endswith("-train-ada-as-ben") and job.id[:8].isdigit()
    assert state(job).name == "waiting"
    assert get_job(workspace, job.id) == job


def test_jobs_of_one_second_have_different_folders_and_the_newest_comes_first(
    workspace: Workspace,
) -> None:
    made = [create_job(workspace, "train", "ada-as-ben", {}) for _ in range(12)]
    assert len({job.id for job in made}) == 12
    assert list_jobs(workspace) == made[::-1]


def test_a_job_is_found_by_a_part_of_its_id_when_only_one_fits(workspace: Workspace) -> None:
    train = create_job(workspace, "train", "ada-as-ben", {})
    create_job(workspace, "convert", "ada-as-ben", {})
    assert get_job(workspace, "train") == train
    with pytest.raises(CommandError, match="fits 2 jobs"):
        get_job(workspace, "ada-as-ben")
    write_exit(train, 0, "Done.")
    assert get_job(workspace, "ada-as-ben").verb == "convert"  # the only one that lives
    write_exit(get_job(workspace, "convert"), 0, "Done.")
    with pytest.raises(CommandError, match="fits 2 jobs"):
        get_job(workspace, "ada-as-ben")
    for unknown in ("", "..", "nothing"):
        with pytest.raises(CommandError, match="swapdeck jobs list"):
            get_job(workspace, unknown)


def test_one_damaged_job_does_not_hide_the_others(workspace: Workspace, job: Job) -> None:
    other = create_job(workspace, "extract", "ada", {})
    job.spec_path.write_text("{")
    problems: list[SwapdeckError] = []
    assert list_jobs(workspace, problems) == [other] and len(problems) == 1
    with pytest.raises(DamagedError):
        read_spec(job)


def test_events_are_numbered_on_across_processes(job: Job) -> None:
    EventLog(job).emit("stage", name="scan", total=None)
    log = EventLog(job)
    log.emit("progress", done=1, rate=float("nan"))
    events, offset = read_events(job)
    assert [(e["seq"], e["kind"]) for e in events] == [(1, "stage"), (2, "progress")]
    assert events[1]["rate"] is None
    log.emit("ended", code=0, reason="Done.")
    assert [e["kind"] for e in read_events(job, offset)[0]] == ["ended"]
    with pytest.raises(ValueError, match="seq"):
        log.emit("stage", seq=1)


def test_threads_may_share_an_event_log(job: Job) -> None:
    log = EventLog(job)

    def emit() -> None:
        for number in range(50):
            log.emit("warning", text=str(number))

    threads = [threading.Thread(target=emit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [e["seq"] for e in read_events(job)[0]] == list(range(1, 201))


def test_requests_add_up(job: Job) -> None:
    assert requested(job) == Requests()
    for what in ("save", "preview", "save", "pause"):
        request(job, what)  # type: ignore[arg-type]
    assert requested(job) == Requests(pause=True, save=2, preview=1)
    request(job, "resume")
    assert not requested(job).pause
    request(job, "pause")
    request(job, "stop")
    assert requested(job) == Requests(stop=True, save=2, preview=1)


def test_requests_of_many_at_once_are_all_counted(job: Job) -> None:
    script = (
        "import sys, pathlib\n"
        "from projects.jobs import load_job, request\n"
        "job = load_job(pathlib.Path(sys.argv[1]))\n"
        "for _ in range(10):\n"
        "    request(job, 'save')\n"
    )
    command = [sys.executable, "-c", script, str(job.root)]
    others = [subprocess.Popen(command) for _ in range(3)]
    assert [other.wait() for other in others] == [0, 0, 0]
    assert requested(job).save == 30


def test_what_has_ended_cannot_be_asked(job: Job) -> None:
    write_exit(job, 0, "Done.")
    with pytest.raises(CommandError, match="has ended"):
        request(job, "stop")


def test_an_unknown_request_is_refused(job: Job) -> None:
    with pytest.raises(CommandError, match="Use one of: stop"):
        request(job, "explode")  # type: ignore[arg-type]


def test_a_poll_reads_again_only_what_changed(job: Job) -> None:
    control = ControlFile(job)
    assert control.read() == Requests()
    request(job, "save")
    assert control.read() is control.read()
    assert control.read().save == 1


@pytest.mark.parametrize("text", ["{", '{"version": 1, "stop": "yes"}', "[]"])
def test_a_damaged_control_file_says_what_to_do(job: Job, text: str) -> None:
    job.control_path.write_text(text)
    with pytest.raises(DamagedError):
        requested(job)


@pytest.mark.parametrize(
    ("code", "name"), [(0, "done"), (1, "failed"), (3, "failed"), (137, "failed"), (130, "stopped")]
)
def test_an_exit_record_decides_the_state(job: Job, code: int, name: str) -> None:
    write_exit(job, code, "Because.")
    found = state(job)
    assert (found.name, found.detail, found.exit_code) == (name, "Because.", code)
    assert found.ended


def test_the_first_exit_record_stands(job: Job) -> None:
    write_exit(job, 0, "Done.")
    write_exit(job, 1, "Not done.")
    assert state(job).name == "done"


def test_on_a_full_disk_the_end_is_recorded_in_the_room_that_was_kept(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with jobs.holding_lock(job) as descriptor:
        assert descriptor is not None
        jobs.record_processes(job, descriptor, os.getpid())
        size = job.lock_path.stat().st_size
        monkeypatch.setattr(os, "fsync", full_disk)
        write_exit(job, 1, "The disk is full. " + "x" * 9000)
        write_exit(job, 0, "Done.")
        assert state(job).name == "failed"
        assert state(job).detail.startswith("The disk is full. x")
        assert job.lock_path.stat().st_size == size
        assert jobs.lock_record(job) == (identify(os.getpid()), identify(os.getpid()))
    with pytest.raises(CommandError, match="has ended"):
        request(job, "stop")


def test_a_damaged_exit_record_is_told_and_not_raised(job: Job) -> None:
    job.exit_path.write_text("{")
    assert state(job).name == "failed" and "damaged" in state(job).detail


def test_a_held_lock_means_running_and_requests_show(job: Job) -> None:
    with jobs.holding_lock(job) as descriptor:
        assert descriptor is not None
        assert state(job).name == "running"
        jobs.record_processes(job, descriptor, os.getpid())
        request(job, "pause")
        assert state(job).name == "running" and "pauses after" in state(job).detail
        EventLog(job).emit("request", what="pause", answered=True)
        assert state(job).name == "paused"
        request(job, "stop")
        assert state(job).name == "stopping"
        with jobs.holding_lock(job) as second:
            assert second is None
        job.control_path.write_text("{")
        assert state(job).name == "running" and "damaged" in state(job).detail


def test_looking_does_not_keep_a_supervisor_from_its_lock(job: Job) -> None:
    job.lock_path.touch()
    descriptor = os.open(job.lock_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    look_ends = threading.Timer(0.05, os.close, (descriptor,))
    look_ends.start()
    with jobs.holding_lock(job) as held:
        assert held is not None
    look_ends.join()


def test_a_free_lock_with_a_living_worker_is_an_orphan(job: Job) -> None:
    gone = Process(os.getpid(), "before this one", "another boot")
    record(job, gone, identify(os.getpid()))
    assert state(job).name == "orphaned"


@pytest.mark.parametrize(("started", "boot"), [("1", None), (None, "another boot")])
def test_a_pid_that_another_process_has_now_is_not_mistaken(
    job: Job, started: str | None, boot: str | None
) -> None:
    me = identify(os.getpid())
    assert me is not None
    before = Process(me.pid, started or me.started, boot or me.boot)
    assert not is_alive(before)
    record(job, before, before)
    assert state(job).name == "crashed"
    with pytest.raises(CommandError, match="does not run"):
        jobs.kill(job, grace=0)


def test_a_process_that_ended_but_was_not_waited_for_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    known = identify(child.pid)
    assert is_alive(known)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(known)
    child.communicate()
    assert identify(child.pid) is None


@pytest.mark.parametrize(
    "value", [None, [], {"pid": 0}, {"pid": 1, "started": "1", "boot": ""}, {"pid": "7"}]
)
def test_a_record_that_names_no_process_is_none(value: object) -> None:
    assert from_record(value) is None


@pytest.mark.parametrize("content", [b"", b"torn {", b"[]", b"\xff", b"{}"])
def test_a_lock_file_that_names_nobody_means_waiting(job: Job, content: bytes) -> None:
    job.lock_path.write_bytes(content)
    assert state(job).name == "waiting"


def test_a_job_that_cannot_start_has_failed_and_says_why(job: Job) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such module as engine')"]
    with pytest.raises(SwapdeckError, match=r"did not start: no such module as engine\."):
        jobs.launch(job, command=command)
    assert state(job).name == "failed"
    with pytest.raises(CommandError, match="has ended"):
        jobs.launch(job)
