"""The demo's stages: names, wall times, and what a second run knows of the first."""

from pathlib import Path

import pytest

from engine.demo.stages import Progress, Stages
from engine.reporting import CollectingReporter
from projects.errors import NewerVersionError, StopRequested


def test_a_stage_is_timed_also_when_it_is_interrupted(tmp_path: Path) -> None:
    stages = Stages(CollectingReporter(), Progress(), tmp_path)
    with pytest.raises(StopRequested), stages("train"):
        raise StopRequested("asked")
    assert Progress.load(tmp_path).seconds["train"] > 0


def test_runs_of_a_stage_add_up_unless_it_is_done_anew(tmp_path: Path) -> None:
    progress = Progress(seconds={"train": 100.0, "convert": 100.0})
    stages = Stages(CollectingReporter(), progress, tmp_path)
    with stages("train"):
        pass
    with stages("convert", anew=True):
        pass
    assert progress.seconds["train"] > 100
    assert progress.seconds["convert"] < 100


def test_stages_inside_say_whose_they_are() -> None:
    seen = CollectingReporter()
    reporter = Stages(seen, Progress(), Path()).reporter("extract anna")
    reporter.event("stage", name="faces", total=3, unit="frames")
    reporter.event("stage", name="extract", total=3, unit="frames")
    reporter.event("progress", stage="faces", done=1, total=3, rate=None, eta=None, text="")
    names = [event.get("name") or event.get("stage") for event in seen.events]
    assert names == ["extract anna: faces", "extract anna", "extract anna: faces"]


def test_only_the_demo_itself_has_a_result() -> None:
    seen = CollectingReporter()
    reporter = Stages(seen, Progress(), Path()).reporter("train")
    reporter.event("started", title="train")
    reporter.event("result", step=3)
    reporter.event("step", step=3, steps=None, loss=0.1, losses={}, rate=1, eta=None, seconds=7.5)
    assert [event["kind"] for event in seen.events] == ["step"]
    assert reporter.trained == 7.5


def test_progress_comes_back_and_a_newer_one_is_refused(tmp_path: Path) -> None:
    progress = Progress(seconds={"train": 3.0}, planned=200.0)
    progress.trained["anna as bruno"] = 120.0
    progress.save(tmp_path)
    again = Progress.load(tmp_path)
    assert again == progress
    (tmp_path / "demo.json").write_text('{"version": 99}')
    with pytest.raises(NewerVersionError):
        Progress.load(tmp_path)
