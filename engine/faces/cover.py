"""Whether something covers a part of a face: a hand, a microphone, hair blown across it.

Every face is warped to the shape of the mean face, as in T. Cootes et al., "Active appearance
models" (ECCV 1998), so that neither pose nor expression moves its features, and described cell by
cell by the directions of its edges. It is compared with faces of the same person in which the
landmarks are surest. Neighbouring cells that look like those of none of them show something else.
"""

import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.align import CROP_MARGIN, CROP_SIZE, apply, chip_matrix
from engine.faces.dataset import landmarks_of, load_crop, transform_of
from engine.faces.template import EYES_APART, TEMPLATE
from engine.reporting import Reporter
from projects.errors import DamagedError
from projects.faces import Face, FaceIndex
from projects.people import Person

_SIDE, _CELL = 96, 8
_CELLS = _SIDE // _CELL
_ZOOM: Final = 1.25
_SHAPE: Final = ((TEMPLATE - [0.5, 0.53]) * _ZOOM + 0.5) * _SIDE - 0.5
_BINS: Final = 8
_CONTRAST: Final = 40.0
_FLAT: Final = 4.0
"""Edge strength below which a cell's directions mean nothing."""
_REFERENCES: Final = 48
_FEWEST: Final = 6
"""Fewer references say nothing about a person."""
_SUREST: Final = 0.6
"""References are taken from the surest faces: those above this quantile of the confidence."""
_STRIDE: Final = 4
"""Every so many faces of a track are measured, and those between where one of them may be covered:
a hand takes longer to come and go."""
_UNCOVERED: Final = 0.08
_LONG: Final = 12
"""Frames of a gap between two measured faces that is taken for clear when both are."""
_NEAR: Final = 10
"""Frames within which a face is no reference for another: they would agree about a hand."""
_LESS_ALIKE: Final = 0.1
"""How much less alike than usual a cell may be."""
_PART: Final = 3
"""Cells of a side of the part of the face that is looked at: what covers a face is in one place,
while a pose or expression that was never seen before makes all of it a little unlike."""
_SURELY: Final = 5.0
"""From how much less alike a part is to how surely it is covered. Measured: fingers that cover the
lips or more are at 0.5 and above, unseen poses of rendered people at 0.4 at most."""
_TURNED: Final = 8.0
_ALLOWED: Final = 0.03
"""A face turned further than _TURNED degrees from every reference looks unlike them for that alone,
and is allowed so much for each further degree."""


def measure_cover(person: Person, index: FaceIndex, reporter: Reporter) -> int:
    """Measure the kept faces of which it is not known yet; how many. Raises StopRequested."""
    kept = index.faces(kept=True)
    wanted = [face for face in kept if math.isnan(face.covered) and face.confidence >= 0]
    sources = _references(kept)
    if not wanted or len(sources) < _FEWEST:
        return 0
    reporter.event("stage", name="covered", total=len(wanted), unit="faces")
    looks = _looks(person, sources, reporter)
    references = [
        (face, look) for face, look in zip(sources, looks, strict=True) if look is not None
    ]
    if len(references) < _FEWEST:
        return 0
    against = _References(references)
    shares: dict[int, float] = {}

    def measure(faces: Sequence[Face]) -> None:
        for face, look in zip(faces, _looks(person, faces, reporter), strict=True):
            share = math.nan if look is None else against.covered(face, look)
            if not math.isnan(share):
                shares[face.id] = share
            reporter.event("progress", stage="covered", done=len(shares), total=len(wanted))

    tracks = _tracks(wanted)
    measure([face for track in tracks for face in (*track[:-1:_STRIDE], track[-1])])
    between = [gap for track in tracks for gap in _gaps(track)]
    measure([face for gap in between if not _clear(gap, shares) for face in gap[1:-1]])
    for first, *inner, last in between:
        for place, face in enumerate(inner, 1):
            if face.id not in shares and first.id in shares and last.id in shares:
                part = place / (len(inner) + 1)
                shares[face.id] = (1 - part) * shares[first.id] + part * shares[last.id]
    # All are done, those too of which nothing can be told.
    reporter.event("progress", stage="covered", done=len(wanted), total=len(wanted))
    index.set_covered(shares)
    return len(shares)


