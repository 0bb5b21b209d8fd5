"""Small real clips, made to order in a temporary folder."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

ClipMaker = Callable[..., Path]


def picture(index: int, width: int, height: int) -> np.ndarray:
    """A smooth colourful picture that differs from index to index, with a marked top left."""
    y, x = np.mgrid[:height, :width]
    red = 90 + 60 * np.sin(x / 17 + index / 3)
    green = 120 + 70 * np.cos(y / 13)
    blue = 110 + 50 * np.sin((x + y) / 23 - index / 5)
    image = np.stack([red, green, blue], axis=-1).astype(np.uint8)
    image[: height // 4, : width // 4] = (230, 40, 30)
    return image


def write_clip(
    path: Path,
    *,
    size: tuple[int, int] = (96, 64),
    pts: Sequence[int] = tuple(range(0, 24 * 512, 512)),
    time_base: Fraction = Fraction(1, 12800),
    tags: tuple[int, int, int, int] = (0, 2, 2, 2),
    pix_fmt: str = "yuv420p",
    matrix: Sequence[int] | None = None,
    tracks: Sequence[str] = ("aac",),
    sound_from: float = 0.0,
    options: dict[str, str] | None = None,
) -> Path:
    """A clip of `picture`s at the given timestamps with sine tones as its tracks.

    tags: range, matrix, primaries, transfer as ISO/IEC 23091-2 numbers.
    """
    width, height = size
    with av.open(
        str(path),
        "w",
        options={"video_track_timescale": str(time_base.denominator)}
        if path.suffix != ".mkv"
        else {},
    ) as target:
        video = target.add_stream("libx264", rate=25, options=options or {"crf": "8"})
        video.width, video.height, video.pix_fmt = width, height, pix_fmt
        video.time_base = video.codec_context.time_base = time_base
        context: Any = video.codec_context
        context.color_range, context.colorspace = tags[:2]
        context.color_primaries, context.color_trc = tags[2:]
        if matrix is not None:
            video.set_display_matrix(matrix)
        sounds = [target.add_stream(codec, rate=16000) for codec in tracks]
        seconds = float((pts[-1] - pts[0]) * time_base)
        for index, stamp in enumerate(pts):
            rgb = av.VideoFrame.from_ndarray(picture(index, width, height), format="rgb24")
            frame = VideoReformatter().reformat(
                rgb,
                format=pix_fmt,
                dst_colorspace={1: 1, 9: 9}.get(tags[1], 5),
                dst_color_range=tags[0] or 1,
            )
            frame.pts, frame.time_base = stamp, time_base
            target.mux(video.encode(frame))
        target.mux(video.encode(None))
        for number, sound in enumerate(sounds):
            _tone(target, sound, seconds, 300 * (number + 1), sound_from)
    return path


def _tone(target: Any, stream: Any, seconds: float, pitch: float, start: float) -> None:
    rate, block = 16000, 1024
    times = np.arange(int(seconds * rate)) / rate
    wave = (0.3 * np.sin(2 * np.pi * pitch * times)).astype(np.float32)
    for begin in range(0, len(wave) - block, block):
        frame = av.AudioFrame.from_ndarray(
            wave[None, begin : begin + block], format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = rate, begin + round(start * rate)
        target.mux(stream.encode(frame))
    target.mux(stream.encode(None))


@pytest.fixture
def clip(tmp_path: Path) -> ClipMaker:
    """Makes a clip in the test's folder: clip("name.mp4", size=…, pts=…, …)."""

    def make(name: str = "clip.mp4", **wanted: Any) -> Path:
        return write_clip(tmp_path / name, **wanted)

    return make
