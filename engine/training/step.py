"""One training step: sample, encode, decode, compare, update. One donated `jax.jit`."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from engine.nets.presets import Preset
from engine.training.augment import Batch, sample
from engine.training.losses import chip_loss
from engine.training.model import PEOPLE, Model, Params, fresh_params
from engine.training.sampling import Chosen, Crops, step_key
from engine.training.settings import TrainSettings

Metrics = dict[str, jax.Array]
Pixels = Mapping[str, Crops]
"""What a batch is made of, for each person: see `sampling.Crops` and `feed`."""


class State(NamedTuple):
    """All that changes in training, and all that a checkpoint holds."""

    step: jax.Array
    """int32, steps done."""
    params: Params
    average: Params
    """Running average of `params`."""
    optimiser: Any


Step = Callable[[State, Pixels], tuple[State, Metrics]]
"""Makes one or more steps and returns their mean metrics; it consumes the state."""


def optimiser(settings: TrainSettings) -> optax.GradientTransformation:
    """Adam (Kingma & Ba 2015) with a linear warm-up; every setting has a state of one structure."""

    def rate(done: jax.Array) -> jax.Array:
        return settings.learning_rate * jnp.minimum(1.0, (done + 1) / max(1, settings.warm_up))

    return optax.adam(rate, b2=settings.beta2, eps=settings.epsilon)


def first_state(preset: Preset, settings: TrainSettings, people: tuple[str, ...] = PEOPLE) -> State:
    """The state before the first step."""
    params = fresh_params(preset, settings.seed, people)
    average = jax.tree.map(jnp.copy, params)
    return State(jnp.zeros((), jnp.int32), params, average, optimiser(settings).init(params))


def compile_first_state(
    preset: Preset, settings: TrainSettings, people: tuple[str, ...] = PEOPLE
) -> State:
    """`first_state` as one program: hundreds of small ones cost seconds."""
    state: State = jax.jit(first_state, static_argnums=(0, 1, 2))(preset, settings, people)
    return state


def state_shapes(
    preset: Preset, settings: TrainSettings, people: tuple[str, ...] = PEOPLE
) -> State:
    """The structure of a state, with shapes and dtypes in place of arrays."""
    shapes: State = jax.eval_shape(lambda: first_state(preset, settings, people))
    return shapes


def make_step(model: Model, settings: TrainSettings, margin: float, steps: int = 1) -> Step:
    """The function (state, pixels) -> (state, metrics), to be compiled with the state donated.

    margin: how many times a chip's side the pixels show.
    steps: how many steps one call makes. A fast device wants many, so that it never waits for
    Python; on a CPU it must be 1, since XLA's convolutions lose their fast path inside a loop.
    Crops that were chosen on the host are stacked then, those of a step behind the other's.
    """
    one = partial(_step, model=model, settings=settings, margin=margin)
    if steps == 1:
        return one

    def many(state: State, pixels: Pixels) -> tuple[State, Metrics]:
        if any(isinstance(crops, Chosen) for crops in pixels.values()):
            state, metrics = jax.lax.scan(one, state, pixels, length=steps)
        else:
            state, metrics = jax.lax.scan(lambda s, _: one(s, pixels), state, length=steps)
        return state, jax.tree.map(lambda m: m.mean(), metrics)

    return many


def compile_step(step: Step, state: State, pixels: Pixels) -> Step:
    """One donated `jax.jit`, compiled ahead of time, so that no step is lost to it."""
    compiled: Step = jax.jit(step, donate_argnums=0).lower(state, pixels).compile()
    return compiled


def _step(
    state: State, pixels: Pixels, *, model: Model, settings: TrainSettings, margin: float
) -> tuple[State, Metrics]:
    key = step_key(settings.seed, state.step)
    batches = sample(
        [pixels[person] for person in model.people],
        key,
        settings.batch,
        model.preset.size,
        margin,
        settings.augmentation,
        settings.masked,
    )
    loss = partial(_loss, batches=batches, model=model, settings=settings)
    gradients, metrics = jax.grad(loss, has_aux=True)(state.params)
    updates, moments = optimiser(settings).update(gradients, state.optimiser, state.params)
    params = optax.apply_updates(state.params, updates)
    # The first steps are forgotten quickly; later the average spans 1 / (1 - decay) steps.
    decay = jnp.minimum(settings.average, (1.0 + state.step) / (10.0 + state.step))
    average = jax.tree.map(lambda a, p: a + (1 - decay) * (p - a), state.average, params)
    return State(state.step + 1, params, average, moments), metrics


def _loss(
    params: Params, *, batches: list[Batch], model: Model, settings: TrainSettings
) -> tuple[jax.Array, Metrics]:
    codes = model.encode(params, jnp.concatenate([b.seen for b in batches]))
    total = jnp.zeros(())
    metrics: Metrics = {}
    shares = zip(model.people, batches, jnp.split(codes, len(batches)), strict=True)
    for person, batch, code in shares:
        rgb, mask = model.decode(params, person, code)
        loss, parts = chip_loss(rgb, mask, batch, settings.losses)
        metrics[person] = loss
        for name, value in parts.items():
            metrics[name] = metrics.get(name, 0.0) + value / len(batches)
        total = total + loss
    metrics["loss"] = total
    return total, metrics
