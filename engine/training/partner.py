"""What the other processes than 0 do in a training: what process 0 orders, and nothing else.

A partner draws, reads and computes its share of every batch. It writes nothing.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from engine.compilation import use_compilation_cache
from engine.nets.presets import get_preset
from engine.reporting import Reporter
from engine.training.dataset import Dataset
from engine.training.devices import Spread, spread_over
from engine.training.dispatch import steps_a_dispatch
from engine.training.feed import Feed, open_feed
from engine.training.leading import plan_of, shared
from engine.training.loop import compiled, find_people, refactored
from engine.training.precision import settled_model
from engine.training.processes import Order, Orders
from engine.training.settings import TrainSettings
from engine.training.step import State, Step, state_shapes
from projects.errors import SwapdeckError
from projects.swaps import Swap
from projects.workspace import Workspace


def help_train(workspace: Workspace, swap: Swap, orders: Orders, reporter: Reporter) -> None:
    """Take part in the training of a swap until process 0 ends it.

    Raises:
        SwapdeckError: this process sees other faces than process 0, has no room for them, or
            process 0 ended with a fault.
        LostError: another process is gone.
    """
    use_compilation_cache()
    order = orders.next()
    if order.what == "end":
        _part(order)
        return
    try:
        settings, datasets = _agreed(workspace, swap, order.value)
        spread = spread_over("all", settings)
    except SwapdeckError as error:
        orders.answer(str(error))
        raise
    orders.answer("")
    if spread is None:
        raise SwapdeckError("There is one device in all; that is no training by several processes.")
    where = str(order.value["dataset"])
    with open_feed(workspace, datasets, settings, where, reporter, spread) as feed:
        order = orders.next()
        while order.what == "begin":
            slower = replace(settings, learning_rate=order.value)
            order = _train(slower, tuple(datasets), feed, spread, orders)
        _part(order)


def _agreed(
    workspace: Workspace, swap: Swap, plan: dict[str, Any]
) -> tuple[TrainSettings, dict[str, Dataset]]:
    """Process 0's settings, and the datasets by role. Raises SwapdeckError unless this process
    would do the same."""
    settings = TrainSettings.from_dict(plan["settings"])
    people = find_people(workspace, swap, settings)
    own = plan_of(settings, plan["dataset"], people.fingerprints)
    if own["jax"] != plan["jax"]:
        raise SwapdeckError(f"It has JAX {own['jax']}, and process 0 has {plan['jax']}.")
    if own != plan:
        raise SwapdeckError(
            "It sees other faces than process 0. Give all processes the same workspace, on a file "
            "system that they share, or copies that are alike."
        )
    return settings, people.datasets


def _train(
    settings: TrainSettings, people: tuple[str, ...], feed: Feed, spread: Spread, orders: Orders
) -> Order:
    """Train from a state of process 0's on; the order that ended it. people: by their roles."""
    preset = get_preset(settings.preset)
    model = settled_model(settings, people)
    shapes = state_shapes(preset, settings, people)
    blank = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    state: State = shared(blank, spread)
    step = int(state.step)
    compile_for = partial(compiled, model, settings, state, feed, spread=spread)
    programs: dict[int, Step] = {1: compile_for(1)}
    while True:
        order = orders.next()
        match order.what:
            case "measure":
                steps_a_dispatch(programs[1], state, feed.take(step, 1))
            case "compile":
                programs[order.value] = compile_for(order.value)
            case "steps":
                state, _ = programs[order.value](state, feed.take(step, order.value))
                step += order.value
            case "factor":
                state = refactored(state, order.value, spread)
            case _:
                return order


def _part(order: Order) -> None:
    if order.value:
        raise SwapdeckError(f"Process 0 ended the training: {order.value}")
