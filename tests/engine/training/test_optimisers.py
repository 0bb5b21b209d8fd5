"""Every optimiser goes on exactly where a checkpoint left it, at the rate that its schedule has."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from engine.training import optimisers
from engine.training.checkpoint import load_state, save_state
from engine.training.optimisers import COSINE_END, clipped, factor_of, rate_at, with_factor
from engine.training.resume import carried
from engine.training.settings import TrainSettings, settings_for
from engine.training.step import State, state_shapes
from projects.errors import CommandError
from projects.training_options import OPTIMISERS, SCHEDULES, changed

USUAL = replace(settings_for("light-64"), warm_up=3)


def weights() -> dict[str, dict[str, jax.Array]]:
    keys = jax.random.split(jax.random.key(0), 2)
    return {
        "layer": {
            "kernel": jax.random.normal(keys[0], (6, 4)),
            "bias": jax.random.normal(keys[1], (4,)),
        }
    }


def state_of(settings: TrainSettings) -> State:
    params = weights()
    moments = optimisers.optimiser(settings).init(params)
    return State(jnp.zeros((), jnp.int32), params, params, moments)


@partial(jax.jit, static_argnames="settings")
def stepped(state: State, settings: TrainSettings) -> State:
    """A step of the loss |weights - 1|^2, seen through noise."""
    noise = jax.random.normal(jax.random.fold_in(jax.random.key(1), state.step), ())
    gradients = jax.tree.map(lambda w: 2 * (w - 1) + 0.1 * noise, state.params)
    params, moments = optimisers.apply(gradients, state.optimiser, state.params, settings)
    return state._replace(step=state.step + 1, params=params, optimiser=moments)


def after(state: State, settings: TrainSettings, steps: int) -> State:
    for _ in range(steps):
        state = stepped(state, settings)
    return state


def same(one: State, two: State) -> bool:
    equal = jax.tree.map(lambda a, b: bool(np.array_equal(a, b)), one, two)
    return all(jax.tree.leaves(equal))


def differs(settings: TrainSettings, **changes: object) -> TrainSettings:
    return replace(settings, **{"schedule_steps": 10, "decay": 0.01, **changes})


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_optimiser_goes_on_bit_for_bit_from_a_checkpoint(
    name: str, schedule: str, tmp_path: Path
):
    how = differs(USUAL, optimiser=name, schedule=schedule, clip=1.0, adaptive_clip=0.1)
    whole = after(state_of(how), how, 7)
    part = after(state_of(how), how, 3)
    path = save_state(tmp_path, part, how, {}, keep=1)
    assert same(after(load_state(path, state_of(how)), how, 4), whole)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_optimiser_learns(name: str):
    how = replace(USUAL, optimiser=name, learning_rate=0.02)
    first = state_of(how)

    def loss(state: State) -> float:
        return float(sum(((w - 1) ** 2).sum() for w in jax.tree.leaves(state.params)))

    assert loss(after(first, how, 60)) < 0.5 * loss(first)


def test_adam_is_the_published_one():
    ours, params = state_of(USUAL), weights()
    theirs = optax.adam(partial(rate_at, USUAL), b2=USUAL.beta2, eps=USUAL.epsilon)
    moments = theirs.init(params)
    for _ in range(4):
        noise = jax.random.normal(jax.random.fold_in(jax.random.key(1), ours.step), ())
        gradients = jax.tree.map(lambda w, n=noise: 2 * (w - 1) + 0.1 * n, params)
        updates, moments = theirs.update(gradients, moments, params)
        params = optax.apply_updates(params, updates)
        ours = stepped(ours, USUAL)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), ours.params, params)


def test_the_state_of_the_default_is_what_checkpoints_have_always_held(preset, settings):
    shapes = state_shapes(preset, settings)
    names = [
        jax.tree_util.keystr(path, simple=True, separator="/")
        for path, _ in jax.tree_util.tree_leaves_with_path(shapes)
    ]
    assert names[0] == "step"
    of = [name.split("/", 1) for name in names[1:]]
    weights = [rest for top, rest in of if top == "params"]
    assert "encoder/stem/kernel" in weights and "source/block1/conv/bias" in weights
    assert [rest for top, rest in of if top == "average"] == weights
    assert [rest for top, rest in of if top == "optimiser"] == [
        "0/count",
        *[f"0/mu/{name}" for name in weights],
        *[f"0/nu/{name}" for name in weights],
        "1/count",
    ]
    assert {top for top, _ in of} == {"params", "average", "optimiser"}


def test_the_rate_warms_up_and_then_stays_or_falls():
    def course(settings: TrainSettings, steps: range) -> list[float]:
        found = [float(rate_at(settings, jnp.int32(step))) for step in steps]
        return [value / settings.learning_rate for value in found]

    assert course(USUAL, range(5)) == pytest.approx([1 / 3, 2 / 3, 1, 1, 1])
    falling = replace(USUAL, warm_up=0, schedule="cosine", schedule_steps=8)
    half = (1 + COSINE_END) / 2
    assert course(falling, range(0, 17, 4)) == pytest.approx([1, half] + 3 * [COSINE_END])


def test_the_factor_of_a_plateau_scales_a_step():
    how = replace(USUAL, schedule="plateau", warm_up=0)
    first = state_of(how)
    halved = first._replace(optimiser=with_factor(first.optimiser, 0.5))
    assert (factor_of(first.optimiser), factor_of(halved.optimiser)) == (1.0, 0.5)

    def moved(state: State) -> jax.Array:
        return stepped(state, how).params["layer"]["kernel"] - state.params["layer"]["kernel"]

    np.testing.assert_allclose(moved(halved), 0.5 * moved(first), rtol=1e-3)


def test_gradients_are_clipped_together_and_unit_by_unit():
    params = weights()
    large = jax.tree.map(lambda w: 100 * jnp.ones_like(w), params)
    together = clipped(large, params, replace(USUAL, clip=0.5))
    assert float(optax.global_norm(together)) == pytest.approx(0.5, rel=1e-4)
    units = clipped(large, params, replace(USUAL, adaptive_clip=0.01))["layer"]["kernel"]
    allowed = 0.01 * jnp.linalg.norm(params["layer"]["kernel"], axis=0)
    np.testing.assert_allclose(jnp.linalg.norm(units, axis=0), allowed, rtol=1e-3)
    assert clipped(large, params, USUAL) is large


@pytest.mark.parametrize("name", [n for n in OPTIMISERS if n != "adam"])
def test_decay_draws_kernels_to_nothing_and_leaves_biases(name: str):
    how = replace(USUAL, optimiser=name, decay=1.0, learning_rate=0.1, warm_up=0)
    params = weights()
    nothing = jax.tree.map(jnp.zeros_like, params)
    moments = optimisers.optimiser(how).init(params)
    after, _ = optimisers.apply(nothing, moments, params, how)
    np.testing.assert_allclose(after["layer"]["kernel"], 0.9 * params["layer"]["kernel"], rtol=1e-5)
    np.testing.assert_array_equal(after["layer"]["bias"], params["layer"]["bias"])


def test_what_still_means_the_same_is_kept_when_settings_change():
    adam = after(state_of(USUAL), USUAL, 3)
    assert same(carried(adam, USUAL, USUAL), adam)
    adamw = replace(USUAL, optimiser="adamw", decay=0.1)
    assert same(carried(adam, USUAL, adamw), adam)
    plateau = replace(USUAL, schedule="plateau")
    falling = carried(adam, USUAL, plateau)
    assert factor_of(falling.optimiser) == 1.0
    assert int(falling.optimiser[1].count) == 3
    lower = falling._replace(optimiser=with_factor(falling.optimiser, 0.25))
    slower = replace(plateau, learning_rate=1e-4)
    assert factor_of(carried(lower, plateau, slower).optimiser) == 0.25
    lion = carried(adam, USUAL, replace(USUAL, optimiser="lion"))
    assert int(lion.step) == 3
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(lion.optimiser))
    np.testing.assert_array_equal(lion.params["layer"]["kernel"], adam.params["layer"]["kernel"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schedule": "cosine"}, "schedule_steps"),
        ({"batch": 6, "accumulate": 4}, "equal parts"),
        ({"optimiser": "sgd"}, "lion"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_where_they_are_made(changes, said):
    with pytest.raises(CommandError, match=said):
        settings_for("light-64", **changes)
    with pytest.raises(CommandError, match=said):
        changed("light-64", {}, changes)
