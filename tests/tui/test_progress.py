"""What the event log says, whatever is in it."""

from __future__ import annotations

from pathlib import Path

from projects.texts import append_line, read_jsonl
from tui.panes import progress_words
from tui.progress import CURVE_POINTS, Buckets, Follower, Progress, fold


def test_a_log_is_read_on_from_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    follower = Follower(path, lambda offset: read_jsonl(path, offset))
    assert follower.follow() == Progress()
    append_line(path, {"seq": 1, "at": 5.0, "kind": "stage", "name": "extract", "total": 8})
    append_line(path, {"seq": 2, "at": 6.0, "kind": "progress", "stage": "extract", "done": 2})
    assert follower.follow().fraction == 0.25
    with path.open("a") as file:
        file.write('{"seq": 3, "at": 7.0, "kind": "progress", "done": 6')
    assert follower.follow().fraction == 0.25
    with path.open("a") as file:
        file.write("}\n")
    assert follower.follow().fraction == 0.75
    assert follower.follow().updated == 7.0


def test_a_log_that_became_shorter_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    follower = Follower(path, lambda offset: read_jsonl(path, offset))
    for step in range(50):
        append_line(path, {"kind": "step", "step": step, "loss": 1.0})
    assert len(follower.follow().curve) == 50
    path.unlink()
    append_line(path, {"kind": "step", "step": 3, "loss": 2.0})
    assert follower.follow().curve == ((3, 2.0),)


def test_fields_of_the_wrong_kind_count_as_not_given() -> None:
    nonsense = [
        {"kind": "step", "step": "many", "loss": 1.0},
        {"kind": "step", "step": 4, "loss": float("nan"), "losses": [1], "rate": True, "eta": {}},
        {"kind": "step", "step": 10**400, "loss": 1.0},
        {"kind": "progress", "done": "x", "total": None},
        {"kind": ["step"], "at": "yesterday"},
        {"kind": "warning", "text": "\x1b[2Jgone"},
        {},
    ]
    progress = fold(Progress(), nonsense, Buckets())
    assert (progress.step, progress.loss, progress.rate, progress.eta) == (4, None, None, None)
    assert progress.fraction is None
    assert progress.warnings == ("[2Jgone",)


def test_a_long_training_stays_a_short_curve_with_the_same_ends() -> None:
    curve = Buckets()
    for step in range(1, 100_001):
        curve.add(step, 1 / step)
    points = curve.curve
    assert len(points) <= CURVE_POINTS + 1
    assert points[-1][0] == 100_000
    assert [x for x, _ in points] == sorted({x for x, _ in points})
    assert points[0][1] > points[-1][1]


def test_going_back_to_a_checkpoint_replaces_what_came_after_it() -> None:
    curve = Buckets()
    for step in (1, 2, 3, 4, 5, 3, 4):
        curve.add(step, float(step))
    assert curve.curve == ((1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0))


def test_a_stage_after_the_training_is_told_in_its_own_count() -> None:
    progress = fold(
        Progress(),
        [
            {"kind": "step", "step": 2602, "steps": None, "loss": 0.1},
            {"kind": "stage", "name": "convert", "total": 96, "unit": "frames"},
            {"kind": "progress", "stage": "convert", "done": 30, "total": 96},
        ],
        Buckets(),
    )
    assert "convert 30 of 96 frames" in progress_words(progress).plain
    assert progress.step == 2602
