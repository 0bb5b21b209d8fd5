"""Pictures and videos that look the same though their bytes differ: resized, saved again, cut.

A picture's look is a difference hash of 128 bits (Krawetz, "Kind of Like That", 2013: which of
two neighbours is brighter, on a tiny grey copy), along rows and along columns. A video's look is
that of a few of its frames, and its length.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt
from av.error import FFmpegError

from engine.media import MediaError, MediaInfo
from engine.media.info import open_video
from engine.media.pictures import read_picture

Image = npt.NDArray[np.uint8]

MOMENTS: Final = (0.1, 0.3, 0.5, 0.7, 0.9)  # of a video's length
# Bits of 128. A picture saved again or resized differs from itself by 7 at most (measured on 54
# frames), two different shots by 40 and more; neighbouring frames of a video by 0 to 5.
ALIKE: Final = 8
ALIKE_FRAMES: Final = 10  # on average over a video's moments, which fall on other frames in a copy
_SIDE: Final = 8
_BITS: Final = 2 * _SIDE * _SIDE
_PLAIN: Final = 2.0  # grey levels; with less contrast there is nothing to recognise
_LENGTHS: Final = 0.02  # share by which the length of two equal videos may differ
_SAME_LENGTH: Final = 0.5  # seconds
_LONGEST_SEARCH: Final = 300  # frames decoded behind a key frame to reach a moment


@dataclass(frozen=True)
class Look:
    """What a picture or video looks like. `hashes` are 32 hex digits each, one for a picture;
    none when there is nothing to recognise. `seconds` is a video's length."""

    kind: Literal["video", "image"]
    hashes: tuple[str, ...]
    seconds: float | None = None


def look_of(info: MediaInfo) -> Look:
    """The look of a picture or video that was probed. Raises MediaError when it is damaged."""
    if info.kind == "image":
        found = difference_hash(read_picture(info.path))
        return Look("image", () if found is None else (found,))
    hashes = _video_hashes(info.path, info.duration)
    return Look("video", tuple(hashes), info.duration)


def alike(one: Look, other: Look) -> bool:
    """Whether two looks are so near that they are copies of each other for the eye."""
    if one.kind != other.kind or not one.hashes or len(one.hashes) != len(other.hashes):
        return False
    if one.kind == "video":
        if one.seconds is None or other.seconds is None:
            return False
        spare = max(_SAME_LENGTH, _LENGTHS * max(one.seconds, other.seconds))
        if abs(one.seconds - other.seconds) > spare:
            return False
    pairs = zip(one.hashes, other.hashes, strict=True)
    apart = [distance(a, b) for a, b in pairs]
    return sum(apart) <= (ALIKE_FRAMES if one.kind == "video" else ALIKE) * len(apart)


def distance(one: str, other: str) -> int:
    """The number of bits in which two hashes differ; all of them for what is no hash."""
    try:
        return (int(one, 16) ^ int(other, 16)).bit_count()
    except ValueError:
        return _BITS


def difference_hash(image: Image) -> str | None:
    """The difference hash of uint8 [H, W, 3] RGB as 32 hex digits; None for a plain surface."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    size = _SIDE + 1
    small = cv2.resize(grey, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)
    if float(small.std()) < _PLAIN:
        return None
    rows = small[:_SIDE, 1:] > small[:_SIDE, :-1]
    columns = small[1:, :_SIDE] > small[:-1, :_SIDE]
    bits = np.concatenate([rows.ravel(), columns.ravel()])
    return bytes(np.packbits(bits)).hex()


def _video_hashes(path: Path, seconds: float | None) -> Iterable[str]:
    """The hashes at MOMENTS; none at all when one of them cannot be had or is plain."""
    if not seconds:
        return ()
    found = []
    for moment in MOMENTS:
        image = _frame_at(path, moment * seconds)
        one = None if image is None else difference_hash(image)
        if one is None:
            return ()
        found.append(one)
    return found


def _frame_at(path: Path, seconds: float) -> Image | None:
    """The frame that is shown at a moment, as it is stored (not turned)."""
    try:
        with open_video(path) as (container, stream):
            stream.thread_type = "AUTO"
            base = stream.time_base or Fraction(1, 90_000)
            wanted = (stream.start_time or 0) + int(seconds / base)
            container.seek(wanted, stream=stream)
            last = None
            for number, frame in enumerate(container.decode(stream)):
                last = frame
                if (frame.pts is not None and frame.pts >= wanted) or number >= _LONGEST_SEARCH:
                    break
            return None if last is None else np.asarray(last.to_ndarray(format="rgb24"), np.uint8)
    except (FFmpegError, MediaError):
        return None
