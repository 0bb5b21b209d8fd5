"""Networks that are left as they are, for good or for a while; an encoder with its own rate."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.faces.align import CROP_MARGIN
from engine.training import optimisers
from engine.training.freezing import frozen, learning
from engine.training.resume import carried
from engine.training.settings import settings_for
from engine.training.step import compile_first_state, compile_step, make_step
from projects.errors import CommandError
from projects.training_options import changed

DF = {"encoder", "source", "target", "also-1"}
LIAE = {"encoder", "shared", "target", "also-1", "decoder"}


@pytest.mark.parametrize(
    ("freeze", "df", "liae"),
    [
        ("none", set(), set()),
        ("encoder", {"encoder"}, {"encoder"}),
        ("decoders", {"source", "target", "also-1"}, {"decoder"}),
        ("inters", set(), {"shared", "target", "also-1"}),
        ("shared", {"encoder"}, {"encoder", "shared", "decoder"}),
    ],
)
def test_which_networks_are_meant(freeze, df, liae):
    assert frozen(DF, freeze) == df
    assert frozen(LIAE, freeze) == liae


def test_inters_are_only_where_there_are_some():
    with pytest.raises(CommandError, match="light-64 has no inters"):
        settings_for("light-64", freeze="inters")
    with pytest.raises(CommandError, match="light-64 has no inters"):
        changed("light-64", {}, {"freeze": "inters"})
    assert settings_for("hd-256-liae", freeze="inters").freeze == "inters"


def same(one, two) -> bool:
    return all(jax.tree.leaves(jax.tree.map(np.array_equal, one, two)))


def copied(state):
    return jax.tree.map(jnp.copy, state)


def test_a_frozen_encoder_does_not_move_by_a_bit_and_keeps_no_moments(
    preset, model, settings, pixels
):
    how = replace(settings, freeze="encoder", decay=0.1, optimiser="adamw", accumulate=2)
    first = compile_first_state(preset, how)
    moments = first.optimiser[0]
    assert moments.mu.keys() == moments.nu.keys() == {"source", "target"}
    advance = compile_step(make_step(model, how, CROP_MARGIN), first, pixels)
    state = copied(first)
    for _ in range(2):
        state, _ = advance(state, pixels)
    assert same(state.params["encoder"], first.params["encoder"])
    assert same(state.average["encoder"], first.average["encoder"])
    assert not same(state.params["source"], first.params["source"])
    assert not same(state.params["target"], first.params["target"])


def test_what_is_frozen_until_a_step_learns_from_there_on(preset, model, settings, pixels):
    how = replace(settings, freeze="decoders", freeze_until=1)
    first = compile_first_state(preset, how)
    advance = compile_step(make_step(model, how, CROP_MARGIN), first, pixels)
    one, _ = advance(copied(first), pixels)
    assert same(one.params["source"], first.params["source"])
    assert not same(one.params["encoder"], first.params["encoder"])
    two, _ = advance(copied(one), pixels)
    assert not same(two.params["source"], first.params["source"])


def test_moments_go_on_when_more_is_frozen_and_begin_anew_when_something_thaws(first, settings):
    still = replace(settings, freeze="encoder")
    moved = first._replace(optimiser=jax.tree.map(lambda leaf: leaf + 1, first.optimiser))
    fewer = carried(moved, settings, still)
    assert fewer.optimiser[0].mu.keys() == {"source", "target"}
    assert same(fewer.optimiser[0].mu["source"], moved.optimiser[0].mu["source"])
    assert int(fewer.optimiser[1].count) == 1
    thawed = carried(fewer, still, settings)
    assert thawed.optimiser[0].mu.keys() == {"encoder", "source", "target"}
    assert int(thawed.optimiser[1].count) == 0
    assert same(learning(first.params, settings), first.params)


def test_an_encoder_learns_at_its_own_rate():
    params = {name: {"kernel": jnp.ones((2, 2))} for name in ("encoder", "source")}
    how = replace(settings_for("light-64"), encoder_rate=0.25, warm_up=0)
    moments = optimisers.first_moments(params, how)
    after, _ = optimisers.apply(params, moments, params, how)
    steps = {name: float(1 - network["kernel"][0, 0]) for name, network in after.items()}
    assert steps["encoder"] == pytest.approx(0.25 * steps["source"], rel=1e-3)
