"""The training of a swap, from its datasets to its newest checkpoint."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import numpy as np
from numpy.typing import NDArray

from engine.compilation import use_compilation_cache
from engine.faces.align import CROP_MARGIN
from engine.faces.dataset import person_identity
from engine.nets.presets import get_preset
from engine.reporting import Reporter
from engine.training.clock import Clock, Stall
from engine.training.dataset import Dataset, Held, find_dataset, load_held
from engine.training.devices import Spread, described, spread_over
from engine.training.dispatch import steps_a_dispatch
from engine.training.divergence import DivergedError, Watch
from engine.training.feed import Feed, open_feed
from engine.training.leading import Leader
from engine.training.limits import Limits
from engine.training.model import PEOPLE, Model, count
from engine.training.optimisers import factor_of, with_factor
from engine.training.precision import settle, settled_model
from engine.training.preview import ROWS, previewer
from engine.training.processes import Orders
from engine.training.resume import resume
from engine.training.run import Run
from engine.training.settings import TrainSettings, settings_for
from engine.training.step import Metrics, State, Step, compile_step, make_step
from engine.training.validate import Validator
from projects.bases import write_down_start
from projects.checkpoint_rows import put_away_newer
from projects.errors import StopRequested
from projects.face_crop import crop_side
from projects.faces import FaceIndex
from projects.people import get_person
from projects.rates import remember_rate
from projects.swaps import Swap, update_swap
from projects.workspace import Workspace

BACK_OFFS = 4
"""How often one run halves its learning rate when the numbers run away."""


@dataclass(frozen=True)
class TrainResult:
    """Where a training ended."""

    step: int
    checkpoint: Path
    seconds: float
    """Of training in this run, compilation not counted."""


def train(
    workspace: Workspace,
    swap: Swap,
    limits: Limits,
    reporter: Reporter,
    orders: Orders | None = None,
) -> TrainResult:
    """Train a swap until its limits, from its newest sound checkpoint if there is one.

    The weights are a function of the datasets, the settings and the number of steps: on one
    machine's CPU a training that was interrupted ends bit for bit like one that was not. When the
    numbers run away, it goes back to the last good checkpoint with half the learning rate.

    orders: those of process 0 to the others, where several train together; see `processes.joined`.

    Raises:
        SwapdeckError: a person without faces, faces that fit neither into the memory nor on the
            disk, numbers that run away again and again, a full disk.
        StopRequested: it was asked to stop; everything is saved.
    """
    use_compilation_cache()
    # Whoever else trains than `swapdeck train`: the people of a base never go unnamed.
    swap = write_down_start(workspace, swap)
    settings = settings_for(swap.preset, seed=swap.seed, **swap.settings)
    settings, warnings = settle(settings, get_preset(swap.preset).size)
    for text in warnings:
        reporter.event("warning", text=text)
    data = find_people(workspace, swap, settings)
    _say_changes(swap, data.fingerprints, reporter)
    _say_coarse(data.datasets.values(), settings.preset, reporter)
    update_swap(swap, fingerprints=data.fingerprints)
    spread = spread_over(limits.devices, settings)
    leader = None
    if orders is not None and spread is not None:
        leader = Leader(orders, spread)
        leader.gather(settings, limits.dataset, data.fingerprints, reporter)
    where = limits.dataset
    with open_feed(workspace, data.datasets, settings, where, reporter, spread) as feed:
        on = On(data, feed, spread, leader)
        return _train_on(workspace, swap, settings, limits, on, reporter)


@dataclass(frozen=True)
class On:
    """What a training works on, from its first step to its last."""

    data: "People"
    feed: Feed
    spread: Spread | None
    """None on one device."""
    leader: Leader | None
    """None in one process."""


def _train_on(
    workspace: Workspace,
    swap: Swap,
    settings: TrainSettings,
    limits: Limits,
    on: On,
    reporter: Reporter,
) -> TrainResult:
    """Train, and go back with half the learning rate where the numbers run away."""
    clock: Clock | None = None
    watch = Watch()
    for _ in range(BACK_OFFS):
        try:
            return _train(workspace, swap, settings, limits, on, reporter, clock, watch)
        except DivergedError as error:
            clock = error.clock
            watch.restart()
            if watch.sound is not None:
                put_away_newer(workspace, swap, watch.sound)
            lower = settings.learning_rate / 2
            reporter.event("warning", text=f"{error} Going back, with learning_rate {lower:g}.")
            swap = update_swap(swap, settings={**swap.settings, "learning_rate": lower})
            settings = replace(settings, learning_rate=lower)
    return _train(workspace, swap, settings, limits, on, reporter, clock, watch)


def _train(
    workspace: Workspace,
    swap: Swap,
    settings: TrainSettings,
    limits: Limits,
    on: On,
    reporter: Reporter,
    clock: Clock | None,
    watch: Watch,
) -> TrainResult:
    data, feed, spread, leader = on.data, on.feed, on.spread, on.leader
    preset = get_preset(swap.preset)
    model = settled_model(settings, tuple(swap.roles))
    state, saved = resume(workspace, swap, settings, preset, reporter)
    if leader is not None:
        state = leader.begin(state, settings)
    elif spread is not None:
        state = spread.replicated(state)
    told = f"{count(state.params):,} weights, {settings.precision}"
    reporter.event("stage", name=f"compile ({told})", total=None, unit="steps")
    draw = previewer(model, settings, feed.few(ROWS), CROP_MARGIN)
    advance = compiled(model, settings, state, feed, 1, spread)
    many, count_many = advance, 1
    if jax.default_backend() != "cpu" and not _reached(limits, int(state.step), 0.0):
        if leader is not None:
            leader.order("measure")
        fitting = steps_a_dispatch(advance, state, feed.take(int(state.step), 1))
        count_many = min(fitting, feed.most_steps)
        if leader is not None:
            leader.order("compile", count_many)
        many = compiled(model, settings, state, feed, count_many, spread)
    validator = None
    if data.held is not None:
        validator = Validator(model, settings, data.held, data.identity)

    def own(state: State) -> State:
        return state if spread is None else spread.here(state)

    step = int(state.step)
    clock = clock or Clock(step)
    reporter.event("stage", name="train", total=limits.steps, unit="steps")

    with Run(swap, settings, limits, reporter, data.fingerprints, step, clock, saved, watch) as run:
        pending: tuple[int, Metrics] | None = None
        stall = Stall()
        try:
            while not (_reached(limits, step, clock.seconds()) or run.levelled_off):
                asked = reporter.check()
                whole = limits.steps is None or step + count_many <= limits.steps
                making = count_many if whole else 1
                if leader is not None:
                    leader.order("steps", making)
                inputs = feed.take(step, making, stall.look)
                stall.before_call()
                state, metrics = (many if whole else advance)(state, inputs)
                stall.called(metrics["loss"])
                step += making
                # The metrics of the call before are read while this one is at work.
                if pending is not None:
                    run.tell(*pending, stall)
                    stall.look()
                pending = (step, metrics)
                if validator is not None and clock.due("score", limits.score_every):
                    state = _scored(run, validator, state, on)
                    stall.busy()
                if asked.save or clock.due("checkpoint", limits.checkpoint_every):
                    run.tell(*pending, stall)
                    pending = None
                    run.save(own(state))
                    stall.busy()
                due = clock.due("preview", limits.preview_every)
                if asked.preview or due or run.saved_unseen:
                    run.preview(draw, own(state))
                    stall.busy()
        except StopRequested:
            if pending is not None:
                run.tell(*pending, stall)
            run.finish(draw, own(state), None)
            _remember(swap, settings, clock, spread)
            raise
        if pending is not None:
            run.tell(*pending, stall)
        checkpoint = run.finish(draw, own(state), validator)
        _remember(swap, settings, clock, spread)
    return TrainResult(step, checkpoint, clock.seconds())


def compiled(
    model: Model,
    settings: TrainSettings,
    state: State,
    feed: Feed,
    steps: int,
    spread: Spread | None,
) -> Step:
    """The program that makes so many steps with what the feed gives."""
    made = make_step(model, settings, CROP_MARGIN, steps, spread)
    return compile_step(made, state, feed.example(steps), spread)


def _scored(run: Run, validator: Validator, state: State, on: On) -> State:
    """The state after a look at the held-out faces, which may have lowered its learning rate."""
    if on.spread is None:
        return run.score(validator, state)
    before = on.spread.here(state)
    factor = factor_of(run.score(validator, before).optimiser)
    if factor == factor_of(before.optimiser):
        return state
    if on.leader is not None:
        on.leader.order("factor", factor)
    return refactored(state, factor, on.spread)


def refactored(state: State, factor: float, spread: Spread) -> State:
    """The state on several devices with another factor of its learning rate."""
    _, rate = with_factor(spread.here(state).optimiser, factor)
    return state._replace(optimiser=(state.optimiser[0], spread.replicated(rate)))


@dataclass(frozen=True)
class People:
    """Everybody's datasets; by role."""

    datasets: dict[str, Dataset]
    fingerprints: dict[str, str]
    held: dict[str, Held] | None
    """Of those who have faces to spare; None unless source and target do."""
    identity: NDArray[np.float32]
    """The source's mean embedding, float32 [128]."""


