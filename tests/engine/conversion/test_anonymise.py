"""Anonymising: the person is looked for in the finished file, by real models."""

from itertools import islice
from pathlib import Path

import pytest

from engine.avatars.demo import demo_clips
from engine.conversion.anonymise import (
    RecognisedError,
    Searched,
    people_to_hide,
    require_unrecognised,
    search_result,
    searched_before,
)
from engine.conversion.casting import Role
from engine.conversion.convert import ConvertResult
from engine.conversion.locate import Located, LocatedFace
from engine.conversion.players import Player
from engine.faces.align import fit_transform
from engine.faces.template import TEMPLATE
from engine.media import EncodeSettings, open_frames, write_converted
from engine.reporting import NullReporter
from projects.errors import CommandError
from projects.people import get_person
from projects.swaps import get_swap
from projects.workspace import Workspace, open_workspace
from tests.conftest import Swapdeck

FRAMES = 4


@pytest.fixture
def workspace(trained_once: Swapdeck) -> Workspace:
    return open_workspace(trained_once.root)


def first_frames(clip: Path, output: Path) -> Path:
    with open_frames(clip) as reader:
        write_converted(clip, output, islice(reader, FRAMES), EncodeSettings(preset="ultrafast"))
    return output


def result(output: Path, replaced: range) -> ConvertResult:
    face = LocatedFace(0, 0, (0, 0, 9, 9), TEMPLATE, fit_transform(TEMPLATE), False)
    located = Located(FRAMES, dict.fromkeys(replaced, (face,)), 0)
    return ConvertResult(output, FRAMES, len(replaced), 0, (), located, 1.0)


def searched(workspace: Workspace, output: Path, replaced: range) -> Searched:
    bruno = get_person(workspace, "bruno")
    [found] = search_result(workspace, {0: bruno}, result(output, replaced), NullReporter())
    return found


def test_a_perfect_swap_passes_and_says_how_near_it_came(
    workspace: Workspace, tmp_path: Path
) -> None:
    output = first_frames(demo_clips().truth, tmp_path / "truth.mp4")
    found = searched(workspace, output, range(FRAMES))
    anonymity = found.anonymity
    assert anonymity.passed and anonymity.checked == FRAMES
    assert anonymity.closest > 0.42 and anonymity.mean > 0.48
    assert (anonymity.first, anonymity.others) == (0.0, 1)
    require_unrecognised([found])


def test_footage_that_was_not_altered_fails_and_names_its_frames(
    workspace: Workspace, tmp_path: Path
) -> None:
    output = first_frames(demo_clips().scene, tmp_path / "same.mp4")
    found = searched(workspace, output, range(FRAMES - 1))
    assert found.anonymity.recognised == ((0, FRAMES - 1),)
    assert found.anonymity.first == 1.0
    with pytest.raises(RecognisedError) as raised:
        require_unrecognised([found])
    assert "bruno would still be recognised in 4 of 4 frames: 0-3." in str(raised.value)
    assert "replaced in 1 of 4 frames: 3." in str(raised.value)


def test_what_failed_before_a_crash_fails_after_it(workspace: Workspace, tmp_path: Path) -> None:
    output = first_frames(demo_clips().scene, tmp_path / "same.mp4")
    found = searched(workspace, output, range(FRAMES))
    event = {"output": str(output), "anonymity": {"bruno": found.anonymity.as_dict()}}
    assert searched_before(workspace, [{"output": "x.mp4"}, event]) == [found]


def test_whoever_is_cast_by_a_picture_alone_cannot_be_hidden(workspace: Workspace) -> None:
    swap = get_swap(workspace, "a-as-b")
    role = Role("picture:x.png", "whoever x.png shows")
    somebody = Player(role, None, swap, None, 0, "")  # type: ignore[arg-type]
    with pytest.raises(CommandError, match="Cast people by their names"):
        people_to_hide([somebody])


def test_the_command_line_refuses_what_leaks_before_anything_is_done(
    trained: Swapdeck, short_clips: dict[str, Path]
) -> None:
    convert = ("convert", "a-as-b", short_clips["scene"], "--anonymise")
    assert "shows through" in trained.error(*convert, "--opacity", "0.5", code=2)
    shots = trained.root / "swaps/a-as-b/shots.toml"
    shots.write_text(
        "version = 1\n[[shot]]\nfirst = 3\nlast = 5\nopacity = 0.4\n", encoding="utf-8"
    )
    assert "shows through" in trained.error(*convert, code=2)
    assert not list((trained.root / "swaps/a-as-b/results").glob("*"))
