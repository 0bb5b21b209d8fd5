"""One training step: sample, encode, decode, compare, update. One donated `jax.jit`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.nets.presets import Preset
from engine.training import optimisers
from engine.training.adversary import (
    Adversary,
    Chips,
    first_adversary,
    listened_to,
    realness,
    taught,
)
from engine.training.augment import Batch, sample
from engine.training.devices import Spread, apart, side_by_side
from engine.training.freezing import learning, thawed
from engine.training.losses import area_of, chip_loss, code_distance, inside_only
from engine.training.model import PEOPLE, Model, Params, fresh_params
from engine.training.sampling import Chosen, Crops, step_key
from engine.training.settings import Augmentation, TrainSettings

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
    optimiser: optimisers.OptimiserState
    adversary: Adversary | None = None
    """None where the adversary's weight is 0."""


Step = Callable[[State, Pixels], tuple[State, Metrics]]
"""Makes one or more steps and returns their mean metrics; it consumes the state."""


def first_state(preset: Preset, settings: TrainSettings, people: tuple[str, ...] = PEOPLE) -> State:
    """The state before the first step."""
    params = fresh_params(preset, settings.seed, people)
    average = jax.tree.map(jnp.copy, params)
    moments = optimisers.first_moments(params, settings)
    adversary = first_adversary(settings, people)
    return State(jnp.zeros((), jnp.int32), params, average, moments, adversary)


def with_params(first: State, params: Params) -> State:
    """A first state with other parameters, which are their own average."""
    return first._replace(params=params, average=jax.tree.map(jnp.copy, params))


def averaged(state: State, params: Params, settings: TrainSettings) -> Params:
    """The running average after the step from `state` to `params`."""
    # The first steps are forgotten quickly; later the average spans 1 / (1 - decay) steps.
    decay = jnp.minimum(settings.average, (1.0 + state.step) / (10.0 + state.step))
    average: Params = jax.tree.map(lambda a, p: a + (1 - decay) * (p - a), state.average, params)
    return average


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


def make_step(
    model: Model,
    settings: TrainSettings,
    margin: float,
    steps: int = 1,
    spread: Spread | None = None,
) -> Step:
    """The function (state, pixels) -> (state, metrics), to be compiled with the state donated.

    margin: how many times a chip's side the pixels show.
    steps: how many steps one call makes. A fast device wants many, so that it never waits for
    Python; on a CPU it must be 1, since XLA's convolutions lose their fast path inside a loop.
    Crops that were chosen on the host are stacked then, those of a step behind the other's.
    spread: the devices, where they are several.
    """
    one = partial(_step, model=model, settings=settings, margin=margin, spread=spread)
    if steps == 1:
        return one

    def many(state: State, pixels: Pixels) -> tuple[State, Metrics]:
        if any(isinstance(crops, Chosen) for crops in pixels.values()):
            state, metrics = jax.lax.scan(one, state, pixels, length=steps)
        else:
            state, metrics = jax.lax.scan(lambda s, _: one(s, pixels), state, length=steps)
        return state, jax.tree.map(lambda m: m.mean(), metrics)

    return many


def compile_step(step: Step, state: State, pixels: Pixels, spread: Spread | None = None) -> Step:
    """One donated `jax.jit`, compiled ahead of time, so that no step is lost to it."""
    if spread is None:
        jitted = jax.jit(step, donate_argnums=0)
    else:
        jitted = jax.jit(step, donate_argnums=0, out_shardings=spread.whole)
    compiled: Step = jitted.lower(state, pixels).compile()
    return compiled


def _step(
    state: State,
    pixels: Pixels,
    *,
    model: Model,
    settings: TrainSettings,
    margin: float,
    spread: Spread | None,
) -> tuple[State, Metrics]:
    batches = draw_batches(
        state.step, pixels, model=model, settings=settings, margin=margin, spread=spread
    )
    return learn(state, batches, model, settings, spread)


def draw_batches(
    step: jax.Array,
    pixels: Pixels,
    *,
    model: Model,
    settings: TrainSettings,
    margin: float,
    spread: Spread | None = None,
) -> list[Batch]:
    """The chips of a step, of each person in the model's order. step: int32 [], steps done."""
    return sample(
        [pixels[person] for person in model.people],
        step_key(settings.seed, step),
        settings.batch,
        model.preset.size,
        margin,
        _augmentation(settings, step),
        settings.masked,
        spread,
    )


def learn(
    state: State,
    batches: list[Batch],
    model: Model,
    settings: TrainSettings,
    spread: Spread | None = None,
) -> tuple[State, Metrics]:
    """The step that follows on chips that are drawn: the state after it, and its metrics."""
    key = step_key(settings.seed, state.step)
    if spread is not None:
        batches = spread.constrained(batches)
    gradients, (metrics, decoded) = _gradients(state, batches, key, model, settings, spread)
    before = learning(state.params, settings)
    stepped, moments = optimisers.apply(gradients, state.optimiser, before, settings)
    params = {**state.params, **thawed(stepped, before, settings, state.step)}
    average = averaged(state, params, settings)
    adversary = state.adversary
    if adversary is not None:
        pairs = zip(model.people, batches, strict=True)
        real = {person: inside_only(b.wanted, b, settings.losses) for person, b in pairs}
        adversary, metrics["judge"] = taught(adversary, decoded, real, settings, state.step)
    return State(state.step + 1, params, average, moments, adversary), metrics


