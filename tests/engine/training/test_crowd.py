"""More than two people on one encoder."""

import json

import pytest

from engine.quality.likeness import mean
from engine.reporting import CollectingReporter, NullReporter
from engine.training.export import export_swap
from engine.training.importing import import_swap
from engine.training.inference import load_swapper
from engine.training.limits import Limits
from engine.training.loop import train
from engine.training.portable import MANIFEST
from engine.training.validate import Score
from projects import ledger
from projects.people import add_person
from projects.swaps import get_swap, new_swap


@pytest.fixture
def crowd(workspace, ada, ben, consent, preset, store, made_face, monkeypatch):
    """Three people with a few faces each."""
    monkeypatch.setattr("engine.nets.presets.PRESETS", {preset.name: preset})
    people = (ada, ben, add_person(workspace, "Eve", consent))
    for number, person in enumerate(people):
        store(person, [made_face(frame) for frame in range(number, number + 4)])
    return people


def test_a_training_of_three_is_resumed_to_the_bit_and_exported_as_two(workspace, crowd, tmp_path):
    ada, ben, eve = crowd
    one, two = (
        new_swap(
            workspace, name, ada, ben, preset="tiny", seed=4, settings={"batch": 2}, others=[eve]
        )
        for name in ("one", "two")
    )
    reporter = CollectingReporter()
    train(workspace, one, Limits(steps=3), reporter)
    assert {"source", "target", "also-1"} <= reporter.of("step")[-1]["losses"].keys()
    train(workspace, two, Limits(steps=1), NullReporter())
    train(workspace, two, Limits(steps=3), NullReporter())
    whole, pieces = (
        (swap.checkpoints_dir / "00000003" / "state.safetensors").read_bytes()
        for swap in (one, two)
    )
    assert whole == pieces
    one = get_swap(workspace, "one")
    assert one.fingerprints.keys() == {"source", "target", "also-1"}
    assert load_swapper(one)[0].step == 3

    export_swap(workspace, one, tmp_path / "given")
    record = json.loads((tmp_path / "given" / MANIFEST).read_text())
    assert {name.split("/")[0] for name in record["tensors"]} == {"encoder", "source", "target"}
    assert record["datasets"].keys() == record["people"].keys() == {"source", "target"}
    assert [told["name"] for told in record["others"]] == ["Eve"]
    [entry] = [e for e in ledger.entries(workspace) if e.kind == "export"]
    assert entry.values["people"] == ["ada", "ben", "eve"]
    made, _ = import_swap(workspace, tmp_path / "given", name="back")
    assert made.others == () and load_swapper(made)[0].step == 3


def test_the_score_of_a_swap_is_that_of_its_two_people():
    ssim = {"source": 0.8, "target": 0.6}
    two = Score(step=1, ssim=ssim, identity=0.2, landmarks=0.1, rebuilt=0.0, recognised=1.0)
    three = Score(
        step=1,
        ssim={**ssim, "also-1": 0.1},
        identity=0.2,
        landmarks=0.1,
        rebuilt=0.0,
        recognised=1.0,
    )
    assert two.value == three.value == pytest.approx(mean([0.8, 0.6]) - 0.2)
    assert three.row()["ssim"]["also-1"] == 0.1
