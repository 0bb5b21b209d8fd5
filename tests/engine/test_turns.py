"""Two trainings do not have one device by accident, and everything else runs beside them."""

import os
import signal
import textwrap
from pathlib import Path
from typing import Any

import pytest

from projects.jobs import read_events, request, state
from tests.engine.running import LOOP, kinds


@pytest.fixture(autouse=True)
def empty_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")


def test_the_second_training_waits_says_for_whom_and_starts_by_itself(start: Any) -> None:
    first, second = start(LOOP), start(LOOP)
    first.hear("began")
    now = state(second.job)
    assert now.name == "waiting"
    assert now.detail == (
        f"It begins when the CPU is free; now it is used by train ada-as-ben ({first.job.id})."
    )
    assert [e["text"] for e in read_events(second.job)[0]] == [now.detail]
    request(first.job, "stop")
    second.hear("began")
    assert state(second.job).name == "running" and state(second.job).detail == ""


def test_an_orphan_keeps_its_device(start: Any) -> None:
    first = start(LOOP)
    first.hear("began")
    os.kill(first.pids()[0], signal.SIGKILL)
    first.wait_for_supervisor()
    second = start(LOOP)
    assert state(second.job).name == "waiting"
    os.kill(first.pids()[1], signal.SIGKILL)
    second.hear("began")


def test_a_training_that_waits_can_be_stopped_and_the_next_is_not_held_up(start: Any) -> None:
    first, second, third = start(LOOP), start(LOOP), start(LOOP)
    request(second.job, "stop")
    second.wait_for_supervisor()
    assert state(second.job).detail == "Stopped as asked, before it began."
    request(first.job, "stop")
    third.hear("began")


def test_a_training_may_share_the_device_when_that_is_said(start: Any) -> None:
    first, second = start(LOOP), start(LOOP, arguments={"share": True})
    first.hear("began")
    second.hear("began")
    assert kinds(second.job)[0] == "started"


def test_conversions_run_beside_a_training_and_leave_it_its_memory(start: Any) -> None:
    first = start(
        "say(os.environ.get('XLA_PYTHON_CLIENT_PREALLOCATE', 'all'))\n" + textwrap.dedent(LOOP)
    )
    first.hear("began")
    first.hear("all")
    second = start("say(os.environ['XLA_PYTHON_CLIENT_PREALLOCATE'])", "convert")
    second.hear("began")
    second.hear("false")


def test_a_device_that_is_not_there_ends_the_job_with_a_sentence(start: Any) -> None:
    running = start(LOOP, arguments={"device": "gpu:7"})
    running.wait_for_supervisor()
    found = state(running.job)
    assert (found.name, found.exit_code) == ("failed", 2)
    assert "There is: cpu alone." in found.detail


def test_where_the_queue_cannot_be_written_the_training_says_so_and_starts(
    start: Any, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file where the folder would be")
    running = start(LOOP)
    running.hear("began")
    assert "does not wait for other trainings" in read_events(running.job)[0][0]["text"]


def test_a_job_that_is_paused_while_it_waits_lets_others_go_first(start: Any) -> None:
    first, second, third = start(LOOP), start(LOOP), start(LOOP)
    request(second.job, "pause")
    while state(second.job).name != "paused":
        os.sched_yield()
    request(first.job, "stop")
    third.hear("began")
    assert state(second.job).name == "paused"
    assert "begins when it is resumed" in state(second.job).detail
    request(second.job, "resume")
    request(third.job, "stop")
    second.hear("began")
    answers = [e["what"] for e in read_events(second.job)[0] if e["kind"] == "request"]
    assert answers == ["pause", "resume"]


def test_a_stop_while_it_waits_is_answered(start: Any) -> None:
    start(LOOP)
    second = start(LOOP)
    request(second.job, "stop")
    second.wait_for_supervisor()
    assert kinds(second.job) == ["waiting", "request", "ended"]
