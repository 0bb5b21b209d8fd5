"""Parts of videos, and picture and sound of two files in one: packets are copied, none encoded."""

from __future__ import annotations

import errno
import heapq
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, takewhile
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream

from engine.media.errors import MediaError
from engine.media.info import FORMATS, open_video, undecodable
from engine.text import duration
from projects.files import replacing

Media: TypeAlias = Path | BinaryIO
"""A file, or what reads like one and can be seeked in; then its `name` says what it is."""

_MP4_NAMES = frozenset((".mp4", ".m4v", ".mov"))
_INTERLEAVED = 1  # second by which tracks may run ahead of each other in a file


class PastEndError(MediaError):
    """A video is over before the part that was asked for begins."""


@dataclass(frozen=True)
class Cut:
    """What was copied. `start` and `end` are seconds in the original, `end` that of its last
    frame; `start` is the key frame at or before the moment that was asked for."""

    path: Path
    start: float
    end: float
    frames: int


def copy_part(
    video: Media,
    output: Path,
    *,
    sound: Media | None = None,
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
        MediaError: `video` is no video.
        PastEndError: it is over before `start`.
        SwapdeckError: the disk is full or not writable.
    """
    with ExitStack() as stack:
        source, picture = stack.enter_context(_opened(video))
        other = source if sound is None else stack.enter_context(_opened_sound(sound))
        # Sound of a kind that the installed FFmpeg does not know cannot be copied.
        tracks = [one for one in other.streams.audio if one.codec_context is not None]
        path = output.with_suffix(_suffix(video, [picture, *tracks]))
        origin = _start_time(picture)
        last = None if end is None else origin + Fraction(end)
        own = [picture, *(tracks if sound is None else [])]
        packets = _from_key_frame(_name(video), source, own, origin, start)
        first = next(packets)
        zero = _moment(first)
        flows = [_part(chain((first,), packets), zero, last)]
        if sound is not None and tracks:
            other.seek(int(zero * av.time_base))
            heard = (one for one in _packets(other, tracks) if _moment(one) >= zero)
            flows.append(takewhile(lambda one: last is None or _order(one) < last, heard))
        temporary = stack.enter_context(replacing(path))
        try:
            count, reached = _write(temporary, picture, tracks, flows, zero, check)
        except FFmpegError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS):
                raise OSError(error.errno, error.strerror, str(path)) from error
            raise MediaError(
                f"{_name(video)} could not be copied ({error.strerror}). Gather it whole."
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
    name: str,
    source: InputContainer,
    streams: Sequence[Stream],
    origin: Fraction,
    start: float | None,
) -> Iterator[Packet[Any]]:
    """The packets of a picture, which is the first of the streams, and its sound, beginning with
    the key frame at or before a moment."""
    picture = streams[0]
    length = _length(source, picture)
    if start is not None and start > 0:
        wanted = origin + Fraction(start).limit_denominator(1_000_000)
        source.seek(int(wanted / (picture.time_base or Fraction(1, 90_000))), stream=picture)
    packets = _packets(source, streams)
    early: list[Packet[Any]] = []  # sound that is stored before the picture that it belongs to
    for packet in packets:
        if packet.stream_index == picture.index and packet.is_keyframe:
            if start and length is not None and start >= length:
                break
            yield packet
            yield from early
            yield from packets
            return
        if packet.stream_index != picture.index:
            early = [*early[-200:], packet]
    over = f" It is {duration(length)} long." if length is not None else ""
    raise PastEndError(
        f"{name} has nothing at {duration(start or 0)}.{over} Choose other times for --from and "
        "--to."
    )


def _part(
    packets: Iterator[Packet[Any]], zero: Fraction, end: Fraction | None
) -> Iterator[Packet[Any]]:
    """The packets up to a moment, and pictures after it that are shown before others among them."""
    reached = zero
    over = False
    for packet in packets:
        order, shown = _order(packet), _moment(packet)
        if packet.stream.type == "video":
            over = over or (end is not None and order >= end and shown >= reached)
            if over and (end is None or order >= end + _INTERLEAVED):
                return
            if not over:
                reached = max(reached, shown)
                yield packet
        elif end is not None and order >= end + _INTERLEAVED:
            return
        elif shown >= zero and (end is None or shown < end):
            yield packet


def _packets(source: InputContainer, streams: Sequence[Stream]) -> Iterator[Packet[Any]]:
    return (packet for packet in source.demux(streams) if packet.size)


def _order(packet: Packet[Any]) -> Fraction:
    """When a packet is decoded; where Matroska does not say, when it is shown."""
    stamp = packet.dts if packet.dts is not None else packet.pts
    return (stamp or 0) * packet.time_base


@contextmanager
def _opened(media: Media) -> Iterator[tuple[InputContainer, Stream]]:
    if isinstance(media, Path):
        with open_video(media) as opened:
            yield opened
        return
    with _opened_sound(media) as container:
        if not container.streams.video:
            raise MediaError(f"{_name(media)} holds no moving picture.")
        if container.streams.video[0].codec_context is None:
            raise MediaError(undecodable(_name(media)))
        yield container, container.streams.video[0]


@contextmanager
def _opened_sound(media: Media) -> Iterator[InputContainer]:
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    file = f"file:{media.absolute()}" if isinstance(media, Path) else media
    try:
        container = av.open(file, "r", metadata_errors="replace", options=options)
    except FFmpegError as error:
        raise MediaError(f"{_name(media)} cannot be read ({error.strerror}).") from error
    with container:
        yield container


def _name(media: Media) -> str:
    return Path(media.name).name


def _suffix(video: Media, tracks: Sequence[Stream]) -> str:
    """.mp4 where the tracks fit into it and the original was of that family, else .mkv."""
    names = [track.codec_context.name for track in tracks]
    with av.open(io.BytesIO(), "w", format="mp4") as target:
        fits = all(name in target.supported_codecs for name in names)
    return ".mp4" if fits and Path(video.name).suffix.lower() in _MP4_NAMES else ".mkv"


def _start_time(stream: Stream) -> Fraction:
    return (stream.start_time or 0) * (stream.time_base or Fraction(1, 90_000))


def _moment(packet: Packet[Any]) -> Fraction:
    stamp = packet.pts if packet.pts is not None else packet.dts
    return (stamp or 0) * packet.time_base


def _length(source: InputContainer, stream: Stream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if source.duration is None else source.duration / av.time_base
