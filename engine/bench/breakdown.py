"""Where the time of a training step goes: its parts compiled and timed each on its own.

The parts do not add up to the whole to the digit: a whole step lets the compiler join what lies
between them, and calls of its own cost each part some tenths of a millisecond.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import jax

from engine.bench.flops import BACKWARD, step_flops
from engine.bench.step import Prepared, in_a_row, one_by_one, update_seconds
from engine.training.augment import Batch
from engine.training.step import draw_batches, gradients_of, loss_of
from projects.face_crop import CROP_MARGIN

_LEAST: Final = 3


@dataclass(frozen=True)
class Part:
    """A part of a step."""

    name: str
    seconds: float
    gflop: float
    """By the definition of its layers; 0 where it has none to speak of."""

    @property
    def gflops(self) -> float:
        """GFLOP a second."""
        return self.gflop / self.seconds


def breakdown(ready: Prepared, least: float) -> list[Part]:
    """The parts of a step: drawing and changing the chips, forward, backward, update, and all.

    least: seconds that each is timed for.
    """
    model, settings = ready.model, ready.settings

    def forward(state: Any, batches: Any) -> Any:
        return loss_of(state, batches, model, settings)

    def both(state: Any, batches: Any) -> Any:
        return gradients_of(state, batches, model, settings)

    draw = _draw(ready)
    pixels = ready.feed.take(0, 1)
    batches = draw(ready.state.step, pixels)
    drawing = mean_seconds(lambda: draw(ready.state.step, pixels), least)
    there = _timed(jax.jit(forward), ready.state, batches, least)
    there_and_back = _timed(jax.jit(both), ready.state, batches, least)
    update = update_seconds(ready.state, settings)
    if jax.default_backend() == "cpu":
        whole = one_by_one(ready, least, lambda: None).seconds
    else:
        whole = in_a_row(ready, least).seconds
    gflop = step_flops(ready.preset, settings.batch) / 1e9
    backward = max(there_and_back - there, 1e-9)
    return [
        Part("draw and augment", drawing, 0.0),
        Part("forward and loss", there, gflop / BACKWARD),
        Part("backward", backward, gflop * (1 - 1 / BACKWARD)),
        Part("optimiser and average", update, 0.0),
        Part("whole step", whole, gflop),
    ]


def drawn(ready: Prepared) -> list[Batch]:
    """The chips of the next step."""
    batches: list[Batch] = _draw(ready)(ready.state.step, ready.feed.take(0, 1))
    return batches


def mean_seconds(call: Callable[[], Any], least: float) -> float:
    """Mean of calls that are given to the device one behind the other, for about `least` seconds;
    they have been compiled before."""
    start = time.perf_counter()
    jax.block_until_ready(call())  # type: ignore[no-untyped-call]
    once = time.perf_counter() - start
    count = max(_LEAST, int(least / max(once, 1e-6)))
    start = time.perf_counter()
    for _ in range(count):
        answer = call()
    jax.block_until_ready(answer)  # type: ignore[no-untyped-call]
    return (time.perf_counter() - start) / count


def _draw(ready: Prepared) -> Any:
    return jax.jit(
        partial(draw_batches, model=ready.model, settings=ready.settings, margin=CROP_MARGIN)
    )


def _timed(call: Any, state: Any, batches: Any, least: float) -> float:
    jax.block_until_ready(call(state, batches))  # type: ignore[no-untyped-call]
    return mean_seconds(lambda: call(state, batches), least)
