"""An imperceptible watermark that carries 32 bits: a tiled spread-spectrum pattern in the luma.

After I. Cox, J. Kilian, T. Leighton, T. Shamoon, "Secure spread spectrum watermarking for
multimedia", IEEE Trans. Image Processing 6(12), 1997, in the tiled form of M. Kutter, "Watermarking
resistant to translation, rotation, and scaling", SPIE 3528, 1998. The tile is made of waves of
wavelengths that survive video coding and half the size, all equally strong. Most of them carry the
word (see `codeword`), the others tell where the tile begins and how large it is; no wave does both,
so that neither is noise to the other wherever the tile lies. The picture's texture hides the
pattern: it is strong where much goes on and weak in flat parts.

What is read is believed only when the word's check sum of 28 bits fits. Chance finds a watermark in
about sixteen of a million pictures without one: CANDIDATES places are tried on one file, TRIALS
words at each.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.credentials import codeword
from engine.credentials.codeword import LEVELS, SYMBOLS

HEIGHT: Final = 360
"""A frame of this many rows shows the tile at its own size; others scale it."""
TILE: Final = 128
STRENGTH: Final = 1.8
"""Standard deviation of the pattern in an ordinary texture, in 8-bit steps."""
SYNC_SHARE: Final = 0.25
"""The part of the pattern's energy that tells its place."""
SYNC_WAVES: Final = 40
BAND: Final = (10.5, 36.0)
"""The shortest and the longest wavelength, in pixels of the tile."""
CANDIDATES: Final = 24
"""Places that are tried on one file, the likeliest first."""
FRAMES: Final = 64
"""Frames of a video that are looked at; more add little."""
SMALLEST: Final = 0.65
"""The least part of the height that may be left of a cropped frame."""
LEAST: Final = 16
"""Pixels; a picture of fewer rows or columns has no room for a mark."""
_LARGEST: Final = 2 * HEIGHT
"""Rows of a picture that is searched; the pattern needs no more."""
_STEP: Final = 0.0025
_LIMIT: Final = 2.0
"""Of one wave's strength, in medians of all."""
_PEAKS: Final = 4
"""Places that are considered at each size."""
_SEED: Final = 20261125


@dataclass(frozen=True)
class Found:
    """A watermark that was read."""

    identifier: str
    """8 hex digits."""
    confidence: float
    """How far its patterns stand out of all others, in standard deviations."""
    frames: int


