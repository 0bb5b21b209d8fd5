"""Parts of videos, and picture and sound of two files in one: packets are copied, none encoded."""

from __future__ import annotations

import errno
import heapq
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
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
        reader = stack.enter_context(_open_sound(sound or video))
        tracks = list(reader.streams.audio)
        path = output.with_suffix(_suffix(video, [picture, *tracks]))
        origin = _start_time(picture)
        last = None if end is None else origin + Fraction(end)
        first, rest = _from_key_frame(video, source, picture, origin, start)
        zero = _moment(first)
        flows = [_until(chain((first,), rest), last)]
        if tracks:
            if start is not None:
                reader.seek(int(zero * av.time_base))
            packets = (p for p in _packets(reader, tracks) if _moment(p) >= zero)
            flows.append(_until(packets, last))
        temporary = stack.enter_context(replacing(path))
        try:
            count, reached = _write(temporary, picture, tracks, flows, zero, check)
        except FFmpegError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS):
                raise OSError(error.errno, error.strerror, str(path)) from error
            raise MediaError(
                f"{video.name} could not be copied ({error.strerror}). Gather it whole."
            ) from error
    return Cut(path, float(zero - origin), float(reached - origin), count)


def _write(
    path: Path,
    picture: Stream,
    tracks: Sequence[Stream],
    flows: Sequence[Iterator[Packet[Any]]],
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
        for number, packet in enumerate(heapq.merge(*flows, key=_order)):
            if number % 64 == 0:
                check()
            is_picture = packet.stream.type == "video"
            if is_picture:
                reached = max(reached, _moment(packet))
                count += 1
            shift = round(zero / packet.time_base)
            for stamp in ("pts", "dts"):
                value = getattr(packet, stamp)
                if value is not None:
                    setattr(packet, stamp, value - shift)
            packet.stream = copies[is_picture, packet.stream_index]
            target.mux(packet)
    return count, reached


def _from_key_frame(
    video: Path, source: InputContainer, picture: Stream, origin: Fraction, start: float | None
) -> tuple[Packet[Any], Iterator[Packet[Any]]]:
    """The packet of the key frame that a copy begins with, and those after it."""
    length = _length(source, picture)
    if start is not None and start > 0:
        wanted = origin + Fraction(start).limit_denominator(1_000_000)
        source.seek(int(wanted / (picture.time_base or Fraction(1, 90_000))), stream=picture)
    packets = _packets(source, [picture])
    found = next((packet for packet in packets if packet.is_keyframe), None)
    if found is None or (start and length is not None and start >= length):
        over = f" It is {duration(length)} long." if length is not None else ""
        raise MediaError(
            f"{video.name} has nothing at {duration(start or 0)}.{over} Choose other times for "
            "--from and --to."
        )
    return found, packets


def _packets(source: InputContainer, streams: Sequence[Stream]) -> Iterator[Packet[Any]]:
    return (packet for packet in source.demux(streams) if packet.size)


def _until(packets: Iterator[Packet[Any]], end: Fraction | None) -> Iterator[Packet[Any]]:
    """The packets up to a moment, and those after it that are shown before others among them."""
    reached: Fraction | None = None
    for packet in packets:
        shown = _moment(packet)
        if end is not None and _order(packet) >= end and (reached is None or shown >= reached):
            return
        reached = shown if reached is None else max(reached, shown)
        yield packet


def _order(packet: Packet[Any]) -> Fraction:
    """When a packet is decoded; where Matroska does not say, when it is shown."""
    stamp = packet.dts if packet.dts is not None else packet.pts
    return (stamp or 0) * packet.time_base


def _open_sound(path: Path) -> InputContainer:
    try:
        return av.open(
            f"file:{path.absolute()}",
            metadata_errors="replace",
            options={"protocol_whitelist": "file"},
        )
    except FFmpegError as error:
        raise MediaError(f"{path.name} cannot be read as sound ({error.strerror}).") from error


def _suffix(video: Path, tracks: Sequence[Stream]) -> str:
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
