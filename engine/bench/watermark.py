"""How well the watermark holds: `swapdeck bench watermark [FILE…]`.

Windows of WINDOW frames are marked, put through what happens to videos, and read again. How often
something is found where nothing is gets counted in two ways: in whole readings of unmarked footage,
which are slow, and in many more single places of it, of which a reading tries CANDIDATES.
"""

import io
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from engine.avatars import clips
from engine.credentials import codeword
from engine.credentials.codeword import CHECK, TRIALS
from engine.credentials.watermark import (
    CANDIDATES,
    TILE,
    Watermark,
    carried,
    detect,
    residual,
    tile_waves,
)
from engine.media import open_frames
from engine.quality.fidelity import Fidelity, compare

Picture = NDArray[np.uint8]
Change = Callable[[list[Picture]], list[Picture]]
WINDOW: Final = 24
WINDOWS: Final = 12
MOST: Final = 240
"""Frames of a clip that are looked at."""
UNMARKED: Final = 40
PLACES: Final = 50_000
"""Single places tried for each whole reading of unmarked footage."""
SPACING: Final = 4
CHANGES: Final[dict[str, Change]] = {
    "nothing": lambda frames: frames,
    "H.264 at CRF 18": lambda frames: coded(frames, 18),
    "H.264 at CRF 23": lambda frames: coded(frames, 23),
    "H.264 at CRF 28": lambda frames: coded(frames, 28),
    "H.264 at CRF 35": lambda frames: coded(frames, 35),
    "H.264 at CRF 40": lambda frames: coded(frames, 40),
    "half the size, CRF 23": lambda frames: coded(scaled(frames, 0.5), 23),
    "half the size, CRF 28": lambda frames: coded(scaled(frames, 0.5), 28),
    "a quarter of the size, CRF 23": lambda frames: coded(scaled(frames, 0.25), 23),
    "10 % cut off, CRF 23": lambda frames: coded(cropped(frames, 0.1), 23),
    "10 % cut off, CRF 28": lambda frames: coded(cropped(frames, 0.1), 28),
    "30 % cut off, CRF 23": lambda frames: coded(cropped(frames, 0.3), 23),
    "half of it cut off": lambda frames: cropped(frames, 0.5),
    "one frame, JPEG 85": lambda frames: as_jpeg(frames[:1], 85),
    "turned by 2 degrees": lambda frames: turned(frames, 2.0),
    "turned by 5 degrees": lambda frames: turned(frames, 5.0),
    "mirrored, CRF 23": lambda frames: coded([frame[:, ::-1] for frame in frames], 23),
}


@dataclass(frozen=True)
class Chance:
    """What was found where nothing is."""

    readings: int
    found: int
    places: int
    found_places: int
    computed: float
    """The computed chance of finding something in one file without a mark."""

    @property
    def bound(self) -> float:
        """The rate of false readings is below it with 95 % confidence."""
        return upper_bound(self.found, self.readings)

    @property
    def bound_by_places(self) -> float:
        """The same from the single places, if a reading's CANDIDATES are like any others."""
        return min(1.0, CANDIDATES * upper_bound(self.found_places, self.places))


@dataclass(frozen=True)
class Measured:
    """Rates are 0 to 1; `windows` readings each."""

    rates: dict[str, float]
    windows: int
    chance: Chance
    psnr: float
    ssim: float
    milliseconds: float
    """To mark a frame; `size` is (width, height)."""
    size: tuple[int, int]

    @property
    def frames_a_second(self) -> float:
        """Marked, one after another."""
        return 1e3 / self.milliseconds if self.milliseconds else 0.0


