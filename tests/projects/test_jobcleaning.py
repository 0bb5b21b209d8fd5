"""Which jobs can be taken away, and what is left of a job's work for a retry."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from projects.errors import CommandError
from projects.jobchain import earlier_results, retried_as, retry
from projects.jobcleaning import cleanable, remove_jobs, size
from projects.jobs import (
    EventLog,
    Job,
    create_job,
    holding_lock,
    list_jobs,
    read_spec,
    record_processes,
    write_exit,
)
from projects.workspace import Workspace


def ended(ws: Workspace, code: int, *, days: int = 0, verb: str = "train") -> Job:
    """A job that ended so many days ago."""
    job = create_job(ws, verb, "ada-as-ben", {})
    write_exit(job, code, "Because.")
    record = json.loads(job.exit_path.read_text())
    record["ended"] = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
    job.exit_path.write_text(json.dumps(record))
    return job


def test_only_what_has_ended_long_enough_ago_is_taken_away(workspace: Workspace) -> None:
    old, new = ended(workspace, 0, days=40), ended(workspace, 1, days=2)
    not_started = create_job(workspace, "train", "ada-as-ben", {})
    assert cleanable(workspace) == [old, new]
    assert cleanable(workspace, older_than=30 * 86400) == [old]
    assert cleanable(workspace, failed=True) == [new]
    assert size(old) > 0
    remove_jobs(workspace, cleanable(workspace))
    assert list_jobs(workspace) == [not_started]
    assert [path.name for path in workspace.jobs.iterdir()] == [not_started.id]


def test_a_living_job_and_what_it_waits_for_stay(workspace: Workspace) -> None:
    first = create_job(workspace, "train", "ada-as-ben", {})
    second = create_job(workspace, "convert", "ada-as-ben", {}, after=first.id)
    write_exit(first, 0, "Done.")
    with holding_lock(second) as descriptor:
        assert descriptor is not None
        record_processes(second, descriptor, None)
        assert cleanable(workspace) == []
        for job in (first, second):
            with pytest.raises(CommandError, match="has not ended, or another one waits for it"):
                remove_jobs(workspace, [job])
    write_exit(second, 0, "Done.")
    assert cleanable(workspace) == [first, second]


def test_a_crashed_job_counts_as_failed(workspace: Workspace, tmp_path: Path) -> None:
    job = create_job(workspace, "train", "ada-as-ben", {})
    gone = {"pid": 2**22 + 1, "started": "1", "boot": "another"}
    job.lock_path.write_text(json.dumps({"supervisor": gone, "worker": gone}))
    assert cleanable(workspace, failed=True) == [job]


def test_a_training_is_retried_for_the_minutes_that_were_not_saved(workspace: Workspace) -> None:
    job = create_job(workspace, "train", "ada-as-ben", {"swap": "ada-as-ben", "minutes": 10})
    log = EventLog(job)
    log.emit("step", step=100, seconds=240.0)
    log.emit("checkpoint", step=100, path="00000100")
    log.emit("step", step=120, seconds=290.0)
    write_exit(job, 137, "It was killed.")
    (again,) = retry(workspace, job, lambda job: None)
    assert read_spec(again)["arguments"] == {"swap": "ada-as-ben", "minutes": 6.0}
    assert read_spec(again)["title"] == "train ada-as-ben"
    assert retried_as(workspace, job) == again


def test_a_retry_of_what_was_retried_goes_on_with_the_newest(workspace: Workspace) -> None:
    first = ended(workspace, 1)
    (second,) = retry(workspace, first, lambda job: None)
    with pytest.raises(CommandError, match="has not ended"):
        retry(workspace, first, lambda job: None)
    write_exit(second, 1, "Because.")
    (third,) = retry(workspace, first, lambda job: None)
    assert third.retry_of == second.id


def test_what_earlier_tries_finished_is_known(workspace: Workspace) -> None:
    first = ended(workspace, 1, verb="convert")
    EventLog(first).emit("result", input="/a.mp4")
    (second,) = retry(workspace, first, lambda job: None)
    EventLog(second).emit("result", input="/b.mp4")
    write_exit(second, 1, "Because.")
    (third,) = retry(workspace, second, lambda job: None)
    assert [result["input"] for result in earlier_results(third)] == ["/a.mp4", "/b.mp4"]
    assert earlier_results(first) == []


def test_two_who_retry_at_once_do_not_both_go_on(workspace: Workspace) -> None:
    job = ended(workspace, 1)
    script = (
        "import sys; from pathlib import Path\n"
        "from projects.errors import CommandError\n"
        "from projects.jobchain import retry\n"
        "from projects.jobs import get_job\n"
        "from projects.workspace import open_workspace\n"
        "ws = open_workspace(Path(sys.argv[1]))\n"
        "try:\n"
        "    retry(ws, get_job(ws, sys.argv[2]), lambda job: None)\n"
        "except CommandError:\n"
        "    raise SystemExit(2)\n"
    )
    command = [sys.executable, "-c", script, str(workspace.root), job.id]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert sorted(process.wait() for process in both) == [0, 2]
    assert len(list_jobs(workspace)) == 2
