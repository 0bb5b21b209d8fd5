"""Watching a job: what is shown, and which code comes back."""

import json
from pathlib import Path

import pytest

from engine.cli.follow import Interrupts, JobEndedError, watch
from engine.cli.session import Session
from projects.jobs import EventLog, Job, create_job, requested, write_exit
from projects.workspace import open_workspace


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return create_job(open_workspace(tmp_path / "ws", create=True), "train", "a-as-b", {})


def write_training(job: Job, code: int, reason: str) -> None:
    log = EventLog(job)
    log.emit("started", title="train a-as-b")
    log.emit("stage", name="compile", total=None, unit="")
    log.emit("step", step=1, steps=2, loss=0.5, losses={}, rate=10.0, eta=0.1, seconds=0.1)
    log.emit("warning", text="\x1b[2Jthe file clip\x07.mp4 is short")
    log.emit("step", step=2, steps=2, loss=0.25, losses={}, rate=10.0, eta=0.0, seconds=0.2)
    log.emit("checkpoint", step=2, path="00000002")
    log.emit("result", step=2, seconds=0.2)
    log.emit("ended", code=code, reason=reason)
    write_exit(job, code, reason)


def test_a_log_gets_plain_lines(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    write_training(job, 0, "Done.")
    with Interrupts() as interrupts:
        outcome = watch(Session(), job, interrupts)
    assert outcome.results[0]["step"] == 2
    shown = capsys.readouterr().out
    assert "compile" in shown
    assert "step 2/2  10.0 steps/s  loss 0.2500" in shown
    assert "! the file clip.mp4 is short" in shown
    assert "\x1b" not in shown


def test_json_is_every_event_on_a_line(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    write_training(job, 0, "Done.")
    with Interrupts() as interrupts:
        watch(Session(json=True), job, interrupts)
    kinds = [json.loads(line)["kind"] for line in capsys.readouterr().out.splitlines()]
    assert kinds[0] == "started"
    assert kinds[-1] == "ended"


def test_quiet_shows_nothing(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    write_training(job, 0, "Done.")
    with Interrupts() as interrupts:
        watch(Session(quiet=True), job, interrupts)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("code", "expected"), [(1, 1), (2, 2), (3, 3), (130, 130), (137, 1)])
def test_a_job_that_did_not_end_well_says_why(job: Job, code: int, expected: int) -> None:
    write_training(job, code, "The disk is full.")
    with Interrupts() as interrupts, pytest.raises(JobEndedError, match="disk is full") as ended:
        watch(Session(quiet=True), job, interrupts)
    assert ended.value.exit_code == expected


def test_ctrl_c_asks_to_stop_and_the_second_leaves_the_job(
    job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    EventLog(job).emit("started", title="train")
    interrupts = Interrupts()
    interrupts.count = 2
    with pytest.raises(JobEndedError, match="jobs attach") as ended:
        watch(Session(), job, interrupts)
    assert ended.value.exit_code == 130
    assert requested(job).stop
    assert "Ctrl-C again" in capsys.readouterr().out
