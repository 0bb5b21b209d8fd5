"""The worst frames, and why they are worst."""

import math
from dataclasses import replace
from itertools import pairwise

from engine.quality.frames import FrameFigures
from engine.quality.worst import MOST, worst_frames


def frame(number: int, **changes: float) -> FrameFigures:
    wiggle = 0.001 * (number % 5)
    good = FrameFigures(
        number,
        number / 25,
        face=True,
        found=True,
        to_source=0.40 + wiggle,
        to_target=0.60 + wiggle,
        landmark_error=0.05 + wiggle,
        pose_error=2.0 + wiggle,
        mouth=0.1,
        own_mouth=0.1,
        eyes=0.3,
        own_eyes=0.3,
        flicker=1.5 + wiggle,
        own_flicker=1.0,
        seam=2.0 + wiggle,
        own_seam=2.0,
    )
    return replace(good, **changes)


def clip(**changed: FrameFigures) -> list[FrameFigures]:
    frames = [frame(number) for number in range(60)]
    for one in changed.values():
        frames[one.frame] = one
    return frames


def test_frames_without_anything_notable_are_not_shown() -> None:
    assert worst_frames(clip(), {}) == []


def test_the_worst_comes_first_with_the_measure_that_makes_it_bad() -> None:
    frames = clip(a=frame(10, landmark_error=0.12), b=frame(30, flicker=9.0), c=frame(50, seam=2.3))
    first, second, third = worst_frames(frames, {})
    assert (first.frame, first.measure) == (30, "flicker")
    assert (second.frame, second.measure) == (10, "landmark_error")
    assert "0.120 eye distances" in second.why
    assert (third.frame, third.measure) == (50, "seam")


def test_a_face_that_is_not_found_any_more_is_worse_than_anything() -> None:
    gone = FrameFigures(20, 0.8, face=True, found=False, flicker=1.5, own_flicker=1.0)
    frames = clip(a=gone, b=frame(40, landmark_error=0.9))
    assert [one.measure for one in worst_frames(frames, {})] == ["missed", "landmark_error"]


def test_a_small_distance_to_the_target_is_bad_and_a_large_one_is_not() -> None:
    frames = clip(a=frame(10, to_target=0.35), b=frame(40, to_target=0.9))
    [only] = worst_frames(frames, {})
    assert (only.frame, only.measure) == (10, "to_target")
    assert "0.35 from them" in only.why


def test_frames_far_from_a_known_truth_are_told() -> None:
    exact = {number: 20.0 + 0.01 * (number % 3) for number in range(60)} | {25: 14.0}
    [only] = worst_frames(clip(), exact)
    assert (only.frame, only.measure) == (25, "in_place_psnr")
    assert "14.0 dB" in only.why


def test_neighbours_show_the_same_and_only_so_many_are_shown() -> None:
    bad = {str(number): frame(number, seam=9.0 + number) for number in range(0, 24, 1)}
    chosen = worst_frames(clip(**bad), {})
    numbers = sorted(one.frame for one in chosen)
    assert len(chosen) <= MOST
    assert all(b - a >= 3 for a, b in pairwise(numbers))


def test_frames_without_a_face_are_no_part_of_it() -> None:
    frames = [FrameFigures(number, number / 25) for number in range(20)]
    assert worst_frames(frames, {3: math.nan}) == []