def find_people(workspace: Workspace, swap: Swap, settings: TrainSettings) -> People:
    """The datasets of a swap's people. Raises SwapdeckError for a person without faces."""
    size, clahe = get_preset(settings.preset).size, settings.augmentation.clahe > 0
    people = {role: get_person(workspace, slug) for role, slug in swap.roles.items()}
    datasets = {role: find_dataset(person, size, clahe) for role, person in people.items()}
    fingerprints = {role: dataset.fingerprint for role, dataset in datasets.items()}
    looked_at = {role: load_held(dataset) for role, dataset in datasets.items()}
    held = {role: one for role, one in looked_at.items() if one is not None}
    with FaceIndex(people["source"].index_path, readonly=True) as index:
        identity = person_identity(index)
    scored = held if held.keys() >= set(PEOPLE) else None
    return People(datasets, fingerprints, scored, identity)


def _say_changes(swap: Swap, fingerprints: dict[str, str], reporter: Reporter) -> None:
    """Warn when the training goes on with other faces than it had before."""
    before = {role: swap.fingerprints.get(role, now) for role, now in fingerprints.items()}
    for role, slug in swap.roles.items():
        if before[role] != fingerprints[role]:
            reporter.event(
                "warning",
                text=f"The faces of {slug} have changed since {swap.name} was last trained; the "
                "training goes on with those that there are now.",
            )


