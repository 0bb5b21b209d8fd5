"""Trains presets and recipes on the shipped pair for the same time and examines each on the way.

What a perfect model would get stands beside them: see `herself`.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from engine.avatars.clips import ANNA_TRAINING, BRUNO_SCENE, FRAME_RATE, SIZE
from engine.avatars.demo import demo_clips
from engine.avatars.identities import PEOPLE
from engine.avatars.parameters import Pose
from engine.bench.people import filmed
from engine.bench.quality.scenes import PAIRS, Scene
from engine.bench.study.exam import Exam, Marks
from engine.bench.study.herself import in_person
from engine.bench.study.opening import Openings
from engine.bench.study.picture import Picture, compared
from engine.consented import consented, training_in_ledger
from engine.faces.align import Alignment
from engine.faces.detect import FaceFinder
from engine.faces.embed import Embedder
from engine.media.pictures import save_png
from engine.memory import with_large_pages
from engine.nets.presets import get_preset
from engine.quality.exact import Truth
from engine.reporting import NullReporter
from engine.training.inference import load_swapper
from engine.training.limits import Limits
from engine.training.loop import train
from projects.checkpoints import steps
from projects.errors import CommandError, SwapdeckError
from projects.swaps import Swap, get_swap, list_swaps, new_swap
from projects.workspace import Workspace, open_workspace

SEED: Final = 1
SOURCE, TARGET = "anna", "bruno"


@dataclass(frozen=True)
class Entry:
    """What is tried: a preset, and what differs from its defaults, nested as in a swap."""

    name: str
    preset: str = "light-64"
    settings: Mapping[str, Any] = field(default_factory=dict)
    alignment: Alignment = Alignment.EYES_BRIDGE
    trained: bool = True
    """False for the source in person, at the preset's size."""


ENTRIES: Final = {
    entry.name: entry
    for entry in (
        Entry("light-64"),
        Entry("light-64 without a base", settings={"recipe": "swapdeck"}),
        Entry("naive", settings={"recipe": "naive"}, alignment=Alignment.INNER),
        Entry("light-128", "light-128"),
        Entry("light-64 drawn alike", settings={"sampling": {"expression_uniform": 0.0}}),
        Entry("classic-64", "classic-64"),
        Entry("herself at 64", trained=False),
        Entry("herself at 128", "light-128", trained=False),
    )
}


@dataclass(frozen=True)
class Row:
    """What an entry got after so many minutes of training; None where nothing is trained."""

    name: str
    minutes: float | None
    step: int | None
    marks: Marks


def run(
    entries: Sequence[Entry],
    at: Sequence[float],
    folder: Path,
    say: Callable[[str], None],
) -> Iterator[Row]:
    """Train each entry up to each of the minutes `at` and examine its newest state there.

    What is not trained is examined once. `folder` must hold no training of such an entry. study.png
    in it shows their latest answers beside each other. Raises SwapdeckError.
    """
    at = moments(at)
    workspace = open_workspace(folder, create=True)
    exams = _Exams(FaceFinder(), Embedder())
    sheets: dict[str, Picture] = {}
    for entry in entries:
        exam = exams.of(entry)
        if entry.trained:
            states = _trained(workspace, entry, at, exam, say)
        else:
            say(f"rendering {len(exam.frames)} frames of {SOURCE} {entry.name}")
            states = iter([(None, None, exams.herself(entry))])
        for minutes, step, answers in states:
            sheets[entry.name] = exam.sheet(answers)
            save_png(folder / "study.png", compared(sheets))
            yield Row(entry.name, minutes, step, exam.marks(answers))


