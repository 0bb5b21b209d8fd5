"""Frames with exact timestamps, one at a time, from a video, a picture or a folder of pictures."""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.video.stream import VideoStream

from engine import blackbox
from engine.media.deep import Deep, deep_format, planes_of_deep
from engine.media.errors import MediaError
from engine.media.info import (
    MediaInfo,
    declared_duration,
    declared_frames,
    no_frame_error,
    open_video,
    probe,
)
from engine.media.orientation import orientation_of
from engine.media.pictures import MAX_PIXELS, list_pictures, read_picture, too_large
from engine.media.planar import Pixels, ToRgb, planes_of, rgb_of

# Intact clips may decode to a few frames less than they declare. Fewer than this share, and by more
# than this many frames, is a file that was cut short.
_ENOUGH = 0.97
_SPARE_FRAMES = 3


@dataclass(frozen=True)
class Frame:
    """One picture of a source.

    `pts` counts in the video stream's time base and is None for pictures. `time` is in seconds;
    pictures of a folder count one a second. `image` is uint8 [H, W, 3] RGB, upright. `deep`: the
    stored planes of a video of more than 8 bits. `damaged`: the decoder met errors in it.
    """

    index: int
    pts: int | None
    time: float
    image: npt.NDArray[np.uint8]
    deep: Deep | None = None
    damaged: bool = False


@dataclass(frozen=True)
class RawFrame:
    """As a `Frame`, with pixels as they are stored where those are planes of 8 bits, upright.

    `time` is in seconds since the first frame, wherever the source's own clock begins.
    """

    index: int
    pts: int | None
    time: float
    image: Pixels
    deep: Deep | None = None
    damaged: bool = False