def measure(
    files: Sequence[Path] = (), unmarked: int = UNMARKED, windows: int = WINDOWS
) -> Measured:
    """Measure some `windows` of the shipped clips, or of `files` instead.

    unmarked: readings of footage without a mark.
    """
    folder = Path(clips.__file__).parent / "clips"
    paths = list(files) or [folder / name for name in ("anna.mp4", "bruno.mp4", "bruno-scene.mp4")]
    found = dict.fromkeys(CHANGES, 0)
    number = frames = 0
    fidelity, seconds, size = Fidelity(), 0.0, (0, 0)
    plain: list[Picture] = []
    for window in (w for path in paths for w in windows_of(path, -(-windows // len(paths)))):
        number += 1
        identifier = f"{number * 0x01234567 % 2**32:08x}"
        watermark = Watermark(identifier)
        watermark.apply(window[0])
        began = time.perf_counter()
        marked = [watermark.apply(frame) for frame in window]
        seconds += time.perf_counter() - began
        frames += len(window)
        whole = np.ones(window[0].shape[:2], np.bool_)
        fidelity = fidelity + compare(marked[0], window[0], whole)
        size = (window[0].shape[1], window[0].shape[0])
        for name, change in CHANGES.items():
            read = detect(change(marked))
            found[name] += int(read is not None and read.identifier == identifier)
        plain += [window[0], window[WINDOW // 2]]
    return Measured(
        rates={name: count / max(1, number) for name, count in found.items()},
        windows=number,
        chance=without_a_mark(plain, unmarked),
        psnr=fidelity.psnr,
        ssim=fidelity.ssim,
        milliseconds=1e3 * seconds / max(1, frames),
        size=size,
    )


def windows_of(path: Path, most: int) -> Iterator[list[Picture]]:
    """Up to `most` windows, spread over the first MOST frames of a video."""
    every = max(1, MOST // WINDOW // most)
    with open_frames(path) as reader:
        frames = (frame.image for frame in reader)
        for number in range(min(MOST // WINDOW, every * most)):
            window = list(islice(frames, WINDOW))
            if len(window) < WINDOW:
                return
            if number % every == 0:
                yield window


def without_a_mark(plain: Sequence[Picture], readings: int) -> Chance:
    """Read pictures that nobody marked, `readings` times in all, each cut and lit differently."""
    rng = np.random.default_rng(0)
    found = found_places = places = 0
    for picture in islice(cycle(plain), readings if plain else 0):
        found += int(detect([varied(picture, rng)]) is not None)
    wanted = readings * PLACES if plain else 0
    for picture in cycle(plain):
        if places >= wanted:
            break
        shown = tries(varied(picture, rng))
        found_places += sum(shown)
        places += len(shown)
    return Chance(readings if plain else 0, found, places, found_places, chance_of_a_false_one())


def tries(picture: Picture) -> list[bool]:
    """Whether a word is believed at places SPACING apart.

    Nearer places show nearly the same: the pattern's shortest wavelength is some 10 pixels.
    """
    waves = tile_waves(residual(picture))
    places = range(0, TILE, SPACING)
    read = np.stack([carried(waves, row, column) for row in places for column in places])
    return [identifier is not None for identifier in codeword.identifiers(read)]


def varied(picture: Picture, rng: np.random.Generator) -> Picture:
    """Another picture made of this one: cut, perhaps mirrored, and in another light."""
    height, width = picture.shape[:2]
    part = rng.uniform(0.6, 1.0)
    rows, columns = int(height * part), int(width * part)
    top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
    cut = picture[top : top + rows, left : left + columns]
    lit = 255 * (cut[:, :: rng.choice((-1, 1))] / 255.0) ** rng.uniform(0.7, 1.4)
    return np.ascontiguousarray(np.rint(lit).astype(np.uint8))


def upper_bound(found: int, of: int) -> float:
    """Clopper and Pearson's one-sided 95 % bound of a rate of which `found` in `of` were seen."""
    low, high = 0.0, 1.0
    for _ in range(60 if found < of else 0):
        rate = (low + high) / 2
        logs = (
            math.lgamma(of + 1)
            - math.lgamma(k + 1)
            - math.lgamma(of - k + 1)
            + k * math.log(rate)
            + (of - k) * math.log1p(-rate)
            for k in range(found + 1)
        )
        low, high = (rate, high) if sum(map(math.exp, logs)) > 0.05 else (low, rate)
    return high


def chance_of_a_false_one() -> float:
    """One word in 2^CHECK fits its check sum; so many are tried on a file."""
    return CANDIDATES * TRIALS / 2.0**CHECK


def coded(frames: list[Picture], crf: int) -> list[Picture]:
    """The frames after H.264 (x264, medium) at a constant rate factor."""
    file = io.BytesIO()
    height, width = (side - side % 2 for side in frames[0].shape[:2])
    with av.open(file, "w", format="mp4") as container:
        options = {"crf": str(crf), "preset": "medium"}
        stream = container.add_stream("libx264", 25, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            picture = np.ascontiguousarray(frame[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as decoded:
        return [
            np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            for frame in decoded.decode(video=0)
        ]


def scaled(frames: list[Picture], factor: float) -> list[Picture]:
    """The frames at another size."""
    return [
        np.asarray(
            cv2.resize(frame, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8
        )
        for frame in frames
    ]


def cropped(frames: list[Picture], part: float) -> list[Picture]:
    """The frames without `part` of their width and height, unevenly cut off."""
    height, width = frames[0].shape[:2]
    top, left = int(height * part * 0.4), int(width * part * 0.7)
    bottom, right = top + int(height * (1 - part)), left + int(width * (1 - part))
    return [frame[top:bottom, left:right] for frame in frames]


def as_jpeg(frames: list[Picture], quality: int) -> list[Picture]:
    """The frames after JPEG."""
    coded = (cv2.imencode(".jpg", f, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for f in frames)
    return [np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8) for data in coded]


def turned(frames: list[Picture], degrees: float) -> list[Picture]:
    """The frames, turned about their centre."""
    height, width = frames[0].shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return [
        np.asarray(cv2.warpAffine(frame, matrix, (width, height)), np.uint8) for frame in frames
    ]
