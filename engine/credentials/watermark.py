"""An imperceptible watermark that carries 32 bits: a tiled spread-spectrum pattern in the luma.

After I. Cox, J. Kilian, T. Leighton, T. Shamoon, "Secure spread spectrum watermarking for
multimedia", IEEE Trans. Image Processing 6(12), 1997, in the tiled form of M. Kutter, "Watermarking
resistant to translation, rotation, and scaling", SPIE 3528, 1998. Every coded bit is the sign of a
noise pattern of its own; another pattern, whose sign is known, tells where the tile begins and how
large it is. All patterns hold only wavelengths that survive video coding and half the size. The
picture's texture hides the pattern: it is strong where much goes on and weak in flat parts.

The identifier is protected by a CRC of 16 bits, and both by 4 Reed-Solomon bytes. What is read is
believed only when all of it fits, so chance finds a watermark in a picture without one in about one
of 10^8 readings; at most CANDIDATES are tried on one file.
"""

import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import cv2
import numpy as np
import reedsolo
from numpy.typing import NDArray

HEIGHT: Final = 360
"""A frame of this many rows shows the tile at its own size; others scale it."""
TILE: Final = 128
STRENGTH: Final = 1.8
"""Standard deviation of the pattern in an ordinary texture, in 8-bit steps."""
SYNC_SHARE: Final = 0.25
"""The part of the pattern's energy that tells its place."""
BAND: Final = (9.0, 30.0)
"""The shortest and the longest wavelength, in pixels of the tile."""
PARITY: Final = 4
BYTES: Final = 4 + 2 + PARITY
CANDIDATES: Final = 24
"""Places that are tried on one file, the likeliest first."""
FRAMES: Final = 64
"""Frames of a video that are looked at; more add little."""
SMALLEST: Final = 0.8
"""The least part of the height that may be left of a cropped frame."""
LEAST: Final = 16
"""Pixels; a picture of fewer rows or columns has no room for a mark."""
_STEP: Final = 0.0025
_SEED: Final = 20261124


@dataclass(frozen=True)
class Found:
    """A watermark that was read."""

    identifier: str
    """8 hex digits."""
    confidence: float
    """How far the weakest half of the bits stand out of the noise, in standard deviations."""
    frames: int


class Watermark:
    """Marks pictures with one identifier. Threads may share it."""

    def __init__(self, identifier: str) -> None:
        """identifier: 8 hex digits."""
        signs = np.where(_coded_bits(int(identifier, 16)), 1.0, -1.0)
        sync, patterns = _patterns()
        data = np.tensordot(signs, patterns, 1) / np.sqrt(len(signs))
        self._tile = np.sqrt(SYNC_SHARE) * sync + np.sqrt(1 - SYNC_SHARE) * data
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
        gain = np.clip(0.65 + activity.astype(np.float32) / 6, 0.65, 2.0)
        added = self._fields[size] * cv2.resize(gain, (size[1], size[0]))
        marked = cv2.add(image, cv2.merge([added] * 3), dtype=cv2.CV_8U)
        return np.asarray(marked, np.uint8)

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

    images: uint8 [H, W, 3] RGB, the frames of a video or one picture; all may be scaled alike, and
    cropped alike down to SMALLEST of their height.
    """
    total: NDArray[np.float64] | None = None
    count = 0
    for image in images:
        if min(image.shape[:2]) < LEAST or (total is not None and image.shape[:2] != total.shape):
            continue
        residual = _residual(image)
        total = residual if total is None else total + residual
        count += 1
    if total is None:
        return None
    for shift, folded in _candidates(total):
        found = _read(np.roll(folded, (-shift[0], -shift[1]), (0, 1)), count)
        if found is not None:
            return found
    return None


def _residual(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What of the luma could be the pattern, weighted by how well it would be seen there."""
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    scale = image.shape[0] / HEIGHT
    detail = luma - cv2.GaussianBlur(luma, (0, 0), 5.0 * scale)
    energy = cv2.GaussianBlur(detail * detail, (0, 0), 6.0 * scale)
    limited = np.clip(detail / np.sqrt(energy + 2.0), -2.5, 2.5)
    return np.asarray(limited / np.sqrt(energy + 2.0), np.float64)


def _candidates(
    residual: NDArray[np.float64],
) -> list[tuple[tuple[int, int], NDArray[np.float64]]]:
    """The likeliest places of the tile and the residual folded onto one tile, best first."""
    sync, _ = _patterns()
    spectrum = np.conj(np.fft.fft2(sync))
    height, width = residual.shape
    places: list[tuple[float, tuple[int, int], NDArray[np.float64]]] = []
    for part in [1.0, *np.arange(SMALLEST, 1.0, _STEP)[::-1]]:
        rows = round(HEIGHT * part)
        columns = round(width * rows / height)
        shrinking = rows < height
        sized = cv2.resize(
            residual,
            (columns, rows),
            interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR,
        )
        folded = _folded(np.asarray(sized, np.float64))
        score = np.fft.ifft2(np.fft.fft2(folded) * spectrum).real
        score = (score - score.mean()) / (score.std() + 1e-12)
        for flat in np.argsort(score.ravel())[::-1][:4]:
            y, x = np.unravel_index(flat, score.shape)
            places.append((float(score.flat[flat]), (int(y), int(x)), folded))
    places.sort(key=lambda place: -place[0])
    return [(shift, folded) for _, shift, folded in places[:CANDIDATES]]


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


def _read(tile: NDArray[np.float64], frames: int) -> Found | None:
    _, patterns = _patterns()
    values = np.tensordot(patterns, tile - tile.mean(), 2)
    bits = values > 0
    try:
        decoded: Any = _CODE.decode(np.packbits(bits).tobytes())[0]
    except reedsolo.ReedSolomonError:
        return None
    message = bytes(decoded)
    if binascii.crc_hqx(message[:4], 0xFFFF).to_bytes(2, "big") != message[4:]:
        return None
    signs = np.where(_coded_bits(int.from_bytes(message[:4], "big")), 1.0, -1.0)
    agreed = values * signs
    spread = float(np.std(agreed)) or 1.0
    return Found(message[:4].hex(), round(float(np.mean(agreed)) / spread, 2), frames)


_CODE: Final = reedsolo.RSCodec(PARITY)


def _coded_bits(identifier: int) -> NDArray[np.bool_]:
    message = identifier.to_bytes(4, "big")
    message += binascii.crc_hqx(message, 0xFFFF).to_bytes(2, "big")
    coded = bytes(_CODE.encode(message))
    return np.unpackbits(np.frombuffer(coded, np.uint8)).astype(bool)


@cache
def _patterns() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The sync pattern [TILE, TILE] and those of the bits [8 BYTES, TILE, TILE]; unit power."""
    rng = np.random.default_rng(_SEED)
    frequency = np.fft.fftfreq(TILE)
    radius = np.hypot(frequency[:, None], frequency[None, :])
    band = (radius >= 1 / BAND[1]) & (radius <= 1 / BAND[0])
    noise = rng.standard_normal((1 + 8 * BYTES, TILE, TILE))
    shaped = np.fft.ifft2(np.fft.fft2(noise) * band).real
    shaped /= shaped.std((1, 2), keepdims=True)
    return shaped[0], shaped[1:]
