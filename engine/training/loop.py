"""The training of a swap, from its datasets to its newest checkpoint."""

import math
import time
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp

from engine.compilation import use_compilation_cache
from engine.faces.align import CROP_MARGIN
from engine.nets.presets import Preset, get_preset
from engine.reporting import Reporter
from engine.training.checkpoint import load_state, read_settings, save_state
from engine.training.dataset import load_dataset
from engine.training.history import History
from engine.training.model import PEOPLE, build, count
from engine.training.preview import Draw, previewer
from engine.training.settings import TrainSettings, settings_for
from engine.training.step import (
    Metrics,
    Pixels,
    State,
    Step,
    compile_first_state,
    compile_step,
    make_step,
    state_shapes,
)
from projects.checkpoints import newest
from projects.errors import CommandError, StopRequested, SwapdeckError
from projects.people import get_person
from projects.swaps import Swap, update_swap
from projects.workspace import Workspace

DISPATCH_SECONDS = 0.5
"""How much work one call gives to an accelerator, so that it never waits for Python."""


@dataclass(frozen=True)
class Limits:
    """When a training ends and how often it saves. Without steps and minutes it goes on."""

    steps: int | None = None
    """Steps of the swap in all, those of earlier runs included."""
    minutes: float | None = None
    """Minutes of this run, compilation not counted."""
    checkpoint_every: float = 60.0
    """Seconds; at most this much work is lost to a power cut."""
    preview_every: float = 20.0
    """Seconds."""
    keep: int = 3
    """Checkpoints that are kept."""

    def __post_init__(self) -> None:
        if self.steps is not None and self.steps < 1:
            raise CommandError("--steps must be 1 or more.")
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise CommandError("--minutes must be more than 0.")


@dataclass(frozen=True)
class TrainResult:
    """Where a training ended."""

    step: int
    checkpoint: Path
    seconds: float
    """Of training in this run, compilation not counted."""


def train(workspace: Workspace, swap: Swap, limits: Limits, reporter: Reporter) -> TrainResult:
    """Train a swap until its limits, from its newest sound checkpoint if there is one.

    The weights are a function of the datasets, the settings and the number of steps: on one
    machine's CPU a training that was interrupted ends bit for bit like one that was not.

    Raises:
        SwapdeckError: a person without faces, a loss that is not a number any more, a full disk.
        StopRequested: it was asked to stop; everything is saved.
    """
    use_compilation_cache()
    settings = settings_for(swap.preset, seed=swap.seed, **swap.settings)
    preset = get_preset(swap.preset)
    pixels, fingerprints = _load_people(workspace, swap, settings, reporter)
    model = build(preset)
    state, saved = _resume(swap, settings, preset, reporter)
    update_swap(swap, fingerprints=fingerprints)
    reporter.event(
        "stage", name=f"compile ({count(state.params):,} weights)", total=None, unit="steps"
    )
    run = _Run(
        swap, settings, limits, reporter, fingerprints, History(swap.history_path, int(state.step))
    )
    draw = previewer(model, settings, pixels, CROP_MARGIN)
    advance = compile_step(make_step(model, settings, CROP_MARGIN), state, pixels)
    many, count_many = advance, 1
    if jax.default_backend() != "cpu" and not _reached(limits, int(state.step), 0.0):
        count_many = _steps_a_dispatch(advance, state, pixels)
        many = compile_step(make_step(model, settings, CROP_MARGIN, count_many), state, pixels)
    reporter.event("stage", name="train", total=limits.steps, unit="steps")

    step = int(state.step)
    clock = _Clock(step)
    pending: tuple[int, Metrics] | None = None
    try:
        while not _reached(limits, step, clock.seconds()):
            asked = reporter.check()
            whole = limits.steps is None or step + count_many <= limits.steps
            state, metrics = (many if whole else advance)(state, pixels)
            step += count_many if whole else 1
            # The metrics of the call before are read while this one is at work.
            if pending is not None:
                run.tell(*pending, clock)
            pending = (step, metrics)
            if asked.save or clock.due("checkpoint", limits.checkpoint_every):
                run.tell(*pending, clock)
                pending = None
                saved = run.save(state)
            if asked.preview or clock.due("preview", limits.preview_every):
                run.preview(draw, state)
        if pending is not None:
            run.tell(*pending, clock)
    except StopRequested:
        if pending is not None:
            run.tell(*pending, clock)
        run.finish(draw, state, saved)
        raise
    return TrainResult(step, run.finish(draw, state, saved), clock.seconds())


