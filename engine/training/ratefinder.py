"""How fast a swap can learn: a copy of it is trained at rates that rise until its loss does.

The range test of Smith 2017 (arXiv 1506.01186). A tenth of the rate at which the smoothed loss was
lowest is suggested: smoothing sees a turn late, and a rate has to be good for hours.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from engine.compilation import use_compilation_cache
from engine.faces.align import CROP_MARGIN
from engine.nets.presets import get_preset
from engine.reporting import Reporter
from engine.training.feed import Feed, open_feed
from engine.training.loop import find_people
from engine.training.optimisers import with_factor
from engine.training.precision import settle, settled_model
from engine.training.resume import resume
from engine.training.settings import settings_for
from engine.training.step import State, Step, compile_step, make_step
from projects.swaps import Swap
from projects.workspace import Workspace

LOWEST: Final = 1e-6
HIGHEST: Final = 1e-1
"""Between these rates; Lion's are a fifth of them."""
SMOOTHING: Final = 0.9
GIVEN_UP: Final = 4.0
"""Times the lowest smoothed loss, at which the rates are high enough."""


@dataclass(frozen=True)
class RateCurve:
    """The losses of a training at rising rates."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    """Smoothed."""
    suggested: float


def find_rate(workspace: Workspace, swap: Swap, reporter: Reporter, steps: int = 100) -> RateCurve:
    """Train a copy of the swap's newest state over `steps` rising rates. Writes nothing.

    Raises:
        SwapdeckError: a person without faces.
        StopRequested: it was asked to stop.
    """
    use_compilation_cache()
    settings = settings_for(swap.preset, seed=swap.seed, **swap.settings)
    lowest = LOWEST / 5 if settings.optimiser == "lion" else LOWEST
    # The factor of a plateau is the one part of the rate that can be set from outside.
    settings = replace(settings, learning_rate=lowest, warm_up=0, schedule="plateau")
    preset = get_preset(swap.preset)
    settings, _ = settle(settings, preset.size)
    datasets = find_people(workspace, swap, settings).datasets
    state, _ = resume(workspace, swap, settings, preset, reporter)
    model = settled_model(settings, tuple(swap.roles))
    reporter.event("stage", name="compile", total=None, unit="steps")
    with open_feed(workspace, datasets, settings, "auto", reporter) as feed:
        advance = compile_step(make_step(model, settings, CROP_MARGIN), state, feed.example(1))
        reporter.event("stage", name="find rate", total=steps, unit="steps")
        return _tried(advance, state, feed, lowest, steps, reporter)


def _tried(
    advance: Step, state: State, feed: Feed, lowest: float, steps: int, reporter: Reporter
) -> RateCurve:
    """Make the steps, at rates that rise from `lowest`, until the loss has left for good."""
    factors = [(HIGHEST / LOWEST) ** (number / (steps - 1)) for number in range(steps)]
    first = int(state.step)
    rates: list[float] = []
    losses: list[float] = []
    for number, factor in enumerate(factors):
        reporter.check()
        state = state._replace(optimiser=with_factor(state.optimiser, factor))
        state, metrics = advance(state, feed.take(first + number, 1))
        rates.append(lowest * factor)
        losses.append(float(metrics["loss"]))
        reporter.event("progress", stage="find rate", done=number + 1, total=steps)
        curve = smoothed(losses)
        if not math.isfinite(losses[-1]) or curve[-1] > GIVEN_UP * min(curve):
            break
    return curve_of(rates, losses)


def curve_of(rates: Sequence[float], losses: Sequence[float]) -> RateCurve:
    """The curve of these steps and what it suggests; the last loss may be no number."""
    sound = [loss for loss in losses if math.isfinite(loss)]
    curve = smoothed(sound) or [math.nan]
    lowest = min(range(len(curve)), key=curve.__getitem__)
    return RateCurve(
        tuple(rates[: len(sound)]), tuple(curve[: len(sound)]), float(f"{rates[lowest] / 10:.1e}")
    )


def smoothed(losses: Sequence[float]) -> list[float]:
    """The running mean of the losses, which forgets; its first values lean on nothing."""
    mean, curve = 0.0, []
    for number, loss in enumerate(losses, 1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        curve.append(mean / (1 - SMOOTHING**number))
    return curve
