"""Everything beside the picture that a result keeps: sound, subtitles, other tracks, chapters.

Packets are copied and never decoded.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream

from engine import blackbox
from engine.media.info import open_video

_COPIED: Final = ("audio", "subtitle", "data")


@dataclass(frozen=True)
class Misfits:
    """Tracks that a container cannot hold as they are, each in words: "sound is mp3"."""

    sound: tuple[str, ...] = ()
    subtitles: tuple[str, ...] = ()
    others: tuple[str, ...] = field(default=())

    @property
    def first(self) -> str:
        """What a result must not lose; "" where nothing is lost."""
        for what, names in (("sound", self.sound), ("subtitles", self.subtitles)):
            if names:
                return f"{what} of it {'is' if what == 'sound' else 'are'} {names[0]}"
        return ""


def misfits(source: Path, muxer: str) -> Misfits:
    """The tracks of a video that files of a muxer cannot hold as they are."""
    found: dict[str, list[str]] = {kind: [] for kind in _COPIED}
    with open_video(source) as (container, _):
        for track in _tracks(container):
            if not _fits(track, muxer):
                found[track.type].append(_name(track))
        others = [_name(s) for s in container.streams if s.type == "attachment"]
    return Misfits(tuple(found["audio"]), tuple(found["subtitle"]), (*found["data"], *others))


class Companions:
    """Copies the other tracks of a container into another, a little at a time.

    Copying as the video proceeds keeps the muxer's queue, and so the memory, small.
    """

    def __init__(
        self,
        source: InputContainer,
        target: OutputContainer,
        begin: Fraction | None = None,
        end: Fraction | None = None,
    ) -> None:
        """begin, end: seconds of the source from and up to which packets are copied; what is copied
        from the middle of a source is moved to its beginning by `begin`."""
        self.warning = ""
        self._source = source
        self._target = target
        self._begin, self._end = begin, end
        self._copies: dict[int, Stream] = {}
        for track in _tracks(source):
            if not _fits(track, target.format.name):
                continue
            copy = target.add_stream_from_template(track)
            copy.metadata.update(track.metadata)
            copy.disposition = track.disposition
            self._copies[track.index] = copy
        self._packets = self._read()
        self._next = next(self._packets, None)

    def copy_until(self, seconds: Fraction | None) -> None:
        """Copy the packets up to a time in the source; None copies all that are left."""
        while self._next is not None and (seconds is None or _start(self._next) <= seconds):
            packet = self._next
            packet.stream = self._copies[packet.stream_index]
            if self._begin is not None:
                shift = round(self._begin / packet.time_base)
                packet.pts = None if packet.pts is None else packet.pts - shift
                packet.dts = None if packet.dts is None else packet.dts - shift
            self._target.mux_one(packet)
            self._next = next(self._packets, None)

    def _read(self) -> Iterator[Packet[Any]]:
        if not self._copies:
            return
        tracks = [s for s in self._source.streams if s.index in self._copies]
        try:
            with blackbox.reading(Path(self._source.name.removeprefix("file:"))) as noted:
                for packet in noted.each(self._source.demux(tracks)):
                    if packet.dts is not None and self._wanted(packet):
                        yield packet
        except FFmpegError as error:
            self.warning = f"The sound breaks off where the source is damaged ({error.strerror})."

    def _wanted(self, packet: Packet[Any]) -> bool:
        start = _start(packet)
        after = self._begin is None or start >= self._begin
        return after and (self._end is None or start < self._end)


def _tracks(container: InputContainer) -> list[Stream]:
    """What is copied; a timecode is written anew from the video's own tags."""
    return [
        stream
        for stream in container.streams
        if stream.type in _COPIED and not (stream.type == "data" and "timecode" in stream.metadata)
    ]


def _fits(track: Stream, muxer: str) -> bool:
    """Whether a muxer takes the track as it is; it is asked to write its first bytes."""
    try:
        with av.open(io.BytesIO(), "w", format=muxer.split(",")[0]) as target:
            target.add_stream_from_template(track)
            target.start_encoding()
    except (FFmpegError, ValueError, TypeError, NotImplementedError):
        return False
    return True


def _name(track: Stream) -> str:
    context = track.codec_context
    return context.name if context is not None else f"a track of {track.type}"


def _start(packet: Packet[Any]) -> Fraction:
    return (packet.dts or 0) * packet.time_base
