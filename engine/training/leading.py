"""What process 0 of a training by several processes does besides training."""

from collections.abc import Mapping
from typing import Any

import jax
from jax.experimental import multihost_utils

from engine.reporting import Reporter
from engine.training.devices import Spread
from engine.training.processes import Orders
from engine.training.settings import TrainSettings
from engine.training.step import State
from projects.errors import SwapdeckError


class Leader:
    """Orders the partners about: each of its orders comes before what all do together."""

    def __init__(self, orders: Orders, spread: Spread) -> None:
        self._orders = orders
        self._spread = spread

    def gather(
        self,
        settings: TrainSettings,
        where: str,
        fingerprints: Mapping[str, str],
        reporter: Reporter,
    ) -> None:
        """Tell the partners what is trained and hear whether they can take part.

        where: the faces are; see `open_feed`. Raises SwapdeckError with what a partner says,
        LostError, StopRequested.
        """
        reporter.event("stage", name="meet the other processes", total=None, unit="")
        plan = plan_of(settings, where, fingerprints)
        self.order("meet", plan)
        for process, sentence in enumerate(self._orders.answers(reporter.check), 1):
            if sentence:
                raise SwapdeckError(f"Process {process} cannot take part: {sentence}")

    def begin(self, state: State, settings: TrainSettings) -> State:
        """Have all begin with this state; the same one on all devices."""
        self.order("begin", settings.learning_rate)
        return shared(state, self._spread)

    def order(self, what: str, value: Any = None) -> None:
        """Say what all do next. Raises LostError."""
        self._orders.send(what, value)


def plan_of(settings: TrainSettings, where: str, fingerprints: Mapping[str, str]) -> dict[str, Any]:
    """All on which processes have to agree, as JSON can say it."""
    return {
        "settings": settings.as_dict(),
        "dataset": where,
        "fingerprints": dict(fingerprints),
        "jax": jax.__version__,
    }


def shared(state: State, spread: Spread) -> State:
    """The leader's state on the devices of all processes; each of them has to call it, a partner
    with any state of the same shapes."""
    same: State = multihost_utils.broadcast_one_to_all(state)
    return spread.replicated(same)
