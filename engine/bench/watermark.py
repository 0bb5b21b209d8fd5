"""How well the watermark holds: `swapdeck bench watermark [FILE…]`.

Every clip is marked, put through what happens to videos, and read again, in windows of WINDOW
frames. Readings of the same windows without a mark count what is found where nothing is.
"""

import io
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from engine.avatars import clips
from engine.credentials.watermark import BYTES, CANDIDATES, PARITY, Watermark, detect
from engine.media import open_frames
from engine.quality.fidelity import Fidelity, compare

Picture = NDArray[np.uint8]
Change = Callable[[list[Picture]], list[Picture]]
WINDOW: Final = 24
MOST: Final = 240
"""Frames of a clip that are looked at."""
CHANGES: Final[dict[str, Change]] = {
    "nothing": lambda frames: frames,
    "H.264 at CRF 18": lambda frames: coded(frames, 18),
    "H.264 at CRF 23": lambda frames: coded(frames, 23),
    "H.264 at CRF 28": lambda frames: coded(frames, 28),
    "half the size, CRF 23": lambda frames: coded(scaled(frames, 0.5), 23),
    "10 % cut off, CRF 23": lambda frames: coded(cropped(frames, 0.1), 23),
    "one frame, JPEG 85": lambda frames: as_jpeg(frames[:1], 85),
    "turned by 2 degrees": lambda frames: turned(frames, 2.0),
    "30 % cut off": lambda frames: cropped(frames, 0.3),
}


@dataclass(frozen=True)
class Measured:
    """Rates are 0 to 1; `windows` readings each."""

    rates: dict[str, float]
    windows: int
    false: int
    unmarked: int
    """Readings of unmarked footage, and how many of them found something."""
    chance: float
    """The computed chance of finding something in one file without a mark."""
    psnr: float
    ssim: float
    milliseconds: float
    """To mark a frame; `size` is (width, height)."""
    size: tuple[int, int]


def measure(files: Sequence[Path] = ()) -> Measured:
    """Measure on the shipped clips, or on `files` instead."""
    folder = Path(clips.__file__).parent / "clips"
    paths = list(files) or [folder / name for name in ("anna.mp4", "bruno.mp4", "bruno-scene.mp4")]
    found = dict.fromkeys(CHANGES, 0)
    windows = false = unmarked = marked_frames = 0
    fidelity, seconds, size = Fidelity(), 0.0, (0, 0)
    for number, path in enumerate(paths):
        with open_frames(path) as reader:
            frames = [frame.image for frame, _ in zip(reader, range(MOST), strict=False)]
        for start in range(0, len(frames) - WINDOW + 1, WINDOW):
            window = frames[start : start + WINDOW]
            identifier = f"{number * 1000 + start:08x}"
            watermark = Watermark(identifier)
            watermark.apply(window[0])
            began = time.perf_counter()
            marked = [watermark.apply(frame) for frame in window]
            seconds += time.perf_counter() - began
            marked_frames += len(window)
            whole = np.ones(window[0].shape[:2], np.bool_)
            fidelity = fidelity + compare(marked[0], window[0], whole)
            size = (window[0].shape[1], window[0].shape[0])
            for name, change in CHANGES.items():
                read = detect(change(marked))
                found[name] += int(read is not None and read.identifier == identifier)
            for plain in (window, *([frame] for frame in window)):
                false += int(detect(plain) is not None)
                unmarked += 1
            windows += 1
    return Measured(
        rates={name: count / max(1, windows) for name, count in found.items()},
        windows=windows,
        false=false,
        unmarked=unmarked,
        chance=chance_of_a_false_one(),
        psnr=fidelity.psnr,
        ssim=fidelity.ssim,
        milliseconds=1e3 * seconds / max(1, marked_frames),
        size=size,
    )


def chance_of_a_false_one() -> float:
    """Of all random words, so many lie near enough to a code word and fit its CRC, times tries."""
    mends = PARITY // 2
    near = sum(math.comb(BYTES, wrong) * 255**wrong for wrong in range(mends + 1))
    return float(CANDIDATES * near / 256**PARITY / 2**16)


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
