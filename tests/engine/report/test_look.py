"""Frames of a finished result beside its footage."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import pytest

from engine import verbs
from engine.report.record import ConversionRecord, save_record
from engine.reporting import CollectingReporter
from projects.errors import CommandError
from projects.people import Person
from projects.swaps import Swap, new_swap
from projects.workspace import Workspace

CLIPS = Path(__file__).parents[3] / "engine" / "avatars" / "clips"


@pytest.fixture
def swap(workspace: Workspace, ada: Person, ben: Person) -> Swap:
    """A swap with a result, which is the exact truth of its footage."""
    made = new_swap(workspace, None, ada, ben, preset="light-64", seed=1, settings={})
    output = made.results_dir / "scene.mp4"
    shutil.copy(CLIPS / "bruno-scene-truth.mp4", output)
    footage = str(CLIPS / "bruno-scene.mp4")
    save_record(made, ConversionRecord(footage, str(output), 1, 96, 96, 1.0))
    return made


def test_a_frame_is_shown_beside_what_it_was(workspace: Workspace, swap: Swap) -> None:
    reporter = CollectingReporter()
    arguments = {"swap": swap.slug, "result": "scene.mp4", "frames": [3]}
    verbs.run(workspace, "look", arguments, reporter)
    [event] = reporter.of("preview")
    assert event["frame"] == 3
    picture = cv2.imread(str(swap.root / event["path"]))
    height, width = picture.shape[:2]
    assert width > 2 * height
    before, after = picture[:, : width // 2], picture[:, -(width // 2) :]
    assert not (before == after).all()


@pytest.mark.parametrize(("result", "frame"), [("other.mp4", 3), ("../scene.mp4", 3),
                                               ("scene.mp4", 10_000)])  # fmt: skip
def test_what_is_not_there_is_refused(
    workspace: Workspace, swap: Swap, result: str, frame: int
) -> None:
    arguments = {"swap": swap.slug, "result": result, "frames": [frame]}
    with pytest.raises(CommandError, match="has no"):
        verbs.run(workspace, "look", arguments, CollectingReporter())
