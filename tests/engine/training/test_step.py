"""The step learns, is exact, and its state survives a checkpoint to the last bit."""

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.faces.align import CROP_MARGIN
from engine.training.checkpoint import load_state, read_settings, save_state
from engine.training.model import build
from engine.training.step import State, first_state, make_step
from projects.checkpoints import newest
from projects.errors import DamagedError


def fresh(model_and_params, settings) -> State:
    return first_state(jax.tree.map(jnp.copy, model_and_params[1]), settings)


def same(one: State, two: State) -> bool:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_the_loss_falls(model_and_params, settings, pixels, advance):
    state = fresh(model_and_params, settings)
    losses = []
    for _ in range(150):
        state, metrics = advance(state, pixels)
        losses.append(float(metrics["loss"]))
    assert int(state.step) == 150
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])


def test_an_interrupted_training_ends_bit_for_bit_like_an_uninterrupted_one(
    model_and_params, settings, pixels, advance, tmp_path: Path
):
    whole = fresh(model_and_params, settings)
    for _ in range(8):
        whole, _ = advance(whole, pixels)
    first = fresh(model_and_params, settings)
    for _ in range(3):
        first, _ = advance(first, pixels)
    path = save_state(tmp_path, first, settings, {}, keep=2)
    resumed = load_state(path, fresh(model_and_params, settings))
    assert same(first, resumed)
    for _ in range(5):
        resumed, _ = advance(resumed, pixels)
    assert same(whole, resumed)


def test_another_seed_gives_other_weights(model_and_params, settings, pixels, advance):
    one, _ = advance(fresh(model_and_params, settings), pixels)
    other_settings = replace(settings, seed=settings.seed + 1)
    other_step = make_step(model_and_params[0], other_settings, CROP_MARGIN)
    two, _ = jax.jit(other_step)(fresh(model_and_params, settings), pixels)
    assert not same(one, two)


def test_several_steps_in_one_call_are_the_same_steps(model_and_params, settings, pixels, advance):
    one = fresh(model_and_params, settings)
    for _ in range(3):
        one, _ = advance(one, pixels)
    at_once = make_step(model_and_params[0], settings, CROP_MARGIN, steps=3)
    many, metrics = jax.jit(at_once)(fresh(model_and_params, settings), pixels)
    assert int(many.step) == 3
    assert np.isfinite(float(metrics["loss"]))
    for a, b in zip(jax.tree.leaves(one.params), jax.tree.leaves(many.params), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3)


def test_a_checkpoint_remembers_its_settings(model_and_params, settings, tmp_path: Path):
    path = save_state(tmp_path, fresh(model_and_params, settings), settings, {"source": "x"}, 2)
    assert read_settings(path) == settings


def test_a_changed_byte_falls_back_to_the_checkpoint_before(
    model_and_params, settings, pixels, advance, tmp_path: Path
):
    state, _ = advance(fresh(model_and_params, settings), pixels)
    good = save_state(tmp_path, state, settings, {}, keep=2)
    state, _ = advance(state, pixels)
    bad = save_state(tmp_path, state, settings, {}, keep=2)
    data = bytearray((bad / "state.safetensors").read_bytes())
    data[-5] ^= 1
    (bad / "state.safetensors").write_bytes(data)
    path, warnings = newest(tmp_path)
    assert path == good
    assert len(warnings) == 1 and "2" in warnings[0]


def test_a_state_of_another_model_is_never_loaded(
    model_and_params, settings, preset, tmp_path: Path
):
    state = fresh(model_and_params, settings)
    path = save_state(tmp_path, state, settings, {}, keep=1)
    wider = state._replace(params={**state.params, "encoder": {"x": jnp.zeros(3)}})
    with pytest.raises(DamagedError, match="another model"):
        load_state(path, wider)


def test_the_average_follows_the_weights(model_and_params, settings, pixels, advance):
    state = fresh(model_and_params, settings)
    for _ in range(5):
        state, _ = advance(state, pixels)
    first = build(model_and_params[0].preset, settings.seed)[1]

    def distance(a, b) -> float:
        return float(
            sum(jnp.abs(x - y).sum() for x, y in zip(*map(jax.tree.leaves, (a, b)), strict=True))
        )

    assert 0 < distance(state.average, state.params) < distance(first, state.params)