def _tracks(faces: Sequence[Face]) -> list[list[Face]]:
    """Faces of one track each, in the order of their frames."""
    tracks: dict[tuple[str, int, int], list[Face]] = {}
    for face in sorted(faces, key=lambda face: (face.source, face.frame)):
        alone = face.id if face.track < 0 else 0
        tracks.setdefault((face.source, face.track, alone), []).append(face)
    return list(tracks.values())


def _gaps(track: Sequence[Face]) -> Iterator[Sequence[Face]]:
    """What lies between faces that are measured, with those."""
    places = [*range(0, len(track) - 1, _STRIDE), len(track) - 1]
    for first, last in pairwise(places):
        if last - first > 1:
            yield track[first : last + 1]


def _clear(gap: Sequence[Face], shares: dict[int, float]) -> bool:
    """Whether nothing covers the faces at both ends of a short gap."""
    ends = [shares.get(face.id, 1.0) for face in (gap[0], gap[-1])]
    return max(ends) < _UNCOVERED and gap[-1].frame - gap[0].frame <= _LONG


class _References:
    def __init__(self, references: Sequence[tuple[Face, NDArray[np.float32]]]) -> None:
        self._faces = [face for face, _ in references]
        self._looks = np.stack([look for _, look in references])
        self._turns = np.array([(face.yaw, face.pitch) for face in self._faces])
        others = [(self._apart(face), look) for face, look in references]
        alike = [self._alike(apart, look) for apart, look in others if apart.any()]
        self._usual = np.median(alike, axis=0) if alike else np.zeros(self._looks.shape[1])

    def covered(self, face: Face, look: NDArray[np.float32]) -> float:
        """How surely something covers a part of the face, 0 to 1; NaN if nothing can be told."""
        others = self._apart(face)
        if not others.any():
            return math.nan
        missing = np.maximum(self._usual - self._alike(others, look) - _LESS_ALIKE, 0.0)
        turned = np.hypot(*(self._turns[others] - (face.yaw, face.pitch)).T).min()
        allowed = _ALLOWED * max(0.0, float(turned) - _TURNED)
        return float(np.clip(_SURELY * _largest_part(missing) - allowed, 0.0, 1.0))

    def _apart(self, face: Face) -> NDArray[np.bool_]:
        """Which references are of another moment: [references]."""
        return np.array(
            [
                one.source != face.source or abs(one.frame - face.frame) > _NEAR
                for one in self._faces
            ]
        )

    def _alike(self, others: NDArray[np.bool_], look: NDArray[np.float32]) -> NDArray[np.float32]:
        """How alike each cell is to the most alike one of some references: [cells]."""
        return np.asarray((self._looks[others] * look).sum(-1).max(0), np.float32)


def _largest_part(missing: NDArray[np.float32]) -> float:
    """The mean of the part with the largest one. missing: [cells]."""
    _, _, cells = _mesh()
    face = np.zeros(cells.shape, np.float32)
    face[cells] = missing
    means = cv2.blur(face, (_PART, _PART), borderType=cv2.BORDER_CONSTANT)
    return float(means.max())


def _references(kept: Sequence[Face]) -> list[Face]:
    """The surest faces, chosen for different poses and expressions."""
    known = [face for face in kept if not math.isnan(face.confidence)]
    if not known:
        return []
    bound = float(np.quantile([face.confidence for face in known], _SUREST))
    sure = [face for face in known if face.confidence >= bound]
    looks = np.array([(f.yaw / 10, f.pitch / 10, 4 * f.mouth, 4 * f.eyes) for f in sure])
    looks = np.nan_to_num(looks)
    chosen = [int(np.argmax([face.confidence for face in sure]))]
    away = np.full(len(sure), np.inf)
    while len(chosen) < min(_REFERENCES, len(sure)):
        away = np.minimum(away, np.linalg.norm(looks - looks[chosen[-1]], axis=1))
        away[chosen] = -1.0
        chosen.append(int(np.argmax(away)))
    return [sure[place] for place in sorted(chosen)]


def _looks(
    person: Person, faces: Sequence[Face], reporter: Reporter
) -> Iterator[NDArray[np.float32] | None]:
    """The looks of faces, in order; None where the crop cannot be read."""

    def look(face: Face) -> NDArray[np.float32] | None:
        try:
            return describe(load_crop(person, face), _in_crop(face))
        except DamagedError:
            return None

    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers, thread_name_prefix="cover") as pool:
        for start in range(0, len(faces), 64):
            reporter.check()
            yield from pool.map(look, faces[start : start + 64])