def _say_coarse(datasets: Iterable[Dataset], preset: str, reporter: Reporter) -> None:
    """Warn of people whose faces have fewer pixels than a preset draws."""
    size = get_preset(preset).size
    for dataset in datasets:
        if dataset.side < crop_side(size):
            person, shown = dataset.person, round(dataset.side / CROP_MARGIN)
            reporter.event(
                "warning",
                text=f"{preset} draws {size} pixels a side, and most faces of {person.name} are "
                f"stored in {shown}. Larger faces would show more; those that an older version "
                f"found are stored anew by: swapdeck extract {person.slug} --again",
            )


def _remember(swap: Swap, settings: TrainSettings, clock: Clock, spread: Spread | None) -> None:
    """Keep the speed of a usual training: of two people, all of whose networks learn."""
    if not swap.others and settings.freeze == "none":
        remember_speed(settings, clock, spread)


def remember_speed(settings: TrainSettings, clock: Clock, spread: Spread | None = None) -> None:
    """Keep how fast this machine was, by which the next training of the kind is estimated."""
    rate = clock.latest_rate
    if rate is not None:
        remember_rate(settings.preset, settings.batch, rate, described(spread), "training")


def _reached(limits: Limits, step: int, seconds: float) -> bool:
    if limits.steps is not None and step >= limits.steps:
        return True
    return limits.minutes is not None and seconds >= limits.minutes * 60
