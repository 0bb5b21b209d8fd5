"""Faces followed through frames, by a finder that knows painted patches exactly."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.faces.detectors import Box, overlap
from engine.faces.follow import KEY_EVERY, Trail, follow
from engine.faces.picture import Picture
from engine.faces.sight import Sight
from engine.faces.template import TEMPLATE

WIDTH, HEIGHT, SIDE = 480, 270, 90
Patches = dict[str, float]  # whose patch -> its left edge; the top is always the same
TOP = 90


def patch(name: str) -> NDArray[np.uint8]:
    """Each person's own smooth pattern, uint8 [SIDE, SIDE, 3]."""
    chance = np.random.default_rng(sum(map(ord, name)))
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    waves = [
        a * np.cos(2 * np.pi * (fx * x + fy * y) + p)
        for a, fx, fy, p in chance.uniform((10, 0.5, 0.5, 0), (30, 3, 3, 6), (8, 4))
    ]
    return np.clip(128 + sum(waves), 0, 255).astype(np.uint8)[..., None].repeat(3, -1)


def painted(patches: Patches, wall: int = 90) -> Picture:
    """The patches before a wall; one named later covers those before it."""
    image = np.full((HEIGHT, WIDTH, 3), wall, np.uint8)
    for name, left in patches.items():
        low, high = max(0, round(left)), min(WIDTH, round(left) + SIDE)
        if low < high:
            image[TOP : TOP + SIDE, low:high] = patch(name)[
                :, low - round(left) : high - round(left)
            ]
    return Picture(image)


class Knows:
    """Finds the patches of each picture, and counts how often it is asked."""

    def __init__(self, film: Sequence[Patches], pictures: Sequence[Picture]) -> None:
        self._film = {id(picture): one for picture, one in zip(pictures, film, strict=True)}
        self.searched: list[int] = []
        self._order = {id(picture): place for place, picture in enumerate(pictures)}

    def find(self, picture: Picture, *, thorough: bool, known: Sequence[Box] = ()) -> list[Sight]:
        self.searched.append(self._order[id(picture)])
        found = [self._sight(left) for left in self._film[id(picture)].values()]
        return [one for one in found if all(overlap(one.box, box) < 0.4 for box in known)]

    def follow(
        self, picture: Picture, points: NDArray[np.floating], *, careful: bool
    ) -> Sight | None:
        """The patch nearest to where one is expected; far from any, what dlib does: a bad guess."""
        expected = float(points[:, 0].min() - TEMPLATE[:, 0].min() * SIDE)
        lefts = self._film[id(picture)].values()
        nearest = min(lefts, key=lambda left: abs(left - expected), default=None)
        if nearest is None or abs(nearest - expected) > SIDE / 3:
            return self._sight(expected, score=-2.0)
        return self._sight(nearest, score=1.0 if careful else math.nan)

    def _sight(self, left: float, score: float = 1.0) -> Sight:
        return Sight(TEMPLATE * SIDE + [left, TOP], 0.01, score)


def trails(
    film: Sequence[Patches], walls: Sequence[int] | None = None
) -> tuple[list[Trail], Knows]:
    walls = walls or [90] * len(film)
    pictures = [painted(one, wall) for one, wall in zip(film, walls, strict=True)]
    finder = Knows(film, pictures)
    return follow(pictures, finder), finder


def ranges(found: Sequence[Trail]) -> list[tuple[int, int]]:
    return [(trail.first, trail.last) for trail in found]


def left_of(trail: Trail, place: int) -> float:
    return float(trail.sights[place].points[:, 0].min() - TEMPLATE[:, 0].min() * SIDE)


def test_a_face_is_followed_where_it_goes_and_searched_for_seldom() -> None:
    film: list[Patches] = [{"ada": 40 + 5 * t} for t in range(50)]
    (one,), finder = trails(film)
    assert (one.first, one.last) == (0, 49)
    assert all(abs(left_of(one, t) - film[t]["ada"]) < 1 for t in range(50))
    assert len(finder.searched) <= math.ceil(50 / KEY_EVERY) + 1