class Watermark:
    """Marks pictures with one identifier. Threads may share it."""

    def __init__(self, identifier: str) -> None:
        """identifier: 8 hex digits."""
        self._tile = _tile(codeword.symbols(int(identifier, 16)))
        self._fields: dict[tuple[int, int], NDArray[np.float32]] = {}

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The marked picture; uint8 [H, W, 3] RGB, as the one given, which stays as it is.

        A picture smaller than LEAST comes back unmarked.
        """
        size = image.shape[:2]
        if min(size) < LEAST:
            return image
        if size not in self._fields:
            self._fields[size] = self._field(*size)
        luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(luma, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        activity = cv2.blur(cv2.absdiff(small, cv2.blur(small, (5, 5))), (9, 9))
        coarse = np.clip(0.4 + activity.astype(np.float32) / 5, 0.4, 2.0)
        gain = cv2.resize(coarse, (size[1], size[0]))
        # What it adds and what it takes away in whole levels, which are quick to add and to take.
        more, less = (
            cv2.merge([cv2.multiply(self._fields[size], gain, scale=sign, dtype=cv2.CV_8U)] * 3)
            for sign in (1, -1)
        )
        return np.asarray(cv2.subtract(cv2.add(image, more), less), np.uint8)

    def _field(self, height: int, width: int) -> NDArray[np.float32]:
        scale = height / HEIGHT
        y = (np.arange(height, dtype=np.float32) + 0.5) / scale - 0.5
        x = (np.arange(width, dtype=np.float32) + 0.5) / scale - 0.5
        maps = np.meshgrid(x % TILE, y % TILE)
        wrapped = np.pad(self._tile, 2, mode="wrap").astype(np.float32)
        field = cv2.remap(wrapped, maps[0] + 2, maps[1] + 2, cv2.INTER_LINEAR)
        return np.asarray(STRENGTH * field, np.float32)


def detect(images: Iterable[NDArray[np.uint8]]) -> Found | None:
    """Read the watermark of pictures of one size that belong together, None when there is none.

    images: uint8 [H, W, 3] RGB, the frames of a video or one picture; all may be scaled alike,
    mirrored, and cropped alike down to SMALLEST of their height.
    """
    total: NDArray[np.float64] | None = None
    size: tuple[int, ...] = ()
    count = 0
    for image in images:
        if min(image.shape[:2]) < LEAST or (total is not None and image.shape[:2] != size):
            continue
        size = image.shape[:2]
        found = residual(image)
        total = found if total is None else total + found
        count += 1
    if total is None:
        return None
    read = np.stack([carried(waves, *place) for place, waves in _candidates(total)])
    for values, identifier in zip(read, codeword.identifiers(read), strict=True):
        if identifier is not None:
            confidence = round(codeword.clarity(values, identifier), 2)
            return Found(f"{identifier:08x}", confidence, count)
    return None


def residual(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What of the luma could be the pattern, weighted by how well it would be seen there.

    image: uint8 [H, W, 3] RGB. A larger one comes back with _LARGEST rows.
    """
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if luma.shape[0] > _LARGEST:
        columns = max(1, round(luma.shape[1] * _LARGEST / luma.shape[0]))
        luma = cv2.resize(luma, (columns, _LARGEST), interpolation=cv2.INTER_AREA)
    luma = luma.astype(np.float32)
    scale = luma.shape[0] / HEIGHT
    detail = luma - cv2.GaussianBlur(luma, (0, 0), 5.0 * scale)
    energy = cv2.GaussianBlur(detail * detail, (0, 0), 6.0 * scale)
    limited = np.clip(detail / np.sqrt(energy + 2.0), -2.5, 2.5)
    return np.asarray(limited / np.sqrt(energy + 2.0), np.float64)


def tile_waves(picture: NDArray[np.float64], part: float = 1.0) -> NDArray[np.complex128]:
    """The waves of a residual folded onto one tile: complex [TILE, TILE], as fft2 gives them.

    part: how much of the height of the frame that was marked the picture shows. All waves of the
    mark are equally strong, so one much stronger than most is the picture's own, and is limited.
    """
    height, width = picture.shape
    rows = round(HEIGHT * part)
    columns = max(1, round(width * rows / height))
    smaller = rows < height
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    sized = cv2.resize(picture, (columns, rows), interpolation=how)
    waves = np.fft.fft2(_folded(np.asarray(sized, np.float64)))
    strength = np.abs(waves)
    data = _plan().data
    most = _LIMIT * np.median(strength[data[:, 0], data[:, 1]])
    return np.asarray(waves * np.minimum(1.0, most / np.maximum(strength, 1e-12)))


def carried(waves: NDArray[np.complex128], row: int, column: int) -> NDArray[np.float64]:
    """The symbols' patterns in a tile that begins at a place: [SYMBOLS, LEVELS]."""
    plan = _plan()
    turn = np.exp(2j * np.pi * (plan.data[:, 0] * row + plan.data[:, 1] * column) / TILE)
    at_place = waves[plan.data[:, 0], plan.data[:, 1]] * turn
    values = np.stack([at_place.real, at_place.imag], 1).ravel() * plan.data_signs
    return np.asarray(values.reshape(SYMBOLS, LEVELS))


