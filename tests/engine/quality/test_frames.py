"""What is measured of single frames, on the shipped scene and the exact truth of its swap."""

import math
from dataclasses import replace
from itertools import islice

import cv2
import numpy as np
import pytest

from engine.avatars.demo import demo_clips
from engine.faces.detect import FaceFinder
from engine.faces.embed import Embedder
from engine.media import Frame, open_frames
from engine.quality.assess import result_row, unchanged_row
from engine.quality.frames import FrameFigures, Looker, Pair, with_pose_errors


def first_frames(path: str) -> list[Frame]:
    with open_frames(path) as reader:
        return list(islice(reader, 3))


@pytest.fixture(scope="module")
def scene() -> list[Frame]:
    return first_frames(demo_clips().scene)


@pytest.fixture(scope="module")
def truth() -> list[Frame]:
    return first_frames(demo_clips().truth)


@pytest.fixture(scope="module")
def looker(scene: list[Frame], truth: list[Frame]) -> Looker:
    finder, embedder = FaceFinder(), Embedder()
    means = [
        np.mean([embedder.embed(f.image, finder.find(f.image)[0].landmarks) for f in clip], axis=0)
        for clip in (truth, scene)
    ]
    return Looker(finder, embedder, *means)


def look(looker: Looker, before: list[Frame], after: list[Frame]) -> FrameFigures:
    pairs = [Pair(a, b) for a, b in zip(before, after, strict=True)]
    return looker.look(pairs[2], pairs[1], embed=True)


def test_footage_compared_with_itself_has_no_error(looker: Looker, scene: list[Frame]) -> None:
    same = look(looker, scene, scene)
    assert same.face and same.found
    assert same.landmark_error == 0 and same.turned == (0, 0, 0)
    assert same.flicker == same.own_flicker and same.seam == same.own_seam
    assert (same.mouth, same.eyes) == (same.own_mouth, same.own_eyes)
    assert same.to_target == same.own_to_target < 0.2
    row = result_row("swap", [same])
    assert (row.flicker, row.seam, row.missed, row.still_target) == (1, 1, 0, 1)
    assert unchanged_row([same]).to_target == row.to_target


def test_a_perfect_swap_is_the_source_and_moves_as_the_target(
    looker: Looker, scene: list[Frame], truth: list[Frame]
) -> None:
    swapped = look(looker, scene, truth)
    assert swapped.to_source < 0.2 < 0.45 < swapped.to_target
    assert swapped.own_to_target < swapped.own_to_source
    assert 0 < swapped.landmark_error < 0.2
    assert max(map(abs, swapped.turned)) < 15


def test_a_turn_that_stays_the_same_is_no_pose_error_and_one_that_comes_and_goes_is() -> None:
    turns = [(1.0, 9.0, 0.0)] * 9 + [(1.0, 4.0, 2.0)]
    frames = [FrameFigures(n, 0.0, turned=turn) for n, turn in enumerate(turns)]
    errors = [frame.pose_error for frame in with_pose_errors([*frames, FrameFigures(10, 0.0)])]
    assert errors[:10] == [0.0] * 9 + [5.0]
    assert math.isnan(errors[10])
    assert with_pose_errors(frames[:2])[0].pose_error == 9.0


def test_a_face_that_jumps_flickers(looker: Looker, scene: list[Frame], truth: list[Frame]) -> None:
    jumping = [scene[0], truth[1], scene[2]]
    one = look(looker, scene, jumping)
    assert one.flicker > 2 * one.own_flicker


def test_a_face_that_is_painted_over_is_missed(looker: Looker, scene: list[Frame]) -> None:
    whole = look(looker, scene, scene)
    left, top, right, bottom = whole.box
    covered = scene[2].image.copy()
    cv2.rectangle(covered, (left - 30, top - 50), (right + 30, bottom + 30), (90, 90, 90), -1)
    figures = look(looker, scene, [*scene[:2], Frame(2, None, scene[2].time, covered)])
    assert figures.missed
    assert math.isnan(figures.landmark_error)
    assert result_row("swap", [figures]).missed == 1


def test_a_frame_without_a_face_measures_nothing(looker: Looker, scene: list[Frame]) -> None:
    empty = [Frame(f.index, f.pts, f.time, np.full_like(f.image, 90)) for f in scene]
    figures = look(looker, empty, empty)
    assert not figures.face and not figures.missed
    assert math.isnan(result_row("swap", [figures]).landmark_error)


def test_of_two_people_the_one_who_was_swapped_is_measured(
    looker: Looker, scene: list[Frame], truth: list[Frame]
) -> None:
    def beside(left: list[Frame], right: list[Frame]) -> list[Frame]:
        return [
            replace(one, image=np.concatenate([one.image, other.image], axis=1))
            for one, other in zip(left, right, strict=True)
        ]

    width = scene[0].image.shape[1]
    both = beside(truth, scene)
    only_right = look(looker, both, beside(truth, truth))
    assert only_right.box[0] > width
    two_swaps = look(looker, both, beside(scene, truth))
    assert two_swaps.box[0] > width  # the target person's face, not the other one
