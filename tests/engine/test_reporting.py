from pathlib import Path
from typing import Any

import pytest

from engine.reporting import CollectingReporter, JobReporter, NullReporter, Reporter
from projects.errors import StopRequested
from projects.jobs import Job, create_job, read_events, request, state
from projects.workspace import Workspace


class Clock:
    """A clock that goes on only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def job(workspace: Workspace) -> Job:
    return create_job(workspace, "train", "ada-as-ben", {})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reporter(job: Job, clock: Clock) -> JobReporter:
    return JobReporter(job, clock=clock)


def said(job: Job, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(event.get(name) for name in ("kind", *names)) for event in read_events(job)[0]]


def test_progress_is_thinned_to_four_a_second_and_the_last_is_kept(
    job: Job, reporter: JobReporter, clock: Clock
) -> None:
    reporter.event("stage", name="scan", total=1000, unit="frames")
    for done in range(1, 998):
        reporter.event("progress", stage="scan", done=done, total=1000)
        clock.now += 0.01
    reporter.event("stage", name="sort", total=None, unit="faces")
    events = said(job, "name", "done")
    assert events[0][:2] == ("stage", "scan") and events[-1][:2] == ("stage", "sort")
    assert events[-2] == ("progress", None, 997)
    assert 38 <= len(events) <= 43
    assert [seen[2] for seen in events[1:-1]] == sorted(seen[2] for seen in events[1:-1])


def test_the_end_of_a_stage_is_written_at_once(job: Job, reporter: JobReporter) -> None:
    for done in (1, 2, 3):
        reporter.event("progress", stage="scan", done=done, total=3)
    assert said(job, "done") == [("progress", 1), ("progress", 3)]


def test_progress_of_another_stage_does_not_replace_what_is_held(
    job: Job, reporter: JobReporter
) -> None:
    for stage in ("scan", "sort"):
        for done in (1, 2):
            reporter.event("progress", stage=stage, done=done, total=None)
    reporter.flush()
    assert said(job, "stage", "done") == [
        ("progress", "scan", 1),
        ("progress", "scan", 2),
        ("progress", "sort", 2),
    ]


def test_steps_are_thinned_to_two_a_second_and_come_before_their_checkpoint(
    job: Job, reporter: JobReporter, clock: Clock
) -> None:
    for step in range(1, 31):
        reporter.event("step", step=step, steps=None, loss=1.0)
        clock.now += 0.1
    reporter.event("checkpoint", step=30, path="x")
    events = said(job, "step")
    assert events[-2:] == [("step", 30), ("checkpoint", 30)]
    assert 7 <= len(events) <= 9


def test_what_is_held_back_is_written_at_a_later_check(
    job: Job, reporter: JobReporter, clock: Clock
) -> None:
    for done in (1, 2):
        reporter.event("progress", stage="scan", done=done, total=9)
    reporter.check()
    assert said(job, "done") == [("progress", 1)]
    clock.now += 1
    reporter.check()
    assert said(job, "done") == [("progress", 1), ("progress", 2)]


def test_a_save_is_asked_once_and_answered_by_the_checkpoint(
    job: Job, reporter: JobReporter
) -> None:
    request(job, "save")
    request(job, "preview")
    asked = reporter.check()
    assert (asked.save, asked.preview) == (1, 1)
    asked = reporter.check()
    assert (asked.save, asked.preview) == (0, 0)
    reporter.event("checkpoint", step=5, path="x")
    reporter.event("checkpoint", step=6, path="y")
    assert said(job, "what", "answered") == [
        ("checkpoint", None, None),
        ("request", "save", True),
        ("checkpoint", None, None),
    ]


def test_an_answer_that_the_work_gives_itself_is_not_repeated(
    job: Job, reporter: JobReporter
) -> None:
    request(job, "preview")
    reporter.check()
    reporter.event("request", what="preview", answered=True)
    reporter.event("preview", step=5, path="x")
    assert said(job, "what") == [("request", "preview"), ("preview", None)]


def test_a_stop_raises_at_every_check_and_is_answered_once(job: Job, reporter: JobReporter) -> None:
    reporter.check()
    request(job, "stop")
    for _ in range(2):
        with pytest.raises(StopRequested, match="saved"):
            reporter.check()
    assert said(job, "what", "answered") == [("request", "stop", True)]


def test_a_signal_stops_without_a_control_file(job: Job, reporter: JobReporter) -> None:
    reporter.stop()
    with pytest.raises(StopRequested):
        reporter.check()


def test_a_pause_blocks_until_it_is_lifted(
    job: Job, reporter: JobReporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def resume_at_the_third_look(seconds: float) -> bool:
        seen.append(state(job).name)
        if len(seen) == 3:
            request(job, "save")
            request(job, "resume")
        return False

    request(job, "pause")
    monkeypatch.setattr(reporter._wake, "wait", resume_at_the_third_look)
    assert reporter.check().save == 1
    assert len(seen) == 3
    assert said(job, "what") == [("request", "pause"), ("request", "resume")]


def test_a_stop_ends_a_pause(
    job: Job, reporter: JobReporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    request(job, "pause")
    monkeypatch.setattr(reporter._wake, "wait", lambda seconds: request(job, "stop"))
    with pytest.raises(StopRequested):
        reporter.check()
    assert said(job, "what") == [("request", "pause"), ("request", "stop")]


def test_a_spoilt_control_file_is_a_warning_and_the_work_goes_on(
    job: Job, reporter: JobReporter
) -> None:
    job.control_path.write_text("{")
    reporter.check()
    reporter.check()
    assert [kind for (kind,) in said(job)] == ["warning"]


def test_a_collecting_reporter_keeps_all_and_stops_when_told() -> None:
    shown: list[dict[str, Any]] = []
    collecting = CollectingReporter(show=shown.append, stop=lambda: len(shown) > 2)
    for done in range(3):
        collecting.check()
        collecting.event("progress", stage="scan", done=done, total=3)
    assert [e["done"] for e in collecting.of("progress")] == [0, 1, 2]
    assert shown == collecting.events
    with pytest.raises(StopRequested):
        collecting.check()


def test_every_reporter_is_one(job: Job) -> None:
    reporters: list[Reporter] = [JobReporter(job), CollectingReporter(), NullReporter()]
    for one in reporters:
        one.event("warning", text="x", path=Path("/x"))
        assert one.check().save == 0
