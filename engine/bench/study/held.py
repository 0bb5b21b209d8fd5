"""Trains presets and recipes on two people of a workspace for the same time; there is no truth.

So they are judged by the faces that are held out of every training: `engine.training.validate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from engine.bench.study.run import SEED, Entry, moments, train_for
from engine.training.inference import load_trained
from engine.training.loop import find_people
from engine.training.validate import Score, Validator
from projects.errors import CommandError, SwapdeckError
from projects.people import Person
from projects.swaps import Swap, new_swap
from projects.workspace import Workspace

LOOKED_AT: Final = 48
"""Swapped faces that are embedded and measured at each examination."""


@dataclass(frozen=True)
class HeldRow:
    """What an entry got after so many minutes of training."""

    name: str
    minutes: float
    score: Score


def run_held(
    workspace: Workspace,
    source: Person,
    target: Person,
    entries: Sequence[Entry],
    at: Sequence[float],
    say: Callable[[str], None],
) -> Iterator[HeldRow]:
    """Train a new swap of the two for each entry, up to each of the minutes `at`, and score it.

    The swaps stay in the workspace. Raises RefusedError where a consent does not cover training,
    CommandError where a swap of such a name is there and for an entry that is not trained,
    SwapdeckError for people with too few faces.
    """
    at = moments(at)
    for entry in entries:
        if not entry.trained:
            raise CommandError(f"'{entry.name}' is of people who are rendered. Leave it out.")
    for entry in entries:
        swap = new_swap(
            workspace,
            f"study {source.name} as {target.name} {entry.name}",
            source,
            target,
            preset=entry.preset,
            seed=SEED,
            settings=dict(entry.settings),
        )
        before = 0.0
        for minutes in at:
            say(f"training {swap.slug} to {minutes:g} minutes")
            train_for(workspace, swap, minutes - before)
            before = minutes
            yield HeldRow(entry.name, minutes, score(workspace, swap))


def score(workspace: Workspace, swap: Swap, looked_at: int = LOOKED_AT) -> Score:
    """The held-out score of a swap's newest checkpoint. Raises SwapdeckError without one."""
    trained, _ = load_trained(swap, newest=True)
    data = find_people(workspace, swap, trained.settings)
    if data.held is None:
        raise SwapdeckError(
            f"{swap.name} has too few faces to hold any out, so nothing can be said of it. Gather "
            "more footage."
        )
    validator = Validator(
        trained.model, trained.settings, data.held, data.identity, looked_at=looked_at
    )
    return validator.score(trained.params, trained.step)
