"""The step learns, is exact, and its state survives a checkpoint to the last bit."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.faces.align import CROP_MARGIN
from engine.training.checkpoint import load_state, read_settings, save_state
from engine.training.step import State, draw_batches, make_step
from projects.checkpoints import newest
from projects.errors import DamagedError
from tests.engine.training.conftest import STILL


def same(one: State, two: State) -> bool:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_the_loss_falls(state, pixels, advance):
    losses = []
    for _ in range(150):
        state, metrics = advance(state, pixels)
        losses.append(float(metrics["loss"]))
    assert int(state.step) == 150
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])


def test_a_warp_ends_at_its_step(model, settings, pixels):
    ends = replace(settings, augmentation=replace(STILL, warp=0.1), warp_until=3, masked=False)
    draw = jax.jit(partial(draw_batches, model=model, settings=ends, margin=CROP_MARGIN))
    for step, warped in ((2, True), (3, False)):
        for batch in draw(jnp.int32(step), pixels):
            assert np.allclose(batch.seen, batch.wanted, atol=1e-5) != warped


def test_an_interrupted_training_ends_bit_for_bit_like_an_uninterrupted_one(
    state, first, settings, pixels, advance, tmp_path: Path
):
    whole, part = state, jax.tree.map(jnp.copy, first)
    for _ in range(8):
        whole, _ = advance(whole, pixels)
    for _ in range(3):
        part, _ = advance(part, pixels)
    path = save_state(tmp_path, part, settings, {}, keep=2)
    resumed = load_state(path, first)
    assert same(part, resumed)
    for _ in range(5):
        resumed, _ = advance(resumed, pixels)
    assert same(whole, resumed)


def test_several_steps_in_one_call_are_the_same_steps(
    model, settings, state, first, pixels, advance
):
    one = state
    for _ in range(3):
        one, _ = advance(one, pixels)
    at_once = make_step(model, settings, CROP_MARGIN, steps=3)
    many, metrics = jax.jit(at_once)(first, pixels)
    assert int(many.step) == 3
    assert np.isfinite(float(metrics["loss"]))
    for a, b in zip(jax.tree.leaves(one.params), jax.tree.leaves(many.params), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3)


@pytest.mark.parametrize("scanned", [False, True])
def test_a_batch_in_parts_makes_the_step_of_the_batch_at_once(
    model, settings, first, pixels, scanned, monkeypatch
):
    # With such an epsilon the step is in proportion to the gradient.
    # The distance of codes looks at each part by itself.
    losses = replace(settings.losses, msdssim=1.0, laplacian=1.0, code=0.0)
    once = replace(settings, losses=losses, epsilon=1.0, warm_up=0)
    if scanned:
        monkeypatch.setattr("jax.default_backend", lambda: "gpu")
    moved, loss = [], []
    for how in (once, replace(once, accumulate=2)):
        state, metrics = jax.jit(make_step(model, how, CROP_MARGIN))(first, pixels)
        moved.append(jax.tree.leaves(jax.tree.map(jnp.subtract, state.params, first.params)))
        loss.append(float(metrics["loss"]))
    assert loss[0] == pytest.approx(loss[1], rel=1e-5)
    for a, b in zip(*moved, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3 * float(jnp.abs(a).max()) + 1e-9)


def test_a_checkpoint_remembers_its_settings(first, settings, tmp_path: Path):
    path = save_state(tmp_path, first, settings, {"source": "x"}, 2)
    assert read_settings(path) == settings


def test_a_changed_byte_falls_back_to_the_checkpoint_before(
    state, settings, pixels, advance, tmp_path: Path
):
    state, _ = advance(state, pixels)
    good = save_state(tmp_path, state, settings, {}, keep=2)
    state, _ = advance(state, pixels)
    bad = save_state(tmp_path, state, settings, {}, keep=2)
    data = bytearray((bad / "state.safetensors").read_bytes())
    data[-5] ^= 1
    (bad / "state.safetensors").write_bytes(data)
    path, warnings = newest(tmp_path)
    assert path == good
    assert len(warnings) == 1 and "2" in warnings[0]


def test_a_state_of_another_model_is_never_loaded(first, settings, tmp_path: Path):
    path = save_state(tmp_path, first, settings, {}, keep=1)
    wider = first._replace(params={**first.params, "encoder": {"x": jnp.zeros(3)}})
    with pytest.raises(DamagedError, match="another model"):
        load_state(path, wider)


def test_the_average_follows_the_weights(state, first, pixels, advance):
    for _ in range(5):
        state, _ = advance(state, pixels)

    def distance(a, b) -> float:
        return float(
            sum(jnp.abs(x - y).sum() for x, y in zip(*map(jax.tree.leaves, (a, b)), strict=True))
        )

    assert 0 < distance(state.average, state.params) < distance(first.params, state.params)