@dataclass(frozen=True)
class _Run:
    """What saving and telling need to know."""

    swap: Swap
    settings: TrainSettings
    limits: Limits
    reporter: Reporter
    fingerprints: dict[str, str]
    history: History

    def tell(self, step: int, metrics: Metrics, clock: "_Clock") -> None:
        values = {name: float(value) for name, value in metrics.items()}
        loss = values.pop("loss")
        if not math.isfinite(loss):
            raise _diverged(self.swap, step)
        rate = clock.rate(step)
        self.history.add(step, loss, values, clock.seconds())
        self.reporter.event(
            "step",
            step=step,
            steps=self.limits.steps,
            loss=loss,
            losses=values,
            rate=rate,
            eta=_seconds_left(self.limits, step, rate, clock.seconds()),
            seconds=clock.seconds(),
        )

    def save(self, state: State) -> Path:
        if not all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(state.params)):
            raise _diverged(self.swap, int(state.step))
        path = save_state(
            self.swap.checkpoints_dir, state, self.settings, self.fingerprints, self.limits.keep
        )
        self.history.flush()
        self.reporter.event("checkpoint", step=int(state.step), path=str(path))
        return path

    def preview(self, draw: Draw, state: State) -> None:
        path = self.swap.previews_dir / f"{int(state.step):08d}.png"
        draw(state.average, path)
        self.reporter.event("preview", step=int(state.step), path=str(path))

    def finish(self, draw: Draw, state: State, saved: Path | None) -> Path:
        if saved is None or saved.name != f"{int(state.step):08d}":
            saved = self.save(state)
            self.preview(draw, state)
        return saved


def _diverged(swap: Swap, step: int) -> SwapdeckError:
    return SwapdeckError(
        f"The training has diverged: at step {step} its numbers are not numbers any more. The last "
        f"checkpoint of {swap.name} is untouched. Train on with a lower learning_rate in its "
        "swap.toml, under [settings]."
    )


class _Clock:
    """Seconds of this run, its rate, and when something is due again."""

    def __init__(self, step: int):
        self._start = self._mark = time.monotonic()
        self._mark_step = step
        self._rate: float | None = None
        self._last: dict[str, float] = {}

    def seconds(self) -> float:
        return time.monotonic() - self._start

    def due(self, what: str, every: float) -> bool:
        now = time.monotonic()
        if now - self._last.get(what, self._start) < every:
            return False
        self._last[what] = now
        return True

    def rate(self, step: int) -> float | None:
        """Steps a second over the last seconds; None before there is anything to tell."""
        now = time.monotonic()
        if now - self._mark >= 2:
            self._rate = (step - self._mark_step) / (now - self._mark)
            self._mark, self._mark_step = now, step
        return self._rate


def _load_people(
    workspace: Workspace, swap: Swap, settings: TrainSettings, reporter: Reporter
) -> tuple[Pixels, dict[str, str]]:
    """Both datasets on the device, and their fingerprints."""
    size, clahe = get_preset(settings.preset).size, settings.augmentation.clahe > 0
    pixels, fingerprints = {}, {}
    for role, slug in zip(PEOPLE, (swap.source, swap.target), strict=True):
        dataset = load_dataset(get_person(workspace, slug), size, clahe, reporter)
        pixels[role] = jnp.asarray(dataset.pixels)
        fingerprints[role] = dataset.fingerprint
    return pixels, fingerprints


def _resume(
    swap: Swap, settings: TrainSettings, preset: Preset, reporter: Reporter
) -> tuple[State, Path | None]:
    """The state to go on from, and the checkpoint that holds it."""
    checkpoint, warnings = newest(swap.checkpoints_dir)
    for text in warnings:
        reporter.event("warning", text=text)
    if checkpoint is None:
        return compile_first_state(preset, settings), None
    if read_settings(checkpoint).preset != settings.preset:
        raise CommandError(
            f"{swap.name} was trained as another preset than {settings.preset}. Put the preset "
            "back in its swap.toml, or make a new swap with: swapdeck swap new"
        )
    return load_state(checkpoint, state_shapes(preset, settings)), checkpoint


def _steps_a_dispatch(advance: Step, state: State, pixels: Pixels) -> int:
    """How many steps fill DISPATCH_SECONDS, measured on a copy of the state."""
    copy = jax.tree.map(jnp.copy, state)
    copy, metrics = advance(copy, pixels)
    float(metrics["loss"])
    start = time.monotonic()
    copy, metrics = advance(copy, pixels)
    float(metrics["loss"])
    return max(1, min(1000, round(DISPATCH_SECONDS / (time.monotonic() - start))))


def _reached(limits: Limits, step: int, seconds: float) -> bool:
    if limits.steps is not None and step >= limits.steps:
        return True
    return limits.minutes is not None and seconds >= limits.minutes * 60


def _seconds_left(limits: Limits, step: int, rate: float | None, seconds: float) -> float | None:
    """Whichever limit comes first; None without limits or before a rate is known."""
    left = []
    if limits.minutes is not None:
        left.append(max(0.0, limits.minutes * 60 - seconds))
    if limits.steps is not None and rate:
        left.append((limits.steps - step) / rate)
    return min(left, default=None)
