"""How long the device waits for faces that lie on it, and for faces that are read from the disk."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from engine.bench.dataset import made_up, make_person
from engine.bench.step import in_a_row, prepare
from engine.nets.presets import get_preset
from engine.reporting import CollectingReporter
from engine.training.dataset import find_dataset
from engine.training.feed import open_feed
from engine.training.model import PEOPLE
from engine.training.settings import settings_for
from projects.workspace import open_workspace

MODES: Final = ("device", "stream")


@dataclass(frozen=True)
class Fed:
    """A training's step with its faces in one place or the other."""

    preset: str
    mode: str
    """device or stream."""
    faces: int
    """That are trained on, of both people together."""
    crops: int
    """Their bytes."""
    dispatch: int
    """Steps that one call makes."""
    seconds: float
    """Median of a step."""
    stall: float
    """Share of the time in which the device waited for its input, at most."""


def feeds(
    name: str, batch: int, faces: int, least: float, *, steps: int | None = None
) -> Iterator[Fed]:
    """Time the step of a preset by both feeds, on two made-up people with so many faces together.

    least: seconds that each is timed for. steps: in one call.
    """
    size = get_preset(name).size
    settings = settings_for(name, batch=batch)
    with TemporaryDirectory(prefix="swapdeck-bench-") as place:
        workspace = open_workspace(Path(place) / "workspace", create=True)
        people = [
            make_person(workspace, role, number, faces // 2, made_up(number))
            for number, role in enumerate(PEOPLE)
        ]
        datasets = {
            role: find_dataset(person, size, settings.augmentation.clahe > 0)
            for role, person in zip(PEOPLE, people, strict=True)
        }
        for mode in MODES:
            with ExitStack() as stack:
                opened = open_feed(workspace, datasets, settings, mode, CollectingReporter())
                feed = stack.enter_context(opened)
                ready = prepare(name, batch, steps=steps, feed=feed)
                timed = in_a_row(ready, least)
                assert timed.stall is not None  # they are made in a row
                yield Fed(
                    preset=name,
                    mode=mode,
                    faces=sum(len(one.faces) for one in datasets.values()),
                    crops=sum(one.nbytes for one in datasets.values()),
                    dispatch=ready.steps,
                    seconds=timed.seconds,
                    stall=timed.stall,
                )
