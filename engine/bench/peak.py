"""What this machine can do at best: the measure that other figures are compared with."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

SIDES = (1024, 2048, 3072)


def seconds(call: Callable[[], Any]) -> float:
    """Wall time of one call, its result waited for."""
    start = time.perf_counter()
    jax.block_until_ready(call())  # type: ignore[no-untyped-call]
    return time.perf_counter() - start


class Peak:
    """The best float32 matrix product seen so far, over a few sizes. Ask for it between the
    measurements that it is compared with: other work on the machine slows both."""

    def __init__(self) -> None:
        self.flops = 0.0
        """FLOP a second."""
        self._matrices = [jnp.ones((side, side), jnp.float32) for side in SIDES]
        self._product = jax.jit(jnp.matmul)
        self.measure()
        self.flops = 0.0  # The first round compiled.

    def measure(self) -> None:
        """Multiply each size once."""
        for matrix in self._matrices:
            taken = seconds(partial(self._product, matrix, matrix))
            self.flops = max(self.flops, 2 * matrix.shape[0] ** 3 / taken)