def loss_of(state: State, batches: list[Batch], model: Model, settings: TrainSettings) -> jax.Array:
    """The loss of drawn chips, by itself: float32 []."""
    key = step_key(settings.seed, state.step)
    loss, _ = _loss(state.params, batches, state=state, key=key, model=model, settings=settings)
    return loss


def gradients_of(
    state: State, batches: list[Batch], model: Model, settings: TrainSettings
) -> Params:
    """The gradients of drawn chips, by themselves."""
    key = step_key(settings.seed, state.step)
    gradients, _ = _gradients(state, batches, key, model, settings)
    return gradients


def _augmentation(settings: TrainSettings, step: jax.Array) -> Augmentation:
    """How chips are changed in a step; what changes with the steps is an array in it."""
    how = settings.augmentation
    if not (settings.warp_until and how.warp):
        return how
    warp = jnp.where(step < settings.warp_until, how.warp, 0.0)
    return replace(how, warp=warp)  # type: ignore[arg-type]  # a number while it is traced


def _gradients(
    state: State,
    batches: list[Batch],
    key: jax.Array,
    model: Model,
    settings: TrainSettings,
    spread: Spread | None = None,
) -> tuple[Params, tuple[Metrics, Chips]]:
    """The gradients, in what learns, of a batch of each person, its metrics, and what was decoded
    where there is an adversary: of all at once, or of one part after the other."""
    loss = partial(_loss, state=state, key=key, model=model, settings=settings, spread=spread)
    learns = learning(state.params, settings)
    parts = settings.accumulate
    if parts == 1:
        whole: tuple[Params, tuple[Metrics, Chips]]
        whole = jax.grad(loss, has_aux=True)(learns, batches)
        return whole
    # Pixels weigh in a part what they weigh in the whole batch.
    areas = [area_of(batch, settings.losses) / parts for batch in batches]
    gradient = jax.grad(partial(loss, areas=areas), has_aux=True)
    cut = jax.tree.map(lambda x: x.reshape(parts, -1, *x.shape[1:]), batches)
    if spread is not None:
        cut = spread.constrained(cut, axis=1)

    def one(total: Params, part: list[Batch]) -> tuple[Params, tuple[Metrics, Chips]]:
        found, told = gradient(learns, part)
        return jax.tree.map(lambda t, g: t + g / parts, total, found), told

    total = jax.tree.map(jnp.zeros_like, learns)
    if jax.default_backend() != "cpu":
        total, (metrics, decoded) = jax.lax.scan(one, total, cut)
    else:
        # XLA's convolutions on a CPU lose their fast path inside a loop of its own.
        told = []
        for number in range(parts):
            # Without the barrier the parts might be worked on, and held in memory, all at once.
            cut, total = jax.lax.optimization_barrier((cut, total))  # type: ignore[no-untyped-call]
            total, said = one(total, jax.tree.map(lambda x, n=number: x[n], cut))
            told.append(said)
        metrics, decoded = jax.tree.map(lambda *xs: jnp.stack(xs), *told)
    metrics = {name: value.mean() for name, value in metrics.items()}
    joined = {person: x.reshape(-1, *x.shape[2:]) for person, x in decoded.items()}
    return total, (metrics, joined)


def _loss(
    learns: Params,
    batches: list[Batch],
    *,
    state: State,
    key: jax.Array,
    model: Model,
    settings: TrainSettings,
    spread: Spread | None = None,
    areas: list[jax.Array] | None = None,
) -> tuple[jax.Array, tuple[Metrics, Chips]]:
    """learns: the networks by which it is derived; the others are the state's.
    areas: what the pixels' weights come to in this part's share of the whole batch."""
    weights, params = settings.losses, {**state.params, **learns}
    seen = side_by_side([b.seen for b in batches], spread)
    codes = apart(model.encode(params, seen), len(batches), spread)
    total, metrics, decoded = jnp.zeros(()), Metrics(), Chips()

    def tell(name: str, value: jax.Array) -> None:
        metrics[name] = metrics.get(name, 0.0) + value / len(batches)

    for number, (person, batch) in enumerate(zip(model.people, batches, strict=True)):
        rgb, mask = model.decode(params, person, codes[number])
        loss, parts = chip_loss(rgb, mask, batch, weights, None if areas is None else areas[number])
        metrics[person] = loss
        for name, value in parts.items():
            tell(name, value)
        total = total + loss
        if state.adversary is not None:
            decoded[person] = inside_only(rgb, batch, weights)
    if weights.code:
        metrics["code"] = code_distance(codes, jax.random.fold_in(key, len(batches)))
        total = total + weights.code * metrics["code"]
    metrics["loss"] = total  # without the adversary, whose part has no scale of its own
    if state.adversary is not None:
        for person, shown in decoded.items():
            fooled = -realness(state.adversary.params[person], shown).mean()
            tell("adversary", fooled)
            total = total + listened_to(settings, state.step) * fooled
    return total, (metrics, decoded)
