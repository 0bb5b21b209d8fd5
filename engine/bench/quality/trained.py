"""A model that was really trained on footage of a pair, in a workspace of the cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from engine.bench.people import filmed
from engine.bench.quality.scenes import TRAINING_FRAMES, Pair, folder_of, footage
from engine.consented import consented, training_in_ledger
from engine.reporting import NullReporter
from engine.training.inference import TrainedSwapper, load_swapper
from engine.training.limits import Limits
from engine.training.loop import train
from projects.checkpoints import steps
from projects.swaps import list_swaps, new_swap
from projects.texts import read_json, write_json
from projects.workspace import open_workspace

PRESET: Final = "light-64"
SEED: Final = 1
_TRAINED: Final = "trained.json"
_VERSION: Final = 1


def trained(
    pair: Pair,
    cache: Path,
    minutes: float,
    say: Callable[[str], None],
    preset: str = PRESET,
) -> TrainedSwapper:
    """The pair's model after so many minutes, those of earlier calls included."""
    root = folder_of(pair, cache) / ("workspace" if preset == PRESET else f"workspace-{preset}")
    workspace = open_workspace(root, create=True)
    people = [
        filmed(workspace, name, footage(name, cache, say, TRAINING_FRAMES), say)
        for name in (pair.source, pair.target)
    ]
    found = list_swaps(workspace)
    swap = (
        found[0]
        if found
        else new_swap(
            workspace,
            pair.name,
            people[0].slug,
            people[1].slug,
            preset=preset,
            seed=SEED,
            settings={},
        )
    )
    marker = root / _TRAINED
    before = float(read_json(marker)["minutes"]) if marker.exists() else 0.0
    if minutes > before or not steps(swap.checkpoints_dir):
        more = max(minutes - before, 0.1)
        say(f"training {pair.name} with {preset} for {more:g} minutes")
        reporter = consented(workspace, swap, "training", NullReporter())
        with training_in_ledger(workspace, swap, minutes=more):
            train(workspace, swap, Limits(minutes=more), reporter)
        write_json(marker, {"version": _VERSION, "minutes": before + more})
    swapper, warnings = load_swapper(swap)
    for warning in warnings:
        say(warning)
    return swapper