class FrameReader:
    """Iterates once over the frames of a source; a context manager. See `open_frames`."""

    def __init__(self, path: Path, start: int = 0, at: int | None = None) -> None:
        self.info: MediaInfo = probe(path)
        self._start = start
        self._at = at
        self._stack = ExitStack()
        self._frames: Iterator[RawFrame] | None = None
        self._ended = False
        self._count = 0
        self._hidden = 0
        self._end_time = 0.0
        self._declared: tuple[int | None, float | None] = (self.info.frames, None)
        self._unreadable: list[str] = []
        self.lost: list[float] = []
        """When frames should have come that could not be decoded, in seconds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        for raw in self._opened(planar=False):
            image = rgb_of(raw.image)
            yield Frame(raw.index, raw.pts, raw.time, image, raw.deep, raw.damaged)

    def raw(self) -> Iterator[RawFrame]:
        """The frames without turning them into RGB where that is not needed to keep them."""
        return self._opened(planar=True)

    def _opened(self, planar: bool) -> Iterator[RawFrame]:
        if self._frames is None:
            video = self.info.kind == "video"
            self._frames = self._video(planar) if video else self._pictures()
        return self._frames

    def close(self) -> None:
        self._stack.close()

    def shortfall(self) -> str:
        """After the last frame: a sentence when clearly less came than the source declares, or "".

        Before the end of the source it is always "".
        """
        if not self._ended:
            return ""
        if self.info.kind != "video":
            if not self._unreadable:
                return ""
            names = ", ".join(self._unreadable[:5])
            more = len(self._unreadable) - 5
            return (
                f"{len(self._unreadable)} of {self.info.frames} pictures in {self.info.path} could "
                f"not be read and were left out: {names}{f' and {more} more' if more > 0 else ''}."
            )
        frames, duration = self._declared
        if frames is not None:
            frames -= self._hidden
            short = self._count < frames * _ENOUGH and frames - self._count > _SPARE_FRAMES
            promised = f"{frames} frames, but only {self._count} could be decoded"
        elif duration is not None:
            spare = _SPARE_FRAMES * float(1 / (self.info.rate or Fraction(25)))
            short = self._end_time < duration * _ENOUGH and duration - self._end_time > spare
            promised = f"{duration:.1f} s, but only {self._end_time:.1f} s could be decoded"
        else:
            return ""
        if not short:
            return ""
        return (
            f"{self.info.path} declares {promised}: it is damaged or cut short. "
            "What was there has been used; fetch it again for the rest."
        )

    def _video(self, planar: bool) -> Iterator[RawFrame]:
        container, stream = self._stack.enter_context(open_video(self.info.path))
        noted = self._stack.enter_context(blackbox.reading(self.info.path))
        stream.thread_type = "AUTO"
        time_base = stream.time_base or Fraction(1, 90_000)
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        step = max(1, round(1 / (rate * time_base)))
        self._declared = (declared_frames(stream), declared_duration(stream))
        first = pts = None
        to_rgb = ToRgb()
        decoded_frames = self._from_start(container, stream)
        for index, decoded in noted.each(decoded_frames):
            stamp = decoded.pts
            if pts is not None and (stamp is None or stamp <= pts):
                stamp = pts + step
            pts = stamp if stamp is not None else 0
            first = pts if first is None else first
            self._count = index + 1
            self._end_time = float((pts - first + step) * time_base)
            if decoded.width * decoded.height > MAX_PIXELS:
                raise MediaError(too_large(self.info.path))
            if index >= self._start:
                orientation = orientation_of(decoded)
                pixels: Pixels | None = None
                if planar and orientation.is_upright:
                    pixels = planes_of(decoded)
                if pixels is None:
                    pixels = orientation.upright(to_rgb(decoded))
                deep = None
                if not planar and (wide := deep_format(decoded.format.name)) is not None:
                    deep = planes_of_deep(decoded, wide, rgb_of(pixels))
                begun = first if planar else 0
                seconds = float((pts - begun) * time_base)
                yield RawFrame(index, pts, seconds, pixels, deep, bool(decoded.is_corrupt))
        if self._count == 0:
            raise no_frame_error(self.info.path)
        self._ended = True

    def _from_start(
        self, container: InputContainer, stream: VideoStream
    ) -> Iterator[tuple[int, av.VideoFrame]]:
        """The decoded frames with their indices, from the start or a little before it on."""
        if self._at is not None and self._start > 0:
            with suppress(FFmpegError):
                container.seek(self._at, stream=stream)
                frames = self._decoded(container, stream)
                for decoded in frames:
                    if decoded.pts == self._at:
                        yield self._start, decoded
                        yield from enumerate(frames, self._start + 1)
                        return
                    if decoded.pts is None or decoded.pts > self._at:
                        break
            self._hidden = 0
            container.seek(0)
        yield from enumerate(self._decoded(container, stream))

    def _decoded(self, container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
        try:
            for packet in container.demux(stream):
                self._hidden += packet.is_discard  # an edit list keeps it from being shown
                try:
                    yield from packet.decode()
                except InvalidDataError:
                    if packet.pts is not None:
                        self.lost.append(float(packet.pts * packet.time_base))
        except FFmpegError:
            return  # the container breaks off here; shortfall() tells how much is missing

    def _pictures(self) -> Iterator[RawFrame]:
        path = self.info.path
        if self.info.kind == "image":
            if self._start == 0:
                yield RawFrame(0, None, 0.0, read_picture(path))
            self._ended = True
            return
        for index, picture in enumerate(list_pictures(path)):
            if index < self._start:
                continue
            try:
                image = read_picture(picture)
            except MediaError:
                self._unreadable.append(picture.name)
                continue
            yield RawFrame(index, None, float(index), image)
        self._ended = True


def open_frames(path: Path, start: int = 0, at: int | None = None) -> FrameReader:
    """The frames of a video, picture or folder of pictures, in order, from frame `start`.

    Frames before `start` are decoded and dropped, so indices are exact with any spacing of key
    frames; where the timestamp `at` of frame `start` is known (see `frame_stamps`), reading begins
    at the key frame before it. Damaged packets are skipped, as players do; `FrameReader.shortfall`
    tells afterwards. Raises MediaError as `probe` does, and when nothing can be decoded.
    """
    return FrameReader(path, start, at)


def open_part(path: Path, first: int) -> FrameReader:
    """As `open_frames` from frame `first` on, without decoding all that is before it."""
    if first == 0 or probe(path).kind != "video":
        return open_frames(path, first)
    stamps = frame_stamps(path)
    return open_frames(path, first, stamps[first] if first < len(stamps) else None)


def frame_stamps(path: Path) -> list[int]:
    """The timestamps of a video's frames by their indices, in the stream's time base; nothing is
    decoded, and a damaged file may have fewer frames than that. Raises MediaError."""
    with open_video(path) as (container, stream):
        return sorted(
            packet.pts
            for packet in container.demux(stream)
            if packet.pts is not None and not packet.is_discard
        )
