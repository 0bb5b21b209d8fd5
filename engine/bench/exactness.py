"""How exactly a training that was stopped goes on: the weights compared with those of one that
was not, on this device."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from engine.bench.step import Prepared
from engine.training.checkpoint import load_state, save_state
from engine.training.step import State, compile_first_state, state_shapes


@dataclass(frozen=True)
class Difference:
    """Between the weights of two trainings of as many steps."""

    what: str
    steps: int
    largest: float
    """Greatest absolute difference of two weights."""
    relative: float
    """Norm of the difference over the norm of the weights."""
    moved: float
    """Norm of what training changed over the norm of the weights: what `relative` is to be seen
    beside."""

    @property
    def exact(self) -> bool:
        """Whether they agree bit for bit."""
        return self.largest == 0


def differences(ready: Prepared, calls: int) -> list[Difference]:
    """Train `calls` calls twice over, once more in the same way, and once with a checkpoint written
    and read again in the middle.

    The first difference is what the device itself does not repeat; a resume can be no more exact.
    """
    first = compile_first_state(ready.preset, ready.settings)
    # A copy: the first call is given the arrays themselves to write its answer into.
    begin = jax.tree.map(lambda leaf: np.array(leaf, copy=True), first.params)
    whole = _advanced(ready, _advanced(ready, first, calls), calls)
    again = compile_first_state(ready.preset, ready.settings)
    again = _advanced(ready, _advanced(ready, again, calls), calls)
    found = [_difference("two trainings alike", begin, whole, again)]
    del again
    half = _advanced(ready, compile_first_state(ready.preset, ready.settings), calls)
    with tempfile.TemporaryDirectory(prefix="swapdeck-bench-") as folder:
        saved = save_state(Path(folder), half, ready.settings, {}, keep=1)
        half = load_state(saved, state_shapes(ready.preset, ready.settings))
    resumed = _advanced(ready, half, calls)
    return [*found, _difference("stopped half-way and resumed", begin, whole, resumed)]


def _advanced(ready: Prepared, state: State, calls: int) -> State:
    for _ in range(calls):
        inputs = ready.feed.take(int(state.step), ready.steps)
        state, _ = ready.call(state, inputs)
    return state


def _difference(what: str, begin: object, one: State, other: State) -> Difference:
    apart = jax.tree.map(lambda a, b: a - b, one.params, other.params)
    moved = jax.tree.map(lambda a, b: a - b, one.params, begin)
    norm = _norm(one.params)
    largest = max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(apart))
    return Difference(what, int(one.step), largest, _norm(apart) / norm, _norm(moved) / norm)


def _norm(tree: object) -> float:
    return float(sum(float((leaf**2).sum()) for leaf in jax.tree.leaves(tree)) ** 0.5)
