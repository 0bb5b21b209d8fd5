"""What is kept and rejected by hand, from whichever program; poses in steps; faces in order."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from projects.errors import CommandError
from projects.face_decisions import decide, take_back
from projects.face_groups import GROUPS
from projects.face_poses import pose_counts
from projects.face_query import KEPT
from projects.face_rules import select
from projects.faces import FaceIndex
from projects.people import Person
from projects.sources import add_source

from .made_faces import face

YAWS = (-31.0, -8.0, 0.0, 7.0, 8.0, 40.0)


@pytest.fixture
def filmed(ada: Person, tmp_path: Path) -> Person:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"a clip")
    source, _ = add_source(ada, clip, "video", str(clip))
    with FaceIndex(ada.index_path) as index:
        index.start(source.digest, "{}")
        index.add_frames(
            source.digest,
            [face(source.digest, number, yaw) for number, yaw in enumerate(YAWS)],
            len(YAWS),
        )
    return ada


def kept(person: Person) -> list[int]:
    with FaceIndex(person.index_path, readonly=True) as index:
        return [row.id for row in index.rows(KEPT)]


def test_numbers_ranges_and_rules_are_rejected_and_taken_back(filmed: Person) -> None:
    decided = decide(filmed, ["1", "5-6"], kept=False)
    assert (decided.met, decided.changed, decided.reason) == (3, 3, "by hand")
    assert kept(filmed) == [2, 3, 4]
    decided = decide(filmed, ["yaw<0", "sharpness<3"], kept=False)
    assert (decided.met, decided.changed) == (3, 3)
    assert decided.reason == "rule: yaw<0 or sharpness<3"
    assert kept(filmed) == [4]
    assert take_back(filmed).what == "reject yaw<0 sharpness<3"
    assert kept(filmed) == [2, 3, 4]
    assert take_back(filmed).faces == 3
    assert kept(filmed) == [1, 2, 3, 4, 5, 6]
    with pytest.raises(CommandError, match="can be taken back"):
        take_back(filmed)


def test_own_words_are_the_reason(filmed: Person) -> None:
    assert decide(filmed, ["2"], kept=False, reason="blinks\x1b").reason == "by hand: blinks"


def test_a_face_that_is_not_there_changes_nothing(filmed: Person) -> None:
    with pytest.raises(CommandError, match="no face 99"):
        decide(filmed, ["1", "99"], kept=False)
    assert len(kept(filmed)) == len(YAWS)


def test_nobody_searched_yet_is_a_sentence(ada: Person) -> None:
    with pytest.raises(CommandError, match="swapdeck extract ada"):
        take_back(ada)


def test_poses_are_counted_in_steps(filmed: Person) -> None:
    with FaceIndex(filmed.index_path, readonly=True) as index:
        assert pose_counts(index) == {(-2, 0): 1, (-1, 0): 1, (0, 0): 2, (1, 0): 1, (3, 0): 1}
        assert pose_counts(index, select(["yaw>5"])) == {(0, 0): 1, (1, 0): 1, (3, 0): 1}


@pytest.mark.parametrize("group", GROUPS)
def test_ordered_by_groups_faces_follow_the_groups(filmed: Person, group: str) -> None:
    with FaceIndex(filmed.index_path, readonly=True) as index:
        groups = index.groups(group)
        found = index.order(by="sharpness", group=group)
        assert [name for name, _ in runs(found)] == [one.name for one in groups]
        assert [number for _, number in runs(found)] == [one.faces for one in groups]
        first = [identity for identity, name in found if name == groups[0].name]
    assert first == sorted(first, reverse=True)  # sharpness rises with the id


def runs(found: list[tuple[int, str]]) -> list[tuple[str, int]]:
    result: list[tuple[str, int]] = []
    for _, name in found:
        if result and result[-1][0] == name:
            result[-1] = (name, result[-1][1] + 1)
        else:
            result.append((name, 1))
    return result


def test_an_order_without_groups_is_that_of_the_rows(filmed: Person) -> None:
    with FaceIndex(filmed.index_path, readonly=True) as index:
        for order in ("time", "yaw", "sharpness", "likeness"):
            rows = [row.id for row in index.rows(order=order, reverse=True)]
            assert [identity for identity, _ in index.order(by=order, reverse=True)] == rows
        assert math.isnan(next(index.rows()).likeness)