def _in_crop(face: Face) -> NDArray[np.float64]:
    return apply(chip_matrix(transform_of(face), CROP_SIZE, CROP_MARGIN), landmarks_of(face))


def describe(picture: NDArray[np.uint8], landmarks: NDArray[np.floating]) -> NDArray[np.float32]:
    """The look of a face, cell by cell: float32 [cells, 8], each of length 1 where there is detail.

    picture: uint8 [S, S, 3] RGB. landmarks: [68, 2] in its pixels.
    """
    weights, inside, cells = _mesh()
    where = (weights @ landmarks.astype(np.float32)).reshape(_SIDE, _SIDE, 2)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    eyes = float(np.hypot(*(landmarks[42:48].mean(0) - landmarks[36:42].mean(0))))
    shrink = eyes / (EYES_APART * _ZOOM * _SIDE)
    if shrink > 1.3:
        grey = cv2.GaussianBlur(grey, (0, 0), 0.5 * shrink)
    face = cv2.remap(grey, where[..., 0], where[..., 1], cv2.INTER_LINEAR).astype(np.float32)
    seen = face[inside]
    face = np.where(inside, (face - seen.mean()) * (_CONTRAST / (seen.std() + 5)), 0)
    return _edges(face.astype(np.float32))[cells]


def _edges(face: NDArray[np.float32]) -> NDArray[np.float32]:
    """Histograms of edge directions: float32 [_CELLS, _CELLS, _BINS]."""
    x = cv2.Sobel(face, cv2.CV_32F, 1, 0, ksize=3)
    y = cv2.Sobel(face, cv2.CV_32F, 0, 1, ksize=3)
    strength, angle = cv2.cartToPolar(x, y)
    bins = angle * (_BINS / (2 * math.pi))
    low = np.floor(bins)
    part = bins - low
    low = low.astype(np.intp) % _BINS
    rows = np.arange(_SIDE) // _CELL
    cell = (rows[:, None] * _CELLS + rows[None]) * _BINS
    size = _CELLS * _CELLS * _BINS
    votes = np.bincount((cell + low).ravel(), (strength * (1 - part)).ravel(), size)
    votes += np.bincount((cell + (low + 1) % _BINS).ravel(), (strength * part).ravel(), size)
    cells = votes.reshape(_CELLS, _CELLS, _BINS).astype(np.float32) / _CELL**2
    smooth = np.stack(
        [cv2.GaussianBlur(cells[..., one], (3, 3), 0.7) for one in range(_BINS)], axis=-1
    )
    length = np.linalg.norm(smooth, axis=-1, keepdims=True)
    return np.asarray(smooth / (length + _FLAT), np.float32)


@cache
def _mesh() -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Each pixel of the mean shape as a mixture of landmarks, float32 [_SIDE * _SIDE, 68]; which
    pixels [_SIDE, _SIDE] and which cells [_CELLS, _CELLS] lie inside."""
    plane = cv2.Subdiv2D((-_SIDE, -_SIDE, 4 * _SIDE, 4 * _SIDE))
    for x, y in _SHAPE:
        plane.insert((float(x), float(y)))
    rows, columns = np.mgrid[:_SIDE, :_SIDE]
    pixels = np.stack([columns.ravel(), rows.ravel(), np.ones(_SIDE**2)])
    weights = np.zeros((_SIDE**2, len(_SHAPE)), np.float32)
    inside = np.zeros(_SIDE**2, bool)
    for triangle in plane.getTriangleList():
        away = np.linalg.norm(_SHAPE[None] - np.reshape(triangle, (3, 1, 2)), axis=-1)
        corners = away.argmin(1)
        if away.min(1).max() > 0.05:
            continue  # a corner of the plane's own
        matrix = np.vstack([_SHAPE[corners].T, np.ones(3)])
        if abs(np.linalg.det(matrix)) < 1e-3:
            continue
        shares = np.linalg.solve(matrix, pixels).T
        new = (shares >= -1e-6).all(1) & ~inside
        weights[np.ix_(new, corners)] = shares[new]
        inside |= new
    square = inside.reshape(_SIDE, _SIDE)
    cells = square.reshape(_CELLS, _CELL, _CELLS, _CELL).mean((1, 3)) > 0.5
    return weights, square, cells
