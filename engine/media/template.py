"""What a written video takes over from the footage that it was made from."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.error import InvalidDataError
from av.video.stream import VideoStream

from engine.media.colour import ColourTags, is_rgb
from engine.media.deep import deep_format
from engine.media.errors import MediaError
from engine.media.info import open_video
from engine.media.orientation import Orientation, orientation_of

PICTURES_TIME_BASE: Final = 90_000


@dataclass(frozen=True)
class Template:
    """Everything about a video but its pictures; sizes are those of the stored frames.

    chroma: "420", "422" or "444". depth: bits. metadata: of the track.
    """

    width: int
    height: int
    chroma: str
    depth: int
    tags: ColourTags
    time_base: Fraction
    rate: Fraction
    aspect: Fraction | None
    orientation: Orientation
    metadata: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_video(cls, source: Path) -> "Template":
        """Raises MediaError when not one frame can be decoded."""
        with open_video(source) as (container, stream):
            return cls.of(source, container, stream)

    @classmethod
    def of(cls, source: Path, container: InputContainer, stream: VideoStream) -> "Template":
        """From an open video, whose first frames this reads. Raises MediaError."""
        frame = next(_first_frames(container, stream), None)
        if frame is None:
            raise MediaError(f"Not one frame of {source} can be decoded.")
        name = frame.format.name
        tags = ColourTags(
            2 if name.startswith("yuvj") else frame.color_range,
            frame.colorspace,
            frame.color_primaries,
            frame.color_trc,
        )
        if is_rgb(name):
            tags = ColourTags(1, 1, tags.primaries, tags.transfer)
        odd = frame.width % 2 or frame.height % 2
        deep = deep_format(name)
        chroma = next((key for key in ("422", "444") if key in name), "420")
        return cls(
            width=frame.width,
            height=frame.height,
            # chroma planes of half size need an even frame: one of odd size keeps full chroma
            chroma="444" if odd or is_rgb(name) else chroma,
            depth=8 if deep is None else int(deep.split("p")[1].removesuffix("le")),
            tags=tags,
            time_base=stream.time_base or Fraction(1, PICTURES_TIME_BASE),
            rate=stream.average_rate or stream.guessed_rate or Fraction(25),
            aspect=stream.sample_aspect_ratio,
            orientation=orientation_of(frame),
            metadata=tuple(
                (key, stream.metadata[key])
                for key in ("language", "title", "handler_name", "timecode")
                if key in stream.metadata
            ),
        )

    @classmethod
    def of_pictures(cls, width: int, height: int, rate: Fraction) -> "Template":
        """Of pictures in RGB that become a video at so many frames a second."""
        odd = width % 2 or height % 2
        tags = ColourTags(1, 1, 1, 1)
        time_base = 1 / rate
        if time_base.numerator != 1:
            time_base = Fraction(1, rate.numerator)
        chroma = "444" if odd else "420"
        return cls(width, height, chroma, 8, tags, time_base, rate, None, Orientation())

    def step(self) -> int:
        """A frame's usual duration, in the time base."""
        return max(1, round(1 / (self.rate * self.time_base)))

    def shallow(self) -> "Template":
        """The same in 8 bits."""
        return replace(self, depth=8)


def _first_frames(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except InvalidDataError:
            continue
