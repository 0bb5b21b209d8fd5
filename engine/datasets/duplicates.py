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

DISTANCE: Final = 2
"""Faces whose hashes differ in at most so many bits look the same."""
MOST: Final = 15
ALIKE: Final = {"yaw": 3.0, "pitch": 3.0, "mouth": 0.04, "eyes": 0.06}
"""How far two faces that look the same may be apart in what a hash hardly sees."""
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

    def like(self, hash_: int) -> list[int]:
        """The numbers of all that look the same, ascending."""
        bits = hash_ & _ALL
        found: set[int] = set()
        for low, mask, table in self._parts:
            bucket = table.get((bits >> low) & mask)
            if bucket is not None:
                found.update(bucket.near(bits, self._distance))
        return sorted(found)


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

    def near(self, bits: int, distance: int) -> list[int]:
        if len(self._hashes) > _FEW:
            apart = np.bitwise_count(self._many[: len(self._hashes)] ^ np.uint64(bits))
            return [self._numbers[place] for place in np.flatnonzero(apart <= distance)]
        both = zip(self._hashes, self._numbers, strict=True)
        return [number for other, number in both if (other ^ bits).bit_count() <= distance]


def duplicates(faces: Measures, distance: int = DISTANCE) -> dict[int, list[int]]:
    """For the best face of every group that looks the same, the ids of the others.

    Each is within `distance` of the best one itself, and so are its pose, mouth and eyes, which a
    hash hardly sees (ALIKE): a slow turn of the head, in which every frame is like the next, is not
    taken for one picture. Faces without a hash are left out.
    """
    looks = Looks(distance)
    order = _best_first(faces)
    groups: dict[int, list[int]] = {}
    hashes, ids = faces.hashes.tolist(), faces.ids.tolist()
    shown = np.stack([np.nan_to_num(faces[name]) / apart for name, apart in ALIKE.items()], axis=1)
    for rank, place in enumerate(order):
        like = looks.like(hashes[place])
        others = [order[other] for other in like]
        same = np.abs(shown[others] - shown[place]).max(axis=1) <= 1 if like else np.empty(0)
        if same.any():
            groups.setdefault(ids[others[int(same.argmax())]], []).append(ids[place])
        else:
            looks.add(rank, hashes[place])
    return groups


def _best_first(faces: Measures) -> Sequence[int]:
    """The places of the faces that have a hash; kept ones first, then by quality."""
    order = np.lexsort((faces.ids, -faces.quality(), ~faces.kept))
    return [int(place) for place in order if faces.hashes[place] != -1]
