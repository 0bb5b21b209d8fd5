"""How a step grows faster with the devices of this machine: batches divided among them, weights on
each (data parallel, by sharding alone)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from engine.bench.breakdown import drawn, mean_seconds
from engine.bench.step import Prepared
from engine.training.step import State, learn


@dataclass(frozen=True)
class Scaled:
    """A step on ready chips by some of the devices."""

    devices: int
    batch: int
    """Chips of each person in a step, of all devices together."""
    seconds: float
    loss: float
    """Of the first step: the same for every number of devices, to rounding."""


def scaling(ready: Prepared, least: float) -> Iterator[Scaled]:
    """The step of one batch by 1, 2, 4 … devices, as many as there are and divide the batch.

    least: seconds that each is timed for.
    """
    count = 1
    while count <= jax.local_device_count() and ready.settings.batch % count == 0:
        yield _by(ready, count, least)
        count *= 2


def _by(ready: Prepared, count: int, least: float) -> Scaled:
    mesh = Mesh(np.array(jax.local_devices()[:count]), ("batch",))
    everywhere = NamedSharding(mesh, P())  # type: ignore[no-untyped-call]
    divided = NamedSharding(mesh, P("batch"))  # type: ignore[no-untyped-call]
    batches = jax.device_put(drawn(ready), divided)
    # A copy: where it lies already, a donated state would take the other one's arrays with it.
    held: Any = jax.device_put(jax.tree.map(np.array, ready.state), everywhere)
    step = jax.jit(
        lambda state, batches: learn(state, batches, ready.model, ready.settings),
        donate_argnums=0,
        out_shardings=(everywhere, everywhere),
    )
    held, metrics = step(held, batches)
    loss = float(metrics["loss"])

    def once() -> State:
        nonlocal held
        held, _ = step(held, batches)
        answer: State = held
        return answer

    return Scaled(count, ready.settings.batch, mean_seconds(once, least), loss)
