"""Sound tracks compared between two files, packet by packet."""

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.packet import Packet

from engine.media.errors import MediaError
from engine.media.info import open_video


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
        shown = (p for p in container.demux(stream) if p.pts is not None and not p.is_discard)
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


def _moment(packet: "Packet[Any]") -> Fraction:
    stamp = packet.pts if packet.pts is not None else packet.dts
    return (stamp or 0) * packet.time_base
