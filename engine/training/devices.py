"""One training on several devices: every device has all weights and a share of each batch.

The step is one program over all of them (GSPMD: Xu et al. 2021, arXiv 2105.04663). Sums over a
batch stay what they are written as, sums over the whole of it, and XLA adds what goes between the
devices. So the loss and the gradients are those of one device with the same batch, to rounding.
The devices may belong to several processes; see `processes`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from numpy.typing import NDArray

from engine.training.settings import TrainSettings
from projects.errors import CommandError

Tree = TypeVar("Tree")

BATCH: Final = "batch"
"""The one axis of the devices."""


@dataclass(frozen=True)
class Spread:
    """The devices of a training, two or more, and how arrays lie on them."""

    mesh: Mesh

    @property
    def count(self) -> int:
        """How many devices there are, those of other processes included."""
        return int(self.mesh.size)

    @property
    def whole(self) -> NamedSharding:
        """All of an array on each device."""
        return NamedSharding(self.mesh, P())  # type: ignore[no-untyped-call]

    def shares(self, axis: int = 0) -> NamedSharding:
        """Of an array, a share of the `axis` on each device."""
        parts = P(*[None] * axis, BATCH)  # type: ignore[no-untyped-call]
        return NamedSharding(self.mesh, parts)

    def replicated(self, tree: Tree) -> Tree:
        """Arrays of this process, each copied to all its devices; every process gives the same."""
        own = [d for d in self.mesh.devices.flat if d.process_index == jax.process_index()]

        def copied(leaf: Any) -> jax.Array:
            copies = [jax.device_put(leaf, device) for device in own]
            return jax.make_array_from_single_device_arrays(leaf.shape, self.whole, copies)

        same: Tree = jax.tree.map(copied, tree)
        return same

    def here(self, tree: Tree) -> Tree:
        """Replicated arrays as those of this process's first device, without a copy.

        What only one process works on must not be an array of all of them.
        """
        own: Tree = jax.tree.map(lambda leaf: leaf.addressable_data(0), tree)
        return own

    def rows(self, batch: int) -> slice:
        """Which of the chips of a batch this process gives."""
        indices = self.shares().addressable_devices_indices_map((batch,)).values()
        spans = [index[0].indices(batch) for index in indices if index is not None]
        return slice(min(span[0] for span in spans), max(span[1] for span in spans))

    def joined(self, pixels: NDArray[np.uint8], axis: int, batch: int) -> jax.Array:
        """The whole batch, of which each process gives its `rows`; `axis` is the batch's."""
        shape = (*pixels.shape[:axis], batch, *pixels.shape[axis + 1 :])
        whole: jax.Array = jax.make_array_from_process_local_data(  # type: ignore[no-untyped-call]
            self.shares(axis), pixels, shape
        )
        return whole

    def constrained(self, tree: Tree, axis: int = 0) -> Tree:
        """Inside the step: arrays with a batch along `axis`, a share of it on each device."""

        def shared(leaf: jax.Array) -> jax.Array:
            where = self.shares(axis)
            found: jax.Array = jax.lax.with_sharding_constraint(leaf, where)  # type: ignore[no-untyped-call]
            return found

        same: Tree = jax.tree.map(shared, tree)
        return same

    def agreed(self, here: bool) -> bool:
        """Whether it is so in any of the processes; each of them has to ask."""
        if jax.process_count() == 1:
            return here
        return bool(np.any(multihost_utils.process_allgather(np.array(here))))


def spread_over(asked: str, settings: TrainSettings) -> Spread | None:
    """The devices of a training; None for one alone, whose program is the plain one.

    asked: how many of this machine's devices, or "all". With several processes it is all that they
    have. Raises CommandError for more than there are, and for a batch that cannot be shared out.
    """
    if jax.process_count() > 1:
        devices: Sequence[jax.Device] = sorted(
            jax.devices(), key=lambda one: (one.process_index, one.id)
        )
    else:
        devices = _of_this_machine(asked)
    if len(devices) == 1:
        return None
    parts = len(devices) * settings.accumulate
    if settings.batch % parts:
        each = "" if settings.accumulate == 1 else f", {settings.accumulate} parts each"
        lower = settings.batch // parts * parts
        fits = " or ".join(str(n) for n in (lower, lower + parts) if n)
        raise CommandError(
            f"A batch of {settings.batch} cannot be shared out among {len(devices)} devices{each}. "
            f"Set batch to {fits} with: swapdeck swap set SWAP batch=…"
        )
    return Spread(Mesh(np.array(devices), (BATCH,), axis_types=(AxisType.Auto,)))


def _of_this_machine(asked: str) -> Sequence[jax.Device]:
    there: list[jax.Device] = jax.local_devices()
    if asked == "all":
        return there
    if int(asked) > len(there):
        raise CommandError(
            f"JAX finds {len(there)} of the {asked} devices that --devices asks for. Ask for so "
            "many, or for all."
        )
    return there[: int(asked)]


def side_by_side(people: Sequence[jax.Array], spread: Spread | None) -> jax.Array:
    """The chips [B, ...] of several people as one batch, to be taken `apart` again.

    On several devices each person's first chips are beside the others' first, so that no chip goes
    to another device.
    """
    if spread is None:
        return jnp.concatenate(people)
    stacked = jnp.stack(people, 1)
    return stacked.reshape(-1, *stacked.shape[2:])


def apart(together: jax.Array, people: int, spread: Spread | None) -> list[jax.Array]:
    """The inverse of `side_by_side`."""
    if spread is None:
        return jnp.split(together, people)
    stacked = together.reshape(-1, people, *together.shape[1:])
    return [stacked[:, number] for number in range(people)]


def described(spread: Spread | None) -> str:
    """What trains, in words: "2 x NVIDIA H200"."""
    kind = jax.local_devices()[0].device_kind
    return kind if spread is None else f"{spread.count} x {kind}"
