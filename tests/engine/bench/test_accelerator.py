"""All figures of an accelerator: every stage at tiny sizes, and what is kept when one fails."""

import json
from dataclasses import replace

import jax
import pytest

from engine.bench import rehearsal
from engine.bench.accelerator import run as runner
from engine.bench.accelerator.account import FIGURES, TABLES
from engine.bench.accelerator.plan import (
    FULL,
    REHEARSAL,
    Plan,
    Sizes,
    Stage,
    only,
    with_training,
)
from engine.bench.accelerator.stages import KINDS
from engine.nets import presets
from projects.errors import CommandError
from projects.presets import PRESETS as OFFERED

TINY = rehearsal.TINY.name


@pytest.fixture
def sizes(monkeypatch):
    """As in the rehearsal, which is run whole as processes below, but in what a CPU computes in."""
    monkeypatch.setitem(presets.PRESETS, TINY, rehearsal.TINY)
    return replace(REHEARSAL.sizes, precision="float32")


def rows(kind, sizes):
    found = list(KINDS[kind](TINY, sizes))
    assert json.loads(json.dumps(found)) == found
    return found


def test_the_device_says_what_it_is(sizes):
    facts = {row["fact"]: row["value"] for row in rows("device", sizes)}
    assert facts["devices"] == jax.local_device_count()
    assert facts["jax"] == jax.__version__
    assert facts["matrix products in bfloat16, TFLOP/s"] > 0
    assert facts["a training computes in"].startswith("float32")


def test_the_parts_of_a_step_have_the_work_of_its_layers(sizes):
    found = {row["name"]: row for row in rows("parts", sizes)}
    whole = found["whole step"]
    assert whole["share"] == 1
    inner = found["forward and loss"]["gflop"] + found["backward"]["gflop"]
    assert inner == pytest.approx(whole["gflop"])


def test_a_training_that_was_stopped_goes_on_bit_for_bit_on_a_cpu(sizes):
    for row in rows("resume", sizes):
        assert row["exact"] and row["largest"] == 0
        assert row["steps"] == 2 * sizes.calls * sizes.steps
        assert row["moved"] > 0


def test_calls_of_more_steps_are_compared(sizes):
    assert [row["steps"] for row in rows("dispatch", sizes)] == list(sizes.sweep)


@pytest.mark.slow
def test_both_feeds_give_a_step_its_faces(sizes):
    found = rows("feed", sizes)
    assert [row["mode"] for row in found] == ["device", "stream"]
    assert found[0]["faces"] == found[1]["faces"] > 0
    assert all(0 <= row["stall"] <= 1 for row in found)


def test_one_device_has_the_whole_batch(sizes):
    found = rows("devices", sizes)
    assert found[0]["devices"] == found[0]["times"] == 1


def test_a_full_plan_asks_for_presets_and_stages_that_there_are():
    assert {stage.kind for stage in FULL.stages} | {"train"} == set(KINDS)
    assert {stage.preset for stage in FULL.stages} - {""} <= set(OFFERED)
    assert {stage.kind for stage in REHEARSAL.stages} | {"train"} == set(KINDS)
    assert FULL.sizes.batch_of("hd-256") == OFFERED["hd-256"].batch


def test_a_training_comes_last_and_is_told_its_minutes():
    plan = with_training(FULL, 20)
    assert plan.stages[-1].name == "train standard-128"
    assert plan.stages[-1].limit > 20 * 60
    assert plan.sizes.minutes == 20
    assert with_training(FULL, 0) == FULL


def test_stages_are_chosen_by_name_or_kind():
    chosen = only(FULL, ("device", "step hd-256"))
    assert [stage.name for stage in chosen.stages] == ["device", "step hd-256"]
    with pytest.raises(CommandError, match="no stage 'steps'"):
        only(FULL, ("steps",))


def test_sizes_travel_as_json():
    from dataclasses import asdict

    assert Sizes.from_dict(json.loads(json.dumps(asdict(REHEARSAL.sizes)))) == REHEARSAL.sizes


@pytest.fixture
def scripted(monkeypatch, tmp_path):
    """Stages that are small shell scripts, by the name of their preset."""
    scripts = {
        "good": 'echo \'ROW {"fact": "a", "value": 1.5}\'; echo more',
        "bad": 'echo \'ROW {"fact": "b", "value": 2}\'; echo what went wrong >&2; exit 1',
        "slow": 'echo \'ROW {"fact": "c", "value": 3}\'; sleep 600',
        "absent": "echo there is none >&2; exit 3",
    }
    popen = runner.subprocess.Popen

    def started(command, **named):
        preset = json.loads(command[-1])["stage"]["preset"]
        return popen(["sh", "-c", scripts[preset]], **named)

    monkeypatch.setattr(runner.subprocess, "Popen", started)
    return tmp_path / "out"


def plan_of(*names, **more):
    stages = tuple(Stage("device", name, limit=60, least=0) for name in names)
    return Plan(tuple(replace(stage, **more) for stage in stages), Sizes())


def test_a_stage_that_fails_keeps_its_rows_and_the_others(scripted):
    account = runner.run(plan_of("bad", "absent", "good"), scripted, 600)
    assert [one.outcome for one in account.results] == ["failed", "not here", "done"]
    assert account.failed == ["device bad"]
    assert "what went wrong" in account.results[0].said
    written = json.loads((scripted / FIGURES).read_text())
    assert [stage["name"] for stage in written["stages"]] == [
        "device bad", "device absent", "device good",
    ]  # fmt: skip
    assert [len(stage["rows"]) for stage in written["stages"]] == [1, 0, 1]
    tables = (scripted / TABLES).read_text()
    assert "| a | 1.5 |" in tables and "| b | 2 |" in tables
    assert "device bad: failed after" in tables
    assert "more" in (scripted / runner.LOG).read_text()


def test_a_stage_that_hangs_is_ended_and_what_it_said_is_kept(scripted):
    account = runner.run(plan_of("slow", limit=1.0), scripted, 600)
    assert account.results[0].outcome == "out of time"
    assert account.results[0].rows == [{"fact": "c", "value": 3}]


def test_what_comes_after_the_budget_is_left_out(scripted):
    account = runner.run(plan_of("good", least=1.0), scripted, 5.0)
    assert account.results[0].outcome == "left out"
    assert account.failed == []
    assert "left out" in (scripted / TABLES).read_text()


@pytest.mark.slow
def test_all_stages_come_to_their_end_as_processes(tmp_path):
    account = runner.run(REHEARSAL, tmp_path, 3000)
    assert {one.outcome for one in account.results} <= {"done", "not here"}
    step = next(one for one in account.results if one.stage.kind == "step").rows[0]
    assert step["first_cold"] > 0 and step["first_warm"] > 0
    assert step["precision"] == "bfloat16" and step["dispatch"] == 2
    assert "| rehearsal-32 | 2 + 2 | bfloat16 |" in account.markdown()