def _trained(
    workspace: Workspace,
    entry: Entry,
    at: Sequence[float],
    exam: Exam,
    say: Callable[[str], None],
) -> Iterator[tuple[float | None, int | None, list[Picture]]]:
    """What an entry answers, with the minutes and the steps that it was trained."""
    swap = _swap(workspace, entry, say)
    before = 0.0
    for minutes in at:
        say(f"training {entry.name} to {minutes:g} minutes")
        train_for(workspace, swap, minutes - before)
        before = minutes
        swapper, warnings = load_swapper(swap, newest=True)
        for warning in warnings:
            say(warning)
        answers = exam.answers(swapper)
        save_png(swap.results_dir / f"study-{minutes:g}.png", exam.sheet(answers))
        yield minutes, swapper.step, answers


class _Exams:
    """The exams of the shipped scene, each made once."""

    def __init__(self, finder: FaceFinder, embedder: Embedder) -> None:
        self._finder, self._embedder = finder, embedder
        self._made: dict[tuple[int, Alignment], Exam] = {}

    def of(self, entry: Entry) -> Exam:
        """The exam for chips as this entry has them."""
        key = get_preset(entry.preset).size, entry.alignment
        if key not in self._made:
            clips = demo_clips()
            scene = Scene(PAIRS[0], clips.scene, Truth(clips.truth, clips.truth_mask))
            openings = Openings(
                clips.source_training,
                lambda frame: ANNA_TRAINING.pose(frame / FRAME_RATE),
                _in_scene,
            )
            size, alignment = key
            self._made[key] = Exam(scene, size, self._finder, self._embedder, openings, alignment)
        return self._made[key]

    def herself(self, entry: Entry) -> list[Picture]:
        """The source in person in each frame that the exam asks about."""
        poses = [_in_scene(frame) for frame in self.of(entry).frames]
        size = get_preset(entry.preset).size
        return in_person(PEOPLE[SOURCE], poses, SIZE, size, self._finder, entry.alignment)


def _in_scene(frame: int) -> Pose:
    """What is done in a frame of the shipped scene."""
    return BRUNO_SCENE.pose(frame / FRAME_RATE)


def moments(at: Sequence[float]) -> list[float]:
    """The minutes in order. Raises CommandError for none, and for any that is not above 0."""
    if not at or any(minutes <= 0 for minutes in at):
        raise CommandError("Name minutes above 0, as in --at 1,2,4.")
    return sorted(at)


def train_for(workspace: Workspace, swap: Swap, minutes: float) -> None:
    """Train so many minutes more, as `swapdeck train` does, but for previews and scores.

    In a process of its own, as there: it is as it starts that a process asks for large pages.
    """
    os.environ.update(with_large_pages(os.environ))
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            pool.submit(_train_for, workspace.root, swap.slug, minutes).result()
        except BrokenProcessPool:
            raise SwapdeckError(
                f"The training of {swap.name} was ended from outside, for want of memory perhaps. "
                "Give it an empty folder and more room."
            ) from None


def _train_for(root: Path, slug: str, minutes: float) -> None:
    workspace = open_workspace(root)
    swap = get_swap(workspace, slug)
    allowed = consented(workspace, swap, "training", NullReporter())
    with training_in_ledger(workspace, swap, minutes=minutes):
        # Neither previews nor scores: both cost time that others would not have.
        limits = Limits(minutes=minutes, preview_every=86_400, score_every=86_400)
        train(workspace, swap, limits, allowed)


def _swap(workspace: Workspace, entry: Entry, say: Callable[[str], None]) -> Swap:
    clips = demo_clips()
    people = [
        filmed(workspace, f"{name} {entry.alignment.value}", clip, say, entry.alignment)
        for name, clip in ((SOURCE, clips.source_training), (TARGET, clips.target_training))
    ]
    for swap in list_swaps(workspace):
        if swap.name == entry.name:
            if steps(swap.checkpoints_dir):
                raise CommandError(
                    f"{entry.name} was trained in {workspace.root} before, so its minutes would "
                    "not be told right. Give an empty folder."
                )
            return swap
    return new_swap(
        workspace,
        entry.name,
        people[0].slug,
        people[1].slug,
        preset=entry.preset,
        seed=SEED,
        settings=dict(entry.settings),
    )
