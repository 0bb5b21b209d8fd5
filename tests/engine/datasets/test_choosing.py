"""Duplicates by their hashes, and the best faces of every pose and expression."""

import random
from collections import Counter

import numpy as np
import pytest

from engine.datasets.best import best, cells
from engine.datasets.duplicates import Looks, duplicates
from engine.datasets.measures import measures
from projects.face_query import KEPT
from projects.faces import FaceIndex

POSE = {"yaw": 5.0, "pitch": 2.0, "mouth": 0.1, "eyes": 0.3}


def flipped(hash_: int, bits: list[int]) -> int:
    for bit in bits:
        hash_ ^= 1 << bit
    return hash_


@pytest.mark.parametrize("distance", [0, 3, 6])
def test_likenesses_are_those_that_comparing_all_pairs_finds(distance: int) -> None:
    chance = random.Random(distance)
    seeds = [chance.getrandbits(64) for _ in range(30)]
    hashes = [
        flipped(chance.choice(seeds), chance.sample(range(64), chance.randrange(9)))
        for _ in range(600)
    ]
    # Many with a part in common, so that a bucket holds more than a few.
    hashes += [chance.getrandbits(16) << 20 for _ in range(300)]
    looks, added = Looks(distance), []
    for number, hash_ in enumerate(hashes):
        near = [n for n, h in added if (h ^ hash_).bit_count() <= distance]
        assert looks.like(hash_ - 2**64 if hash_ >= 2**63 else hash_) == near
        if not near or number % 7 == 0:
            looks.add(number, hash_)
            added.append((number, hash_))
    assert 30 < len(added) < len(hashes)


def test_of_duplicates_the_best_kept_face_stands_for_the_others(ada, made_face, store) -> None:
    same = 0x0123456789ABCDEF
    store(
        ada,
        [
            made_face(0, hash=same, sharpness=3.0, **POSE),
            made_face(1, hash=same ^ 0b101, sharpness=9.0, **POSE),
            made_face(2, hash=same, sharpness=99.0, kept=False, reason="by hand", **POSE),
            made_face(3, hash=same, sharpness=12.0, covered=0.9, **POSE),
            made_face(4, hash=~same, **POSE),
            made_face(5, hash=-1, **POSE),
            made_face(6, hash=-1, **POSE),
            made_face(7, hash=same, sharpness=2.0, **POSE | {"mouth": 0.3}),
            made_face(8, hash=same, sharpness=1.0, **POSE | {"mouth": 0.29}),
        ],
        crops=False,
    )
    with FaceIndex(ada.index_path) as index:
        assert duplicates(measures(index)) == {2: [1, 4, 3], 8: [9]}
        assert duplicates(measures(index, KEPT), 1) == {1: [4], 8: [9]}


def test_a_slow_turn_is_not_one_picture(ada, made_face, store) -> None:
    turn = [made_face(n, hash=(1 << n) - 1, sharpness=50.0 - n, **POSE) for n in range(32)]
    store(ada, turn, crops=False)
    with FaceIndex(ada.index_path) as index:
        groups = duplicates(measures(index))
    assert [len(groups.get(first, [])) for first in range(1, 33, 3)] == [2] * 10 + [1]


def test_the_best_cover_poses_and_expressions_evenly(ada, made_face, store) -> None:
    faces = [made_face(n, yaw=0.0, pitch=0.0, mouth=0.0) for n in range(300)]
    faces += [made_face(300 + n, yaw=30.0, pitch=0.0, mouth=0.0) for n in range(40)]
    faces += [made_face(340 + n, yaw=0.0, pitch=0.0, mouth=0.5) for n in range(3)]
    faces += [made_face(343, yaw=0.0, pitch=0.0, mouth=0.0, eyes=0.05)]
    store(ada, faces, crops=False)
    with FaceIndex(ada.index_path) as index:
        found = measures(index)
    chosen = best(found, 44)
    assert (len(chosen.ids), chosen.cells, chosen.shown) == (44, 4, 4)
    places = np.searchsorted(found.ids, chosen.ids)
    assert sorted(Counter(map(tuple, cells(found)[places].tolist())).values()) == [1, 3, 20, 20]
    # Each is the best of its part of the shot.
    plain = [p for p in places if p < 300]
    assert all(
        len([p for p in plain if start <= p < start + 15]) == 1 for start in range(0, 300, 15)
    )
    for start in range(0, 300, 15):
        (taken,) = (p for p in plain if start <= p < start + 15)
        assert found.quality()[taken] == found.quality()[start : start + 15].max()
    assert best(found, 1000).ids == tuple(found.ids.tolist())
    assert len(best(found, 2).ids) == 2


def test_nothing_is_chosen_of_nothing(ada) -> None:
    with FaceIndex(ada.index_path, readonly=True) as index:
        found = measures(index)
    assert (len(found), duplicates(found), best(found, 5).ids) == (0, {}, ())