def test_who_comes_in_between_two_searches_is_followed_back_to_the_first_frame() -> None:
    film: list[Patches] = [{} for _ in range(7)] + [{"ada": 200 + t} for t in range(30)]
    found, _ = trails(film)
    assert ranges(found) == [(7, 36)]


def test_a_face_that_moves_too_far_for_flow_is_searched_for_and_stays_one_face() -> None:
    film: list[Patches] = [{"ada": 200} for _ in range(9)] + [{"ada": 240} for _ in range(9)]
    (one,), finder = trails(film)
    assert (one.first, one.last) == (0, 17)
    assert [round(left_of(one, t)) for t in (8, 9)] == [200, 240]
    assert finder.searched.count(9) == 1


def test_a_face_that_is_gone_ends_its_trail_and_is_searched_for_at_once() -> None:
    film: list[Patches] = [{"ada": 200} for _ in range(9)] + [{"ada": 40} for _ in range(9)]
    found, finder = trails(film)
    assert ranges(found) == [(0, 8), (9, 17)]
    assert 9 in finder.searched


def test_a_cut_ends_every_trail_although_the_next_face_is_in_the_same_place() -> None:
    film: list[Patches] = [{"ada": 200} for _ in range(10)] + [{"ben": 200} for _ in range(10)]
    found, _ = trails(film, [60] * 10 + [190] * 10)
    assert ranges(found) == [(0, 9), (10, 19)]


def test_somebody_else_in_the_same_place_is_another_trail_without_any_cut() -> None:
    film: list[Patches] = [{"ada": 200} for _ in range(10)] + [{"eve": 200} for _ in range(10)]
    found, _ = trails(film)
    assert ranges(found) == [(0, 9), (10, 19)]


def test_two_who_cross_keep_their_trails_apart() -> None:
    film: list[Patches] = [{"ada": 40 + 6 * t, "ben": 380 - 6 * t} for t in range(56)]
    found, _ = trails(film)
    behind = [t for t in range(56) if abs(film[t]["ada"] - film[t]["ben"]) < SIDE / 2]
    for trail in found:
        near = {
            min(film[t], key=lambda name: abs(film[t][name] - left_of(trail, t)))
            for t in trail.sights
            if t not in behind
        }
        assert len(near) <= 1
    longest = max(found, key=lambda trail: len(trail.sights))
    assert len(longest.sights) == 56, "who walks in front is never lost"


def test_no_face_is_in_two_trails_at_once() -> None:
    film: list[Patches] = [{"ada": 100 + 3 * t, "ben": 300} for t in range(40)]
    found, _ = trails(film)
    for place in range(40):
        lefts = [round(left_of(trail, place)) for trail in found if place in trail.sights]
        assert len(lefts) == len(set(lefts))


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_few_frames_are_enough(length: int) -> None:
    found, _ = trails([{"ada": 100.0}] * length)
    assert ranges(found) == [(0, length - 1)]


def test_nobody_gives_no_trail() -> None:
    assert trails([{}] * 5)[0] == []


def test_a_face_that_only_another_detector_knows_is_followed_all_the_same() -> None:
    class Unseen(Knows):
        """Places faces well, of which HOG sees nothing."""

        def find(
            self, picture: Picture, *, thorough: bool, known: Sequence[Box] = ()
        ) -> list[Sight]:
            found = super().find(picture, thorough=thorough, known=known)
            return [replace(one, learnt=True) for one in found]

        def follow(
            self, picture: Picture, points: NDArray[np.floating], *, careful: bool
        ) -> Sight | None:
            sight = super().follow(picture, points, careful=careful)
            return sight and replace(sight, score=-2.0 if careful else math.nan)

    film: list[Patches] = [{"ada": 100 + t} for t in range(40)]
    pictures = [painted(one) for one in film]
    finder = Unseen(film, pictures)
    found = follow(pictures, finder)
    assert ranges(found) == [(0, 39)]
    assert not any(sight.score < 0 for sight in found[0].sights.values())
    assert len(finder.searched) <= 4


def test_where_no_frame_may_be_searched_none_is() -> None:
    film: list[Patches] = [{"ada": 100.0}] * 3
    pictures = [painted(one) for one in film]
    finder = Knows(film, pictures)
    assert follow(pictures, finder, keys=range(0)) == []
    assert finder.searched == []
