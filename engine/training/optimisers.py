"""How gradients become a step: the optimiser, its learning rate over time, and clipping.

The optimiser's state is (moments, RateState) for each of them, so that what a checkpoint holds
depends on the optimiser's name, on whether its schedule is `plateau`, on what is frozen for good,
and on nothing else.
"""

from typing import Any, Final, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax

from engine.training.freezing import ENCODER, learning
from engine.training.model import Params
from engine.training.settings import TrainSettings

COSINE_END: Final = 0.01
"""What part of the learning rate is left when a cosine has fallen."""
FALL: Final = 0.5
"""What a plateau multiplies the learning rate by."""
LEAST_FACTOR: Final = 1 / 32
"""Below this a plateau does not bring it."""
LION_BETA2: Final = 0.99
"""As published; Adam's own memory of sizes has no counterpart in Lion."""

KIND: Final = {"adam": "adam", "adamw": "adam", "adabelief": "adabelief", "lion": "lion"}
"""Optimisers of one kind go on with each other's moments."""


class RateState(NamedTuple):
    """Where the learning rate is in its course."""

    count: jax.Array  # type: ignore[assignment]  # as optax and all checkpoints call it
    """int32, steps done by this optimiser."""


class PlateauState(NamedTuple):
    """As RateState, where the held-out score decides."""

    count: jax.Array  # type: ignore[assignment]
    factor: jax.Array
    """float32, what the learning rate is multiplied by: 1, and lower after each plateau."""


OptimiserState: TypeAlias = Any
"""(moments, RateState or PlateauState)"""


def optimiser(settings: TrainSettings) -> optax.GradientTransformation:
    """The optimiser of a training; clipping comes before it, see `apply`.

    adam: Kingma & Ba 2015 (arXiv 1412.6980), weight decay added to the gradients. adamw: decay
    apart from them, Loshchilov & Hutter 2019 (arXiv 1711.05101). adabelief: Zhuang et al. 2020
    (arXiv 2010.07468). lion: Chen et al. 2023 (arXiv 2302.06675). The decay of all but adam is
    apart from the gradients and in proportion to the learning rate.
    """
    match settings.optimiser:
        case "adabelief":
            moments = optax.scale_by_belief(b2=settings.beta2, eps=settings.epsilon)
        case "lion":
            moments = optax.scale_by_lion(b2=LION_BETA2)
        case _:
            moments = optax.scale_by_adam(b2=settings.beta2, eps=settings.epsilon)
    return optax.chain(moments, _scale_by_rate(settings))


def first_moments(params: Params, settings: TrainSettings) -> OptimiserState:
    """The optimiser's state before its first step; `params` of the whole model."""
    return optimiser(settings).init(learning(params, settings))


def rate_at(settings: TrainSettings, done: jax.Array) -> jax.Array:
    """The learning rate of the step after `done` ones, before a plateau's factor.

    A linear warm-up; then constant, or half a cosine (Loshchilov & Hutter 2017, arXiv 1608.03983)
    down to COSINE_END.
    """
    rate = settings.learning_rate * jnp.minimum(1.0, (done + 1) / max(1, settings.warm_up))
    if settings.schedule != "cosine":
        return rate
    way = jnp.minimum(1.0, done / settings.schedule_steps)
    return rate * (COSINE_END + (1 - COSINE_END) * (1 + jnp.cos(jnp.pi * way)) / 2)


def clipped(gradients: Params, params: Params, settings: TrainSettings) -> Params:
    """The gradients, none longer than the settings allow. It has no state.

    First each unit's, in proportion to its weights (Brock et al. 2021, arXiv 2102.06171), then all
    of them together (Pascanu et al. 2013, arXiv 1211.5063).
    """
    if settings.adaptive_clip:
        adaptive = optax.adaptive_grad_clip(settings.adaptive_clip)
        gradients, _ = adaptive.update(gradients, adaptive.init(params), params)
    if settings.clip:
        together = optax.clip_by_global_norm(settings.clip)
        gradients, _ = together.update(gradients, together.init(params), params)
    return gradients


def apply(
    gradients: Params, state: OptimiserState, params: Params, settings: TrainSettings
) -> tuple[Params, OptimiserState]:
    """One step: the weights and the optimiser's state after it; all are of what learns."""
    if settings.optimiser == "adam" and settings.decay:
        gradients = _decayed(gradients, params, settings.decay)
    gradients = clipped(gradients, params, settings)
    updates, state = optimiser(settings).update(gradients, state, params)
    stepped: Params = optax.apply_updates(params, updates)
    return stepped, state


def factor_of(state: OptimiserState) -> float:
    """What the learning rate is multiplied by."""
    rate = state[1]
    return float(rate.factor) if isinstance(rate, PlateauState) else 1.0


def with_factor(state: OptimiserState, factor: float) -> OptimiserState:
    """The state of a training by `plateau`, with another factor of its learning rate."""
    moments, rate = state
    placed = jax.device_put(np.float32(factor), rate.factor.sharding)
    return moments, rate._replace(factor=placed)


def begins_anew(params: Params, was: TrainSettings, now: TrainSettings) -> bool:
    """Whether the moments of `was` are of no use: another kind of optimiser means something else by
    them, and networks that thaw have none."""
    more = learning(params, now).keys() - learning(params, was).keys()
    return KIND[was.optimiser] != KIND[now.optimiser] or bool(more)


def carried(
    state: OptimiserState, params: Params, was: TrainSettings, now: TrainSettings
) -> OptimiserState:
    """The state of an optimiser for going on with other settings than it `was` made with.

    Where it `begins_anew`, the warm-up does too. A factor is kept while the schedule is `plateau`.
    """
    moments, rate = jax.jit(first_moments, static_argnums=1)(params, now)
    if not begins_anew(params, was, now):
        moments = _of_networks(state[0], set(learning(params, now)))
        rate = rate._replace(count=state[1].count)
    if isinstance(rate, PlateauState) and isinstance(state[1], PlateauState):
        rate = rate._replace(factor=state[1].factor)
    return moments, rate


def _scale_by_rate(settings: TrainSettings) -> optax.GradientTransformation:
    """Step against the update, as far as the learning rate says."""
    falling = settings.schedule == "plateau"
    apart = settings.decay if settings.optimiser != "adam" else 0.0

    def init(params: Params) -> RateState | PlateauState:
        count = jnp.zeros((), jnp.int32)
        return PlateauState(count, jnp.ones((), jnp.float32)) if falling else RateState(count)

    def update(updates: Any, state: Any, params: Params | None = None) -> tuple[Any, Any]:
        if apart:
            updates = _decayed(updates, params, apart)
        rate = rate_at(settings, state.count)
        if falling:
            rate = rate * state.factor
        updates = jax.tree.map(lambda u: -rate * u, updates)
        if settings.encoder_rate != 1.0 and ENCODER in updates:
            slower = jax.tree.map(lambda u: settings.encoder_rate * u, updates[ENCODER])
            updates = {**updates, ENCODER: slower}
        return updates, state._replace(count=optax.safe_increment(state.count))

    return optax.GradientTransformation(init, update)


def _decayed(updates: Any, params: Any, decay: float) -> Any:
    """The updates and a part of the weights; vectors, such as biases, are left alone."""
    return jax.tree.map(lambda u, p: u + decay * p if p.ndim > 1 else u, updates, params)


def _of_networks(moments: Any, names: set[str]) -> Any:
    """Moments without those of networks that do not learn any more."""
    parts = (
        {name: part[name] for name in part if name in names} if isinstance(part, dict) else part
        for part in moments
    )
    return type(moments)(*parts)
