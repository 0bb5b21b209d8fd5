"""What this machine can do at best: the measure that other figures are compared with."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import jax
import jax.numpy as jnp

SIDES: Final = (1024, 2048, 3072)
FAST_SIDES: Final = (4096, 8192)
"""Of an accelerator's matrices."""
FAST_CHAIN: Final = 16
"""Products in one call to an accelerator, so that the call itself does not count."""


def seconds(call: Callable[[], Any]) -> float:
    """Wall time of one call, its result waited for."""
    start = time.perf_counter()
    jax.block_until_ready(call())  # type: ignore[no-untyped-call]
    return time.perf_counter() - start


class Peak:
    """The best matrix product seen so far, over a few sizes. Ask for it between the measurements
    that it is compared with: other work on the machine slows both.

    The matrices are random: processors are faster at zeros, of which no training is made. float32
    is what JAX makes of it by default, which is TF32 on NVIDIA cards that have it.
    """

    def __init__(
        self, dtype: Any = jnp.float32, sides: tuple[int, ...] = (), chain: int = 0
    ) -> None:
        """sides, chain: by default what suits the device: see SIDES, FAST_SIDES, FAST_CHAIN."""
        fast = jax.default_backend() != "cpu"
        self.flops = 0.0
        """FLOP a second."""
        self._chain = chain or (FAST_CHAIN if fast else 1)
        self._matrices = [
            jax.random.normal(jax.random.key(side), (side, side), dtype)
            for side in sides or (FAST_SIDES if fast else SIDES)
        ]
        self._product = jax.jit(partial(_products, chain=self._chain))
        self.measure()
        self.flops = 0.0  # The first round compiled.

    def measure(self) -> None:
        """Multiply each size once."""
        for matrix in self._matrices:
            taken = seconds(partial(self._product, matrix))
            self.flops = max(self.flops, 2 * matrix.shape[0] ** 3 * self._chain / taken)


def _products(matrix: jax.Array, chain: int) -> jax.Array:
    """matrix [S, S] of numbers around 1, multiplied `chain` times, the answer about as large."""
    if chain == 1:
        return matrix @ matrix
    factor = matrix * jnp.asarray(matrix.shape[0] ** -0.5, matrix.dtype)
    product = matrix
    for _ in range(chain):
        product = product @ factor
    return product
