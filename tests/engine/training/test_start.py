"""A swap that begins with what another one has learnt."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest

from engine.cli.app import run
from engine.nets.presets import Preset
from engine.training.checkpoint import load_state, save_state
from engine.training.model import Model, Params
from engine.training.settings import settings_for
from engine.training.start import ANYONE, start_swap, started, teachers
from engine.training.step import State, state_shapes
from projects import ledger
from projects.checkpoints import newest, steps
from projects.consent import Consent
from projects.errors import CommandError, RefusedError
from projects.people import Person, add_person, set_consent
from projects.swaps import Swap, get_swap, list_swaps, new_swap, remove_swap, swaps_of
from projects.workspace import Workspace

SETTINGS = settings_for("light-64", seed=3, batch=2)


@pytest.fixture(autouse=True)
def tiny(preset: Preset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.nets.presets.PRESETS", {preset.name: preset})


def state_at(preset: Preset, step: int) -> State:
    """A state of random numbers, whose average differs from its weights."""
    random = np.random.default_rng(step)

    def leaf(like: Any) -> Any:
        return random.normal(size=like.shape).astype(like.dtype)

    shapes = state_shapes(preset, replace(SETTINGS, preset="tiny"))
    return jax.tree.map(leaf, shapes)._replace(step=np.int32(step))


@pytest.fixture
def other(workspace: Workspace, ada: Person, ben: Person, preset: Preset) -> Swap:
    """Ada on Ben, with checkpoints of steps 7 and 9."""
    made = new_swap(workspace, None, ada, ben, preset="tiny", seed=3, settings={"batch": 2})
    for step in (7, 9):
        settings = replace(SETTINGS, preset="tiny")
        save_state(made.checkpoints_dir, state_at(preset, step), settings, {}, 3)
    return made


@pytest.fixture
def eve(workspace: Workspace, consent: Consent) -> Person:
    return add_person(workspace, "Eve", consent)


def same(one: Params, two: Params) -> bool:
    return all(jax.tree.leaves(jax.tree.map(np.array_equal, one, two)))


def first_of(swap: Swap, preset: Preset) -> State:
    """What a training of the swap begins with."""
    checkpoint, warnings = newest(swap.checkpoints_dir)
    assert checkpoint is not None and not warnings
    settings = settings_for("tiny", seed=swap.seed, **swap.settings)
    return load_state(checkpoint, state_shapes(preset, settings, tuple(swap.roles)))


def test_a_new_person_takes_the_place_of_another_in_a_trained_model(
    workspace: Workspace,
    other: Swap,
    eve: Person,
    preset: Preset,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("swap", "new", "next", "--source", "ben", "--target", "eve", "--from", other.slug)
    assert run(["--workspace", str(workspace.root), *words, "--seed", "5", "--json"]) == 0
    [said] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (said["preset"], said["step"]) == ("tiny", 0)
    made = get_swap(workspace, "next")
    assert made.start is not None and (made.start.origin, made.start.step) == (other.slug, 9)
    assert made.people == ("ben", "eve", "ada"), "Ada's face is in it too"
    [entry] = [e for e in ledger.entries(workspace) if e.kind == "start"]
    assert entry.values["people"] == ["ben", "eve", "ada"]
    remove_swap(workspace, other)
    found, taken = first_of(made, preset), state_at(preset, 9).average
    assert int(found.step) == 0
    for params in (found.params, found.average):
        assert same(params["encoder"], taken["encoder"])
        assert same(params["source"], taken["target"]), "Ben goes on with his own"
        assert same(params["target"], taken["target"]), "Eve begins as the target before her"
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(found.optimiser))


def test_who_began_a_model_has_a_say_in_it(
    workspace: Workspace, other: Swap, ada: Person, eve: Person, ben: Person, consent: Consent
) -> None:
    made = start_swap(workspace, "next", eve, ben, other, seed=1, settings={}).swap
    assert made in swaps_of(workspace, ada)
    again = start_swap(workspace, "third", ben, eve, made, seed=1, settings={}).swap
    assert again.people == ("ben", "eve", "ada"), "however long ago"
    set_consent(ada, replace(consent, uses=("conversion",)))
    with pytest.raises(RefusedError, match="not for training"):
        start_swap(workspace, "fourth", eve, ben, other, seed=1, settings={})
    assert {swap.slug for swap in list_swaps(workspace)} == {other.slug, "next", "third"}


def test_a_damaged_checkpoint_is_passed_over_and_said(
    workspace: Workspace, other: Swap, ada: Person, eve: Person, preset: Preset
) -> None:
    path = other.checkpoints_dir / "00000009" / "state.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    begun = start_swap(workspace, "next", ada, eve, other, seed=1, settings={})
    assert begun.step == 7
    assert "step 9 is damaged and was set aside" in begun.warnings[0]
    taken = state_at(preset, 7).average
    assert same(first_of(begun.swap, preset).params["source"], taken["source"])


def test_what_does_not_fit_is_refused_and_leaves_nothing(
    workspace: Workspace, other: Swap, ada: Person, eve: Person
) -> None:
    with pytest.raises(CommandError, match="of the preset tiny, and one of light-64 cannot"):
        start_swap(workspace, "x", ada, eve, other, seed=1, settings={}, preset="light-64")
    for step in steps(other.checkpoints_dir):
        (other.checkpoints_dir / f"{step:08d}").rename(other.root / f"moved-{step}")
    with pytest.raises(CommandError, match="has no model yet to start from"):
        start_swap(workspace, "x", ada, eve, other, seed=1, settings={})
    assert list_swaps(workspace) == [other]


def test_teachers_are_oneself_or_who_had_the_role() -> None:
    before = {"source": "ada", "target": "ben", "also-1": "tom"}
    now = {"source": "ben", "target": "zoe", "also-1": "eve", "also-2": "ada", "also-3": "kim"}
    assert teachers(now, before) == {
        "source": "target", "target": "target", "also-1": "also-1", "also-2": "source",
        "also-3": "target",
    }  # fmt: skip


def numbers(**networks: float) -> Params:
    return {name: {"kernel": np.full((2, 3), value)} for name, value in networks.items()}


def taken(found: Params) -> dict[str, float]:
    return {name: float(network["kernel"][0, 0]) for name, network in found.items()}


def test_everybody_begins_as_anyone_in_a_base(preset: Preset) -> None:
    model = Model(preset, ("source", "target", "also-1"), {})
    fresh = numbers(encoder=0, source=0, target=0, **{"also-1": 0})
    base = numbers(encoder=1, anyone=2)
    found = started(base, {}, model, fresh)
    assert taken(found) == {"encoder": 1, "source": 2, "target": 2, "also-1": 2}
    assert taken(started(numbers(encoder=1), {}, model, fresh))["source"] == 0, "or anew"
    assert ANYONE in base


def test_a_source_of_liae_teaches_by_the_shared_inter(preset: Preset) -> None:
    liae = replace(preset, inter=preset.encoder)
    model = Model(liae, ("source", "target", "also-1"), {})
    fresh = numbers(encoder=0, shared=0, target=0, decoder=0, **{"also-1": 0})
    theirs = numbers(encoder=1, shared=2, target=3, decoder=4)
    roles = {"source": "target", "target": "source", "also-1": "target"}
    found = started(theirs, roles, model, fresh)
    assert taken(found) == {"encoder": 1, "shared": 2, "target": 2, "decoder": 4, "also-1": 3}


def test_networks_of_another_shape_are_refused(preset: Preset) -> None:
    model = Model(preset, ("source", "target"), {})
    fresh = numbers(encoder=0, source=0, target=0)
    wide = {**numbers(anyone=1), "encoder": {"kernel": np.zeros((2, 4))}}
    for theirs in (wide, numbers(anyone=1)):
        with pytest.raises(CommandError, match="'encoder' is missing or of another shape"):
            started(theirs, {}, model, fresh)
