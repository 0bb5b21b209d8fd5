"""When a training runs away: its numbers are none any more, or its loss has left for good.

Single losses jump, so medians of some calls are compared: a median of more than RUN_AWAY times the
lowest one so far is no chance. The gradients are not looked at by themselves, since what they do
to the weights is in the loss of the next steps.
"""

import math
import statistics
from collections import deque
from typing import Final

from engine.training.clock import Clock
from projects.errors import SwapdeckError
from projects.swaps import Swap

WINDOW: Final = 25
"""Calls over which a median is taken."""
RUN_AWAY: Final = 3.0
"""Times the lowest median."""
SOUND: Final = 1.5
"""Times the lowest median, up to which a state is worth going back to."""


class DivergedError(SwapdeckError):
    """The training has run away; `clock` is the run's."""

    def __init__(self, swap: Swap, step: int, clock: Clock, how: str) -> None:
        super().__init__(
            f"The training has diverged: at step {step} {how}. The last good checkpoint of "
            f"{swap.name} is untouched. Train on with a lower learning_rate in its swap.toml, "
            "under [settings]."
        )
        self.clock = clock


class Watch:
    """Looks at the losses of a training; it outlives the runs that begin anew with a lower rate."""

    def __init__(self) -> None:
        self._recent: deque[tuple[int, float]] = deque(maxlen=WINDOW)
        self._lowest = math.inf
        self.sound: int | None = None
        """The newest step up to which nothing had begun to rise; None before there is one."""

    def restart(self) -> None:
        """The training goes on from before; what it has reached stays known."""
        self._recent.clear()

    def take(self, step: int, loss: float) -> str:
        """How the training has run away at `step`, in words; "" as long as it has not."""
        if not math.isfinite(loss):
            return "its numbers are not numbers any more"
        self._recent.append((step, loss))
        if len(self._recent) < WINDOW:
            return ""
        level = statistics.median(loss for _, loss in self._recent)
        self._lowest = min(self._lowest, level)
        if level <= SOUND * self._lowest:
            self.sound = self._recent[0][0]
        if level > RUN_AWAY * self._lowest:
            return f"its loss has risen to {level / self._lowest:.1f} times what it was"
        return ""
