"""Sound tracks: copied packet by packet, and compared between two files."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet

from engine import blackbox
from engine.media.errors import MediaError
from engine.media.info import open_video


class SoundCopier:
    """Copies the packets of all sound tracks of a container into another, a little at a time.

    Copying as the video proceeds keeps the muxer's queue, and so the memory, small. The target
    must be able to hold the tracks: see `misfit`.
    """

    def __init__(self, source: InputContainer, target: OutputContainer) -> None:
        self.warning = ""
        self._source = source
        self._target = target
        self._copies: dict[int, AudioStream] = {}
        for track in source.streams.audio:
            copy = target.add_stream_from_template(track)
            copy.metadata.update(track.metadata)
            copy.disposition = track.disposition
            self._copies[track.index] = copy
        self._packets = self._read()
        self._next = next(self._packets, None)

    def copy_until(self, seconds: float | None) -> None:
        """Copy the packets up to a time in the source; None copies all that are left."""
        while self._next is not None and (seconds is None or _start(self._next) <= seconds):
            packet = self._next
            packet.stream = self._copies[packet.stream_index]
            self._target.mux_one(packet)
            self._next = next(self._packets, None)

    def _read(self) -> "Iterator[Packet[Any]]":
        if not self._copies:
            return
        try:
            with blackbox.reading(Path(self._source.name.removeprefix("file:"))) as noted:
                for packet in noted.each(self._source.demux(self._source.streams.audio)):
                    if packet.dts is not None:
                        yield packet
        except FFmpegError as error:
            self.warning = f"The sound breaks off where the source is damaged ({error.strerror})."


def misfit(path: Path, muxer: str) -> str:
    """The codec of the first sound track that a muxer cannot hold as it is, "" when all fit."""
    with open_video(path) as (container, _):
        codecs = [track.codec_context.name for track in container.streams.audio]
    with av.open(io.BytesIO(), "w", format=muxer) as target:
        return next((name for name in codecs if name not in target.supported_codecs), "")


@dataclass(frozen=True)
class SoundPacket:
    """One coded packet of sound: when it is heard, in exact seconds, and the hash of its bytes."""

    time: Fraction
    digest: str


@dataclass(frozen=True)
class SoundComparison:
    """Two files' sound: whether every packet is the same, and how far it moved.

    drift_ms: the most, in milliseconds, by which a packet moved against a frame of the picture.
    """

    tracks: int
    packets: int
    identical: bool
    drift_ms: float


def audio_packets(path: Path) -> list[list[SoundPacket]]:
    """The packets of each sound track of a video, in order."""
    with open_video(path) as (container, _):
        tracks: dict[int, list[SoundPacket]] = {s.index: [] for s in container.streams.audio}
        if tracks:
            for packet in container.demux(container.streams.audio):
                if packet.dts is not None:
                    digest = hashlib.sha256(bytes(packet)).hexdigest()
                    tracks[packet.stream_index].append(SoundPacket(_moment(packet), digest))
    return list(tracks.values())


def frame_times(path: Path) -> list[Fraction]:
    """When each frame of a video is shown, in exact seconds, in order; nothing is decoded.

    Frames that an edit list hides are left out.
    """
    with open_video(path) as (container, stream):
        shown = (p for p in container.demux(stream) if p.dts is not None and not p.is_discard)
        return sorted(_moment(packet) for packet in shown)


def compare_sound(source: Path, output: Path) -> SoundComparison:
    """Whether `output` has the sound of `source`, bit for bit and at the same moments.

    Raises MediaError when the number of frames, tracks or packets differs: then nothing can be
    said about single packets.
    """
    ours, theirs = audio_packets(source), audio_packets(output)
    frames, written = frame_times(source), frame_times(output)
    if [len(t) for t in ours] != [len(t) for t in theirs]:
        raise MediaError(
            f"{output} does not have the sound of {source}: tracks of {[len(t) for t in theirs]} "
            f"packets instead of {[len(t) for t in ours]}."
        )
    if len(written) > len(frames):
        raise MediaError(f"{output} has more frames than {source}.")
    pairs = [pair for a, b in zip(ours, theirs, strict=True) for pair in zip(a, b, strict=True)]
    sound = [b.time - a.time for a, b in pairs]
    picture = [b - a for a, b in zip(frames, written, strict=False)]
    drift = max(max(sound) - min(picture), max(picture) - min(sound)) if sound and picture else 0
    return SoundComparison(
        tracks=len(ours),
        packets=len(pairs),
        identical=all(a.digest == b.digest for a, b in pairs),
        drift_ms=float(drift * 1000),
    )


def _start(packet: "Packet[Any]") -> float:
    return float((packet.dts or 0) * packet.time_base)


def _moment(packet: "Packet[Any]") -> Fraction:
    stamp = packet.pts if packet.pts is not None else packet.dts
    return (stamp or 0) * packet.time_base
