"""How many steps one call of a compiled step makes on an accelerator."""

import math
import time
from typing import Final

import jax
import jax.numpy as jnp

from engine.training.step import Pixels, State, Step

DISPATCH_SECONDS: Final = 0.5
"""How much work one call gives to an accelerator, so that it never waits for Python."""
MOST: Final = 1024


def steps_a_dispatch(advance: Step, state: State, inputs: Pixels) -> int:
    """How many steps fill DISPATCH_SECONDS, measured on a copy of the state.

    advance: one compiled step. inputs: what it takes for one step.
    """
    copy = jax.tree.map(jnp.copy, state)
    copy, metrics = advance(copy, inputs)
    float(metrics["loss"])
    start = time.monotonic()
    copy, metrics = advance(copy, inputs)
    float(metrics["loss"])
    return steps_that_fill(time.monotonic() - start)


def steps_that_fill(seconds: float) -> int:
    """How many steps of so many seconds make a call, at most MOST.

    A power of two: a step never takes exactly as long as the last time, and another number would be
    another program, which no cache has.
    """
    wanted = DISPATCH_SECONDS / max(seconds, DISPATCH_SECONDS / MOST)
    return 1 << max(0, round(math.log2(wanted)))
