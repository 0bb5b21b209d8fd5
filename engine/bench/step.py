"""A training step prepared and timed in this process, on random pixels."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from engine.bench.peak import seconds
from engine.nets.presets import Preset, get_preset
from engine.training import optimisers
from engine.training.augment import CHANNELS
from engine.training.clock import Stall
from engine.training.dispatch import steps_a_dispatch
from engine.training.model import PEOPLE, Model
from engine.training.precision import settle, settled_model
from engine.training.sampling import Crops
from engine.training.settings import TrainSettings, settings_for
from engine.training.step import State, Step, compile_first_state, compile_step, make_step
from projects.face_crop import CROP_MARGIN, crop_side

FACES: Final = 64
"""Of each person."""
LEAST: Final = 5
"""Calls that are timed, however long they take."""

Inputs = dict[str, Crops]


class Feed(Protocol):
    """What of `engine.training.feed.Feed` a timing needs."""

    @property
    def most_steps(self) -> int: ...

    def take(self, step: int, steps: int, waiting: Callable[[], None] | None = None) -> Any: ...

    def example(self, steps: int) -> Any: ...


class Noise:
    """A feed of random pixels that lie on the device."""

    most_steps = 1 << 30

    def __init__(self, size: int, faces: int = FACES) -> None:
        """size: of the chips, in pixels. faces: of each person."""
        rng = np.random.default_rng(0)
        shape = (faces, crop_side(size), crop_side(size), CHANNELS)
        self._pixels: Inputs = {
            who: jnp.asarray(rng.integers(0, 256, shape, np.uint8)) for who in PEOPLE
        }

    def take(self, step: int, steps: int, waiting: Callable[[], None] | None = None) -> Inputs:
        """By role, uint8 [faces, R, R, 6], whatever the step."""
        return self._pixels

    def example(self, steps: int) -> Inputs:
        """The same."""
        return self._pixels


@dataclass
class Prepared:
    """A preset that is ready to step as `engine.training.loop` would step it."""

    preset: Preset
    settings: TrainSettings
    model: Model
    state: State
    """Consumed by a call, and to be put back from what it answers."""
    feed: Feed
    call: Step
    steps: int
    """How many steps a call makes."""
    compile_seconds: float
    warnings: list[str]


@dataclass(frozen=True)
class Timed:
    """Calls that were timed."""

    seconds: float
    """Median of a step."""
    calls: int
    stall: float | None
    """Share of the time in which the device waited for its input, at most; None where each call
    was waited for."""


def prepare(
    name: str,
    batch: int,
    *,
    steps: int | None = None,
    precision: str = "auto",
    feed: Feed | None = None,
) -> Prepared:
    """Compile the step of a preset, and as many of them in one call as a training would.

    batch: chips of each person. steps: that many in a call instead, or as many as the feed allows.
    precision: as in a swap's settings. feed: of noise by default.
    """
    preset = get_preset(name)
    wanted = settings_for(name, batch=batch, precision=precision)
    settings, warnings = settle(wanted, preset.size)
    feed = feed or Noise(preset.size)
    state = compile_first_state(preset, settings)
    model = settled_model(settings)
    compile_seconds = 0.0

    def compiled(steps: int) -> Step:
        nonlocal compile_seconds
        start = time.perf_counter()
        call = make_step(model, settings, CROP_MARGIN, steps)
        call = compile_step(call, state, feed.example(steps))
        compile_seconds += time.perf_counter() - start
        return call

    if steps is None:
        call, steps = compiled(1), 1
        if jax.default_backend() != "cpu":
            steps = min(steps_a_dispatch(call, state, feed.take(0, 1)), feed.most_steps)
        if steps > 1:
            call = compiled(steps)
    else:
        steps = min(steps, feed.most_steps)
        call = compiled(steps)
    return Prepared(preset, settings, model, state, feed, call, steps, compile_seconds, warnings)


def first_call(ready: Prepared) -> None:
    """Make one call and wait for its loss, as a training does that tells its first loss."""
    inputs = ready.feed.take(int(ready.state.step), ready.steps)
    ready.state, metrics = ready.call(ready.state, inputs)
    float(metrics["loss"])


def one_by_one(ready: Prepared, least: float, between: Callable[[], None]) -> Timed:
    """Time calls, each waited for, until they have taken `least` seconds: for a CPU, which is as
    slow as what else it does. `between` is done between them and not timed."""
    taken: list[float] = []
    while len(taken) < LEAST or sum(taken) < least:
        between()
        start = time.perf_counter()
        first_call(ready)
        jax.block_until_ready(ready.state)  # type: ignore[no-untyped-call]
        taken.append(time.perf_counter() - start)
    return Timed(statistics.median(taken) / ready.steps, len(taken), None)


def in_a_row(ready: Prepared, least: float) -> Timed:
    """Time calls as a training makes them, one given to the device while the last is at work, until
    they have taken `least` seconds."""
    taken: list[float] = []
    done = int(ready.state.step)
    stall = Stall()
    pending: Any = None
    last: float | None = None
    while len(taken) < LEAST or sum(taken) < least:
        inputs = ready.feed.take(done, ready.steps, stall.look)
        stall.before_call()
        ready.state, metrics = ready.call(ready.state, inputs)
        stall.called(metrics["loss"])
        done += ready.steps
        if pending is not None:
            float(pending)
            stall.look()
            now = time.perf_counter()
            if last is not None:
                taken.append(now - last)
            last = now
        pending = metrics["loss"]
    float(pending)
    return Timed(statistics.median(taken) / ready.steps, len(taken), stall.share)


def update_seconds(state: State, settings: TrainSettings) -> float:
    """Median seconds of the optimiser and the running average on their own."""

    @partial(jax.jit, donate_argnums=0)
    def update(state: Any, gradients: Any) -> Any:
        params, average, moments = state
        params, moments = optimisers.apply(gradients, moments, params, settings)
        return params, jax.tree.map(lambda a, p: a + 0.01 * (p - a), average, params), moments

    copy = partial(jax.tree.map, jnp.copy)
    params = state.params
    held = update((copy(params), copy(params), optimisers.optimiser(settings).init(params)), params)
    taken = []
    for _ in range(LEAST):

        def once() -> Any:
            nonlocal held
            held = update(held, params)
            return held

        taken.append(seconds(once))
    return statistics.median(taken)
