"""Where a training goes on: its newest sound checkpoint, carried over to the settings of today."""

from pathlib import Path

from engine.nets.presets import Preset
from engine.pretraining.weights import base_params
from engine.reporting import Reporter
from engine.training import optimisers
from engine.training.adversary import first_adversary
from engine.training.checkpoint import load_state, read_settings
from engine.training.model import PEOPLE, build
from engine.training.settings import TrainSettings
from engine.training.start import started
from engine.training.step import State, compile_first_state, state_shapes, with_params
from projects.checkpoints import newest
from projects.errors import CommandError
from projects.swaps import Swap
from projects.workspace import Workspace


def resume(
    workspace: Workspace,
    swap: Swap,
    settings: TrainSettings,
    preset: Preset,
    reporter: Reporter,
) -> tuple[State, Path | None]:
    """The state to go on from, and the checkpoint that holds it; a first state without one.

    Raises CommandError when the swap was trained as another preset, or for a base that is not
    there; SwapdeckError for a base that cannot be used.
    """
    checkpoint, warnings = newest(swap.checkpoints_dir)
    for text in warnings:
        reporter.event("warning", text=text)
    people = tuple(swap.roles)
    if checkpoint is None:
        return _begin(workspace, settings, preset, people, reporter), None
    was = read_settings(checkpoint)
    if was.preset != settings.preset:
        raise CommandError(
            f"{swap.name} was trained as another preset than {settings.preset}. Put the preset "
            "back in its swap.toml, or make a new swap with: swapdeck swap new"
        )
    state = load_state(checkpoint, state_shapes(preset, was, people))
    # At step 0 there is nothing yet that could begin anew.
    if optimisers.begins_anew(state.params, was, settings) and int(state.step):
        frozen = f" and {was.freeze} frozen" if was.freeze != settings.freeze else ""
        reporter.event(
            "warning",
            text=f"{swap.name} was trained with {was.optimiser}{frozen} so far. "
            f"{settings.optimiser} goes on with its weights, and begins itself anew with the "
            "warm-up.",
        )
    return carried(state, was, settings, people), checkpoint


def _begin(
    workspace: Workspace,
    settings: TrainSettings,
    preset: Preset,
    people: tuple[str, ...],
    reporter: Reporter,
) -> State:
    """The state before the first step, with the weights of a base where there is one."""
    state = compile_first_state(preset, settings, people)
    base = base_params(settings.base, preset.name, workspace)
    if base is None:
        return state
    reporter.event("base", name=settings.base, text=f"Begins with the base '{settings.base}'.")
    return with_params(state, started(base, {}, build(preset, people), state.params))


def carried(
    state: State, was: TrainSettings, now: TrainSettings, people: tuple[str, ...] = PEOPLE
) -> State:
    """A state made with the settings `was`, for going on with `now`; unchanged where they agree.

    Weights, their average and the step are kept. What another optimiser, schedule or adversary
    needs is made anew, and what is not needed any more is left out.
    """
    adversary = state.adversary if now.losses.adversary else None
    if adversary is None:
        adversary = first_adversary(now, people)
    moments = optimisers.carried(state.optimiser, state.params, was, now)
    return state._replace(optimiser=moments, adversary=adversary)
