"""Encoding a stretch of frames by itself, so that stretches can be put together later.

What comes out is packets and nothing of a container: a stretch that was encoded before a kill is as
good as one encoded after it. Every stretch begins with a key frame.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from engine.media.codecs import CONTAINERS, EncodeSettings
from engine.media.colour import FromRgb
from engine.media.deep import deep_frame
from engine.media.errors import MediaError
from engine.media.reader import Frame
from engine.media.template import Template


@dataclass(frozen=True, eq=False)
class EncodedPart:
    """The packets of a stretch, in the order in which they are decoded.

    data: uint8, all their bytes. sizes, stamps, keys: int64 [N], of each packet: its bytes, when it
    is shown, in the footage's time base, and whether it is a key frame. header: uint8, what the
    encoder says of all of them.
    """

    data: npt.NDArray[np.uint8]
    sizes: npt.NDArray[np.int64]
    stamps: npt.NDArray[np.int64]
    keys: npt.NDArray[np.int64]
    header: npt.NDArray[np.uint8]

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        return {name: getattr(self, name) for name in ("data", "sizes", "stamps", "keys", "header")}

    @classmethod
    def from_arrays(cls, arrays: dict[str, npt.NDArray[np.generic]]) -> EncodedPart:
        """Raises KeyError or ValueError for what is none."""
        part = cls(
            arrays["data"].astype(np.uint8),
            arrays["sizes"].astype(np.int64),
            arrays["stamps"].astype(np.int64),
            arrays["keys"].astype(np.int64),
            arrays["header"].astype(np.uint8),
        )
        counts = {len(part.sizes), len(part.stamps), len(part.keys)}
        if len(counts) != 1 or 0 in counts or int(part.sizes.sum()) != len(part.data):
            raise ValueError("the packets do not fit together")
        return part

    def packets(self) -> list[tuple[bytes, int, bool]]:
        """The bytes, stamp and key of each packet."""
        ends = np.cumsum(self.sizes)
        return [
            (self.data[end - size : end].tobytes(), int(stamp), bool(key))
            for end, size, stamp, key in zip(ends, self.sizes, self.stamps, self.keys, strict=True)
        ]


class PartEncoder:
    """Encodes one stretch. Raises MediaError where the encoder refuses."""

    def __init__(self, template: Template, settings: EncodeSettings) -> None:
        self._template = template
        # Nothing is written into it: it tells the encoder what its packets are for.
        suffix = settings.chosen.suffixes[0]
        self._container = av.open(io.BytesIO(), "w", format=CONTAINERS[suffix])
        self._stream = add_video(self._container, template, settings)
        pix_fmt = settings.chosen.pix_fmt(template.chroma, template.depth)
        self._shape = f"yuv{pix_fmt[3:6]}p" if "p" in pix_fmt else pix_fmt
        self._pix_fmt = pix_fmt
        self._to_yuv = FromRgb(self._shape, template.tags)
        self._packets: list[Packet[Any]] = []
        self.frames = 0
        self.bytes = 0
        self.last_stamp = 0

    def add(self, frame: Frame) -> None:
        """The next frame; its size and its timestamp must be right."""
        stored = self._template.orientation.stored(frame.image)
        check_size(stored, self._template)
        if frame.deep is not None:
            picture = deep_frame(
                frame.deep, frame.image, self._template.orientation, self._template.tags
            )
        else:
            picture = self._to_yuv(stored)
        if picture.format.name != self._pix_fmt:
            picture = picture.reformat(format=self._pix_fmt)
        stamp = self.frames * self._template.step() if frame.pts is None else frame.pts
        picture.pts = stamp
        picture.time_base = self._template.time_base
        self._keep(self._stream.encode(picture))
        self.frames += 1
        self.last_stamp = stamp

    def finish(self) -> EncodedPart:
        """All packets; the encoder is done."""
        self._keep(self._stream.encode(None))
        header = self._stream.codec_context.extradata or b""
        try:
            return EncodedPart(
                np.frombuffer(b"".join(bytes(p) for p in self._packets), np.uint8),
                np.array([p.size for p in self._packets], np.int64),
                np.array([p.pts for p in self._packets], np.int64),
                np.array([p.is_keyframe for p in self._packets], np.int64),
                np.frombuffer(header, np.uint8),
            )
        finally:
            self._packets = []

    def _keep(self, packets: list[Packet[Any]]) -> None:
        self._packets += packets
        self.bytes += sum(packet.size for packet in packets)


def add_video(target: OutputContainer, template: Template, settings: EncodeSettings) -> VideoStream:
    """The track of a container for what a template's frames are encoded to."""
    codec = settings.chosen
    pix_fmt = codec.pix_fmt(template.chroma, template.depth)
    try:
        added: Any = target.add_stream(
            codec.encoder, rate=template.rate, options=settings.options(pix_fmt)
        )
    except (FFmpegError, ValueError) as error:
        raise MediaError(f"{codec.title} cannot be written here ({error}).") from error
    stream: VideoStream = added
    # Several frames at once where the encoder can, which by itself would cut each into slices, of
    # which none is predicted from another.
    stream.thread_type = "AUTO"
    stream.width, stream.height = template.width, template.height
    stream.pix_fmt = pix_fmt
    stream.time_base = template.time_base
    context = stream.codec_context
    context.time_base = template.time_base
    context.color_range = template.tags.range
    context.colorspace = template.tags.matrix
    context.color_primaries = template.tags.primaries
    context.color_trc = template.tags.transfer
    if codec.tag is not None and target.format.name in ("mp4", "mov"):
        context.codec_tag = codec.tag
    if template.aspect:
        context.sample_aspect_ratio = template.aspect
    if template.orientation.matrix is not None:
        stream.set_display_matrix(template.orientation.matrix)
    stream.metadata.update(dict(template.metadata))
    return stream


def check_size(image: npt.NDArray[np.uint8], template: Template) -> None:
    if image.shape[:2] != (template.height, template.width):
        raise MediaError(
            f"A frame of {image.shape[1]}x{image.shape[0]} pixels cannot go into a video of "
            f"{template.width}x{template.height}: the source changes its size on the way. Convert "
            "the parts of each size by themselves, with --range, or into pictures with "
            "--codec png."
        )
