"""The training of a base model, from its people to its newest checkpoint."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jax

from engine.compilation import use_compilation_cache
from engine.faces.align import CROP_MARGIN
from engine.nets.presets import get_preset
from engine.pretraining.faces import (
    Faces,
    crowd_faces,
    crowd_for,
    people_faces,
    together,
)
from engine.pretraining.step import first_base_state, make_base_step, on_device
from engine.reporting import Reporter
from engine.training.checkpoint import load_state
from engine.training.clock import Clock
from engine.training.history import History
from engine.training.model import build, count
from engine.training.precision import settle, settled_model
from engine.training.saving import Saver
from engine.training.settings import TrainSettings, settings_for
from engine.training.start import ANYONE
from engine.training.step import State
from projects.bases import Base, people_in_base
from projects.checkpoints import newest
from projects.errors import CommandError, StopRequested, SwapdeckError
from projects.workspace import Workspace

CHECKPOINT_EVERY: Final = 60.0
KEEP: Final = 2
_LIGHT: Final = {"warp": 0.0, "gain": 0.08, "gamma": 0.08, "tint": 0.05}
"""What changes of the encoder's input. Other people's faces already teach it what is to be left
out of a code, so nothing is warped; and how bright a face is has to stay in it."""
_RATE: Final = 2e-3


@dataclass(frozen=True)
class BaseResult:
    """Where a base's training ended."""

    step: int
    checkpoint: Path


def base_settings(base: Base) -> TrainSettings:
    """How a base is trained. Raises CommandError for a preset that no base can be made for."""
    preset = get_preset(base.preset)
    if preset.inter is not None:
        raise CommandError(
            f"There are no bases for {base.preset}: its people share one decoder anyway. Choose a "
            "preset of the df family."
        )
    return settings_for(
        base.preset,
        recipe="swapdeck",
        seed=base.seed,
        learning_rate=_RATE,
        schedule="cosine",
        schedule_steps=base.steps,
        augmentation=_LIGHT,
    )


def pretrain(workspace: Workspace, base: Base, reporter: Reporter) -> BaseResult:
    """Train a base to its last step, from its newest sound checkpoint if there is one.

    Raises:
        SwapdeckError: a person without faces, numbers that run away, a full disk.
        StopRequested: it was asked to stop; everything is saved.
    """
    use_compilation_cache()
    settings, warnings = settle(base_settings(base), get_preset(base.preset).size)
    for text in warnings:
        reporter.event("warning", text=text)
    faces = _faces(workspace, base, reporter)
    state, saved = _resume(base, settings, faces.people, reporter)
    if int(state.step) >= base.steps and saved is not None:
        return BaseResult(int(state.step), saved)
    return _train(base, settings, state, faces, reporter)


def _faces(workspace: Workspace, base: Base, reporter: Reporter) -> Faces:
    size = get_preset(base.preset).size
    parts = people_faces(people_in_base(workspace, base), size, reporter)
    if base.crowd:
        parts.append(crowd_faces(crowd_for(base.crowd, size, base.seed), size, reporter))
    return together(parts)


def _resume(
    base: Base, settings: TrainSettings, people: int, reporter: Reporter
) -> tuple[State, Path | None]:
    preset = get_preset(base.preset)
    model = build(preset, (ANYONE,))
    checkpoint, warnings = newest(base.checkpoints_dir)
    for text in warnings:
        reporter.event("warning", text=text)
    first = jax.jit(lambda: first_base_state(preset, settings, model, people))
    if checkpoint is None:
        return first(), None
    return load_state(checkpoint, jax.eval_shape(first)), checkpoint


def _train(
    base: Base, settings: TrainSettings, state: State, faces: Faces, reporter: Reporter
) -> BaseResult:
    model = settled_model(settings, (ANYONE,))
    told = f"{count(state.params):,} weights, {settings.precision}"
    reporter.event("stage", name=f"compile ({told})", total=None, unit="steps")
    shown = on_device(faces)
    step = make_base_step(model, settings, CROP_MARGIN)
    advance = jax.jit(step, donate_argnums=0).lower(state, shown).compile()
    done = int(state.step)
    clock = Clock(done)
    history = History(base.history_path, done)
    reporter.event("stage", name="pretrain", total=base.steps, unit="steps")

    def was_saved(number: int, path: Path) -> None:
        reporter.event("checkpoint", step=number, path=str(path))

    with Saver(base.checkpoints_dir, settings, {}, KEEP, was_saved) as saver:
        try:
            while done < base.steps:
                asked = reporter.check()
                state, metrics = advance(state, shown)
                done += 1
                values = {name: float(value) for name, value in metrics.items()}
                loss = values.pop("loss")
                if not math.isfinite(loss):
                    raise SwapdeckError(
                        f"The training of {base.name} has diverged at step {done}. Its last "
                        "checkpoint is untouched; start again with another --seed."
                    )
                history.add(done, loss, values, clock.seconds(), {"rate": clock.rate(done)})
                _tell(reporter, base, done, loss, values, clock)
                if asked.save or clock.due("checkpoint", CHECKPOINT_EVERY):
                    saver.start(state)
                    history.flush()
        except StopRequested:
            saver.start(state)
            saver.wait()
            raise
        saver.start(state)
        saved = saver.wait()
    history.flush()
    assert saved is not None  # it was just written
    return BaseResult(done, saved)


def _tell(
    reporter: Reporter, base: Base, done: int, loss: float, values: dict[str, float], clock: Clock
) -> None:
    rate = clock.latest_rate
    reporter.event(
        "step",
        step=done,
        steps=base.steps,
        loss=loss,
        losses=values,
        rate=rate,
        eta=(base.steps - done) / rate if rate else None,
        seconds=clock.seconds(),
        stall=None,
        memory=None,
        memory_limit=None,
        plateau=None,
    )
