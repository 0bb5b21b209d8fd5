"""Parts of videos, and picture and sound of two files in one: packets are copied, none encoded."""

from __future__ import annotations

import heapq
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream

from engine.media.errors import MediaError
from engine.media.info import open_video
from engine.text import duration
from projects.files import replacing

_MP4_NAMES = frozenset((".mp4", ".m4v", ".mov"))


@dataclass(frozen=True)
class Cut:
    """What was copied. `start` and `end` are seconds in the original, `end` that of its last
    frame; `start` is the key frame at or before the moment that was asked for."""

    path: Path
    start: float
    end: float
    frames: int


def copy_part(
    video: Path,
    output: Path,
    *,
    sound: Path | None = None,
    start: float | None = None,
    end: float | None = None,
    check: Callable[[], object] = lambda: None,
) -> Cut:
    """Copy a video from `start` to `end` (seconds, None for its own ends) without encoding.

    Its sound comes along, or the sound of the file `sound` instead. A copy can begin at a key frame
    only: it begins at the last one at or before `start`. `output`, whose suffix is replaced by one
    that can hold the tracks (.mp4 or .mkv), is complete or absent; equal input gives equal bytes.
    `check` is called now and then and may raise.

    Raises:
        MediaError: `video` is no video, or is over before `start`.
        SwapdeckError: the disk is full or not writable.
    """
    with ExitStack() as stack:
        source, picture = stack.enter_context(open_video(video))
        tracks: list[Stream] = []
        other = source
        if sound is not None:
            other = stack.enter_context(_open_sound(sound))
        tracks += other.streams.audio
        suffix = _suffix(video, [picture, *tracks])
        path = output.with_suffix(suffix)
        origin = _start_time(picture)
        first = _first_packet(video, source, picture, origin, start)
        zero = _moment(first)
        pictures = _until(_packets(source, picture, zero), None if end is None else origin + end)
        flows = [pictures]
        if tracks:
            reader = stack.enter_context(_open_sound(sound or video))
            if start is not None:
                reader.seek(int(zero * av.time_base))
            last = None if end is None else origin + end
            wanted = [reader.streams[track.index] for track in tracks]
            flows.append(_until(_sound_packets(reader, wanted, zero), last))
        temporary = stack.enter_context(replacing(path))
        try:
            count, reached = _write(temporary, picture, tracks, flows, zero, check)
        except FFmpegError as error:
            if error.errno and not isinstance(error, ValueError):
                raise OSError(error.errno, error.strerror, str(path)) from error
            raise MediaError(
                f"{video.name} could not be copied ({error.strerror}). Gather it whole."
            ) from error
    return Cut(path, float(zero - origin), float(reached - origin), count)


def _write(
    path: Path,
    picture: Stream,
    tracks: list[Stream],
    flows: list[Iterator[tuple[Fraction, Packet[Any]]]],
    zero: Fraction,
    check: Callable[[], object],
) -> tuple[int, Fraction]:
    """Mux the flows in the order of their times; the number of pictures and the last one's time."""
    count, reached = 0, zero
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as target:
        copies: dict[tuple[bool, int], Stream] = {
            (True, picture.index): target.add_stream_from_template(picture)
        }
        for track in tracks:
            copies[False, track.index] = target.add_stream_from_template(track)
        for _, packet in heapq.merge(*flows, key=lambda pair: pair[0]):
            is_picture = packet.stream.type == "video"
            if is_picture:
                reached = max(reached, _moment(packet))
                count += 1
            if count % 64 == 0:
                check()
            shift = round(zero / packet.time_base)
            for stamp in ("pts", "dts"):
                value = getattr(packet, stamp)
                if value is not None:
                    setattr(packet, stamp, value - shift)
            packet.stream = copies[is_picture, packet.stream_index]
            target.mux(packet)
    return count, reached


def _first_packet(
    video: Path, source: InputContainer, picture: Stream, origin: Fraction, start: float | None
) -> Packet[Any]:
    """The key frame that a copy begins with; the container is left somewhere behind it."""
    base = picture.time_base or Fraction(1, 90_000)
    if start is not None and start > 0:
        wanted = origin + Fraction(start).limit_denominator(1_000_000)
        source.seek(int(wanted / base), stream=picture)
    found = next((p for p in source.demux(picture) if p.dts is not None and p.is_keyframe), None)
    length = _length(source, picture)
    if found is None or (start and length is not None and start >= length):
        over = f" It is {duration(length)} long." if length is not None else ""
        raise MediaError(
            f"{video.name} has nothing at {duration(start or 0)}.{over} Choose other times for "
            "--from and --to."
        )
    source.seek(int(_moment(found) / base), stream=picture)
    return found


def _packets(
    source: InputContainer, picture: Stream, zero: Fraction
) -> Iterator[tuple[Fraction, Packet[Any]]]:
    begun = False
    for packet in source.demux(picture):
        if packet.dts is None:
            continue
        begun = begun or (packet.is_keyframe and _moment(packet) >= zero)
        if begun:
            yield packet.dts * packet.time_base, packet


def _sound_packets(
    source: InputContainer, tracks: list[Stream], zero: Fraction
) -> Iterator[tuple[Fraction, Packet[Any]]]:
    for packet in source.demux(tracks):
        if packet.dts is not None and packet.dts * packet.time_base >= zero:
            yield packet.dts * packet.time_base, packet


def _until(
    packets: Iterator[tuple[Fraction, Packet[Any]]], end: Fraction | float | None
) -> Iterator[tuple[Fraction, Packet[Any]]]:
    for time, packet in packets:
        if end is not None and time >= end:
            return
        yield time, packet


def _open_sound(path: Path) -> InputContainer:
    try:
        return av.open(
            f"file:{path.absolute()}",
            metadata_errors="replace",
            options={"protocol_whitelist": "file"},
        )
    except FFmpegError as error:
        raise MediaError(f"{path.name} cannot be read as sound ({error.strerror}).") from error


def _suffix(video: Path, tracks: list[Stream]) -> str:
    """.mp4 where the tracks fit into it and the original was of that family, else .mkv."""
    names = [track.codec_context.name for track in tracks]
    with av.open(io.BytesIO(), "w", format="mp4") as target:
        fits = all(name in target.supported_codecs for name in names)
    return ".mp4" if fits and video.suffix.lower() in _MP4_NAMES else ".mkv"


def _start_time(stream: Stream) -> Fraction:
    return (stream.start_time or 0) * (stream.time_base or Fraction(1, 90_000))


def _moment(packet: Packet[Any]) -> Fraction:
    stamp = packet.pts if packet.pts is not None else packet.dts
    return (stamp or 0) * packet.time_base


def _length(source: InputContainer, stream: Stream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if source.duration is None else source.duration / av.time_base