def _candidates(
    picture: NDArray[np.float64],
) -> list[tuple[tuple[int, int], NDArray[np.complex128]]]:
    """The likeliest places of the tile, with the waves to be read there, best first."""
    plan = _plan()
    sync = np.zeros((TILE, TILE), np.complex128)
    sync[plan.sync[:, 0], plan.sync[:, 1]] = plan.sync_values.conj()
    places: list[tuple[float, tuple[int, int], NDArray[np.complex128]]] = []
    for part in [1.0, *np.arange(SMALLEST, 1.0, _STEP)[::-1]]:
        waves = tile_waves(picture, part)
        for seen in (waves, _mirrored(waves)):
            score = np.fft.ifft2(seen * sync).real
            score /= score.std() + 1e-12
            for flat in np.argpartition(score.ravel(), -_PEAKS)[-_PEAKS:]:
                row, column = divmod(int(flat), TILE)
                places.append((float(score.flat[flat]), (row, column), seen))
    places.sort(key=lambda place: -place[0])
    return [(place, waves) for _, place, waves in places[:CANDIDATES]]


def _mirrored(waves: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """The waves of the tile that is seen in a mirror."""
    return np.roll(waves[:, ::-1], 1, axis=1)


def _folded(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of all whole and partial tiles of a picture: [TILE, TILE]."""
    rows, columns = (-(-side // TILE) * TILE for side in picture.shape)
    padded = np.zeros((rows, columns))
    padded[: picture.shape[0], : picture.shape[1]] = picture
    shown = np.zeros((rows, columns))
    shown[: picture.shape[0], : picture.shape[1]] = 1
    shape = (rows // TILE, TILE, columns // TILE, TILE)
    total, times = (a.reshape(shape).sum((0, 2)) for a in (padded, shown))
    return np.asarray(total / np.maximum(times, 1))


def _tile(word: NDArray[np.int64]) -> NDArray[np.float64]:
    """The pattern of a word: [TILE, TILE], of unit power."""
    plan = _plan()
    values = codeword.patterns(word).ravel() * plan.data_signs
    waves = np.zeros((TILE, TILE), np.complex128)
    data = (values[0::2] + 1j * values[1::2]) / np.sqrt(values.size)
    sync = plan.sync_values / np.sqrt(2 * SYNC_WAVES)
    waves[plan.data[:, 0], plan.data[:, 1]] = np.sqrt(1 - SYNC_SHARE) * data
    waves[plan.sync[:, 0], plan.sync[:, 1]] = np.sqrt(SYNC_SHARE) * sync
    tile = np.fft.ifft2(waves).real
    return np.asarray(tile / tile.std())


@dataclass(frozen=True)
class _Plan:
    """What each wave of the tile is for. A wave is (row, column) of its Fourier transform."""

    data: NDArray[np.int64]
    """[SYMBOLS * LEVELS / 2, 2]; each carries two values, as its real and imaginary part."""
    data_signs: NDArray[np.float64]
    """[SYMBOLS * LEVELS], so that no word has a pattern that a picture has by itself."""
    sync: NDArray[np.int64]
    sync_values: NDArray[np.complex128]


@cache
def _plan() -> _Plan:
    """Waves of BAND, one of each conjugate pair, in an order that hashes make: the same on every
    machine, whatever its random generators do."""
    rows, columns = np.mgrid[:TILE, :TILE]
    rows, columns = (np.where(k > TILE // 2, k - TILE, k) for k in (rows, columns))
    length = np.hypot(rows, columns) / TILE
    half = (rows > 0) | ((rows == 0) & (columns > 0))
    waves = np.argwhere(half & (length >= 1 / BAND[1]) & (length <= 1 / BAND[0]))
    hashes = [hashlib.sha256(f"{_SEED} {y} {x}".encode()).digest() for y, x in waves]
    chosen = sorted(range(len(waves)), key=hashes.__getitem__)
    number = SYMBOLS * LEVELS // 2
    data, sync = chosen[:number], chosen[number : number + SYNC_WAVES]
    signs = [1.0 - 2.0 * (hashes[i][0] >> bit & 1) for i in data for bit in (0, 1)]
    values = [_unit(hashes[i][0]) for i in sync]
    return _Plan(waves[data], np.array(signs), waves[sync], np.array(values))


def _unit(number: int) -> complex:
    return complex(1 - 2 * (number & 1), 1 - 2 * (number >> 1 & 1))
