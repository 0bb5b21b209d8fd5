"""Stretches of a source: every chosen frame is searched once, wherever a search goes on."""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
import pytest

from engine.faces.segments import CONTEXT, Choice, Segment, first_needed, segments
from engine.media import Frame

SMALL = np.zeros((4, 4, 3), np.uint8)


def film(length: int, begin: int = 0) -> list[Frame]:
    return [Frame(i, i, i / 25, SMALL) for i in range(begin, length)]


def cores(found: Sequence[Segment]) -> list[list[int]]:
    return [[frame.index for frame in one.core_frames] for one in found]


@pytest.mark.parametrize("length", [0, 1, 47, 48, 50, 51, 96, 99, 200])
@pytest.mark.parametrize("every", [1, 3])
def test_every_chosen_frame_is_searched_once_and_in_order(length: int, every: int) -> None:
    found = list(segments(film(length), 0, Choice(every)))
    assert [*chain(*cores(found))] == list(range(0, length, every))
    assert [one.last for one in found] == [False] * (len(found) - 1) + [True]


def test_each_stretch_brings_frames_of_its_neighbours() -> None:
    first, middle, *_ = segments(film(200), 0, Choice())
    assert (first.core.start, len(first.frames) - first.core.stop) == (0, CONTEXT)
    assert middle.core.start == CONTEXT
    assert middle.frames[0].index == first.next_frame - CONTEXT


@pytest.mark.parametrize("every", [1, 2, 5])
def test_a_search_goes_on_with_the_same_stretches(every: int) -> None:
    whole = list(segments(film(400), 0, Choice(every)))
    for done, one in enumerate(whole[:-1]):
        start = one.next_frame
        again = list(segments(film(400, first_needed(start, every)), start, Choice(every)))
        assert cores(again) == cores(whole[done + 1 :])
        assert [s.core for s in again] == [s.core for s in whole[done + 1 :]]


def test_large_frames_make_short_stretches() -> None:
    large = np.broadcast_to(np.uint8(0), (2160, 3840, 3))
    frames = [Frame(i, i, i / 25, large) for i in range(40)]
    first = next(iter(segments(frames, 0, Choice())))
    assert len(first.core) < 10


def test_only_a_part_is_looked_at() -> None:
    found = list(segments(film(500), 0, Choice(2, begin=4.0, end=8.0)))
    assert [*chain(*cores(found))] == list(range(100, 201, 2))


def test_nothing_is_read_past_the_end_of_the_part() -> None:
    read: list[int] = []

    def frames() -> Iterator[Frame]:
        for frame in film(500):
            read.append(frame.index)
            yield frame

    list(segments(frames(), 0, Choice(end=2.0)))
    assert max(read) == 51


def test_pictures_have_no_time_and_are_always_looked_at() -> None:
    picture = Frame(0, None, 0.0, SMALL)
    (one,) = segments([picture], 0, Choice(begin=60.0, end=70.0))
    assert one.core_frames == (picture,)
