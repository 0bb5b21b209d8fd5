"""Faces that look the same, by their 64-bit difference hashes.

Difference hashes after N. Krawetz, "Kind of like that" (2013); the search among them by parts of
the hash after M. Norouzi et al., "Fast search in Hamming space with multi-index hashing", 2012.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from engine.datasets.measures import Measures

DISTANCE: Final = 3
"""Faces whose hashes differ in at most so many bits look the same."""
MOST: Final = 15
_BITS: Final = 64
_ALL: Final = 2**_BITS - 1
_FEW: Final = 24


class Looks:
    """Hashes by which others like them are found."""

    def __init__(self, distance: int = DISTANCE) -> None:
        """distance: how many bits may differ, 0 to MOST."""
        if not 0 <= distance <= MOST:
            raise ValueError(f"a distance is 0 to {MOST}, not {distance}")
        self._distance = distance
        # Of `distance` + 1 parts at least one is the same in two hashes that are near enough.
        edges = np.linspace(0, _BITS, distance + 2).astype(int).tolist()
        self._parts = [
            (low, 2 ** (high - low) - 1, dict[int, _Bucket]()) for low, high in pairwise(edges)
        ]

    def add(self, number: int, hash_: int) -> None:
        """Remember a signed or unsigned hash under a number; numbers rise."""
        bits = hash_ & _ALL
        for low, mask, table in self._parts:
            table.setdefault((bits >> low) & mask, _Bucket()).add(bits, number)

    def like(self, hash_: int) -> int | None:
        """The number of one that looks the same, the first that was added; None without any."""
        bits = hash_ & _ALL
        buckets = (table.get((bits >> low) & mask) for low, mask, table in self._parts)
        found = (bucket.first(bits, self._distance) for bucket in buckets if bucket is not None)
        return min((number for number in found if number is not None), default=None)


class _Bucket:
    """Hashes with one part in common. A few are compared one by one, many in one go."""

    def __init__(self) -> None:
        self._hashes: list[int] = []
        self._numbers: list[int] = []
        self._many = np.empty(0, np.uint64)

    def add(self, bits: int, number: int) -> None:
        place = len(self._hashes)
        if place >= _FEW:
            if place >= len(self._many):
                self._many = np.resize(np.array(self._hashes, np.uint64), 2 * place)
            self._many[place] = bits
        self._hashes.append(bits)
        self._numbers.append(number)

    def first(self, bits: int, distance: int) -> int | None:
        for place, other in enumerate(self._hashes[:_FEW]):
            if (other ^ bits).bit_count() <= distance:
                return self._numbers[place]
        if len(self._hashes) <= _FEW:
            return None
        others = self._many[_FEW : len(self._hashes)]
        near = np.bitwise_count(others ^ np.uint64(bits)) <= distance
        place = int(near.argmax())
        return self._numbers[_FEW + place] if near[place] else None


def duplicates(faces: Measures, distance: int = DISTANCE) -> dict[int, list[int]]:
    """For the best face of every group that looks the same, the ids of the others.

    Each is within `distance` of the best one itself, so that a slow turn of the head, in which
    every frame is like the next, is not taken for one picture. Faces without a hash are left out.
    """
    looks = Looks(distance)
    order = _best_first(faces)
    groups: dict[int, list[int]] = {}
    hashes, ids = faces.hashes.tolist(), faces.ids.tolist()
    for rank, place in enumerate(order):
        like = looks.like(hashes[place])
        if like is None:
            looks.add(rank, hashes[place])
        else:
            groups.setdefault(ids[order[like]], []).append(ids[place])
    return groups


def _best_first(faces: Measures) -> Sequence[int]:
    """The places of the faces that have a hash; kept ones first, then by quality."""
    order = np.lexsort((faces.ids, -faces.quality(), ~faces.kept))
    return [int(place) for place in order if faces.hashes[place] != -1]
