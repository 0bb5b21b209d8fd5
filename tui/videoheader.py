"""What a video says of itself in its header: length, size, rate, codecs. Decodes nothing.

MP4 and MOV after ISO/IEC 14496-12, Matroska and WebM after RFC 8794 and RFC 9559. The dashboard
loads no video library, so what these few numbers do not tell is not told. Whatever a file claims,
only a bounded part of it is read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

MOST_INDEX = 32_000_000  # bytes of an MP4's index
MOST_HEAD = 1_000_000  # bytes of a Matroska file's beginning
MOST_PARTS = 10_000  # boxes or elements looked at in one file
DEEPEST = 8

_CODECS = {
    "avc1": "H.264", "avc3": "H.264", "hvc1": "H.265", "hev1": "H.265", "av01": "AV1",
    "vp08": "VP8", "vp09": "VP9", "mp4v": "MPEG-4", "jpeg": "JPEG", "png ": "PNG",
    "apch": "ProRes", "apcn": "ProRes", "apcs": "ProRes", "ap4h": "ProRes", "ap4x": "ProRes",
    "mp4a": "AAC", "ac-3": "AC-3", "ec-3": "E-AC-3", "Opus": "Opus", "fLaC": "FLAC",
    ".mp3": "MP3", "alac": "ALAC", "sowt": "PCM", "twos": "PCM", "lpcm": "PCM", "ipcm": "PCM",
    "V_MPEG4/ISO/AVC": "H.264", "V_MPEGH/ISO/HEVC": "H.265", "V_AV1": "AV1", "V_VP8": "VP8",
    "V_VP9": "VP9", "V_FFV1": "FFV1", "A_AAC": "AAC", "A_OPUS": "Opus", "A_VORBIS": "Vorbis",
    "A_FLAC": "FLAC", "A_AC3": "AC-3", "A_MPEG/L3": "MP3", "A_PCM/INT/LIT": "PCM",
}  # fmt: skip


@dataclass(frozen=True)
class Track:
    """`width` and `height` in pixels as stored, `frames` as counted in the index; 0 is unknown."""

    kind: str  # "video", "sound" or another word of the file's
    codec: str = ""
    width: int = 0
    height: int = 0
    rotation: int = 0  # degrees clockwise
    frames: int = 0
    rate: float = 0.0  # frames, or samples, a second
    channels: int = 0


@dataclass(frozen=True)
class Video:
    """`seconds` is 0 where the file does not say."""

    container: str
    seconds: float = 0.0
    tracks: tuple[Track, ...] = field(default_factory=tuple)


class UnreadableError(Exception):
    """The file is no video of these two kinds, or its header is damaged."""


def read_video(path: Path) -> Video:
    """The header of an MP4, MOV, Matroska or WebM file.

    Raises:
        UnreadableError: it is another kind of file, or damaged.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(12)
        try:
            if start[:4] == b"\x1a\x45\xdf\xa3":
                return _matroska(file)
            if start[4:8] in (b"ftyp", b"moov", b"wide", b"mdat", b"free", b"skip"):
                return _mp4(file)
        except (struct.error, IndexError, ValueError, OverflowError) as error:
            raise UnreadableError("its header is damaged or cut off") from error
    raise UnreadableError("its kind is not known here")


# MP4 and MOV.


def _mp4(file: BinaryIO) -> Video:
    index = brand = b""
    file.seek(0, 2)
    end, position = file.tell(), 0
    for _ in range(MOST_PARTS):
        if position + 8 > end:
            break
        file.seek(position)
        size, name, head = _box_head(file.read(16), end - position)
        if name == b"ftyp":
            brand = _at(file, position + head, 4)
        if name == b"moov":
            index = _at(file, position + head, min(size - head, MOST_INDEX))
            break
        position += size
    if not index:
        raise UnreadableError("it has no index: it was cut off, or is written still")
    seconds = 0.0
    tracks = []
    for name, body in _boxes(index):
        if name == b"mvhd":
            seconds = _length(body)
        elif name == b"trak":
            tracks.append(_track(body))
    return Video("MOV" if brand == b"qt  " else "MP4", seconds, tuple(tracks))


def _at(file: BinaryIO, position: int, size: int) -> bytes:
    file.seek(position)
    return file.read(max(0, size))


def _box_head(head: bytes, left: int) -> tuple[int, bytes, int]:
    """Size with its head, name, size of the head."""
    size, name = struct.unpack(">I4s", head[:8])
    if size == 1:
        return max(16, int(struct.unpack(">Q", head[8:16])[0])), name, 16
    return (left if size == 0 else max(8, size)), name, 8


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    for _ in range(MOST_PARTS):
        if position + 8 > len(data):
            return
        size, name, head = _box_head(data[position : position + 16], len(data) - position)
        yield name, data[position + head : position + size]
        position += size


def _find(data: bytes, *names: bytes) -> bytes:
    """The body of the first box of that path; b"" without one."""
    for wanted in names:
        data = next((body for name, body in _boxes(data) if name == wanted), b"")
    return data


def _length(header: bytes) -> float:
    """Seconds, of an mvhd or mdhd."""
    if header[0] == 1:
        scale, length = struct.unpack(">IQ", header[20:32])
    else:
        scale, length = struct.unpack(">II", header[12:20])
    unknown = length in (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
    return length / scale if scale and not unknown else 0.0


def _track(data: bytes) -> Track:
    media = _find(data, b"mdia")
    handler = _find(media, b"hdlr")[8:12]
    table = _find(media, b"minf", b"stbl")
    entry = _find(table, b"stsd")[8:]
    codec = entry[4:8].decode("latin-1")
    name = _CODECS.get(codec, codec.strip())
    if handler == b"vide":
        width, height = struct.unpack(">HH", entry[32:36])
        frames = _samples(_find(table, b"stts"))
        seconds = _length(_find(media, b"mdhd"))
        rate = frames / seconds if seconds else 0.0
        return Track("video", name, width, height, _rotation(_find(data, b"tkhd")), frames, rate)
    if handler == b"soun":
        channels, _, _, rate = struct.unpack(">HHIH", entry[24:34])
        return Track("sound", name, rate=float(rate), channels=channels)
    return Track(handler.decode("latin-1").strip() or "data", name)


def _samples(stts: bytes) -> int:
    (count,) = struct.unpack(">I", stts[4:8])
    runs = struct.iter_unpack(">II", stts[8 : 8 + 8 * min(count, len(stts) // 8 - 1)])
    return sum(number for number, _ in runs)


def _rotation(tkhd: bytes) -> int:
    """Degrees clockwise, from the matrix."""
    start = 52 if tkhd[0] == 1 else 40
    a, b = struct.unpack(">ii", tkhd[start : start + 8])
    return {(0, 1): 90, (-1, 0): 180, (0, -1): 270}.get((_sign(a), _sign(b)), 0)


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


# Matroska and WebM.

_SEGMENT, _INFO, _TRACKS, _TRACK, _VIDEO, _AUDIO = (
    0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0xE1,
)  # fmt: skip
_INSIDE = {_SEGMENT, _INFO, _TRACKS}
_CLUSTER, _DOCTYPE, _EBML = 0x1F43B675, 0x4282, 0x1A45DFA3
_KINDS = {1: "video", 2: "sound", 17: "subtitles"}


def _matroska(file: BinaryIO) -> Video:
    file.seek(0)
    data = file.read(MOST_HEAD)
    scale, length, container = 1_000_000, 0.0, "Matroska"
    tracks = []
    for name, body in _elements(data, 0):
        if name == _DOCTYPE and body.rstrip(b"\0") == b"webm":
            container = "WebM"
        elif name == 0x2AD7B1:
            scale = int.from_bytes(body)
        elif name == 0x4489:
            length = _float(body)
        elif name == _TRACK:
            tracks.append(_matroska_track(body))
    return Video(container, length * scale / 1e9, tuple(tracks))


def _elements(data: bytes, depth: int) -> Iterator[tuple[int, bytes]]:
    """Every element before the first cluster; those that only hold others are gone into."""
    position = 0
    for _ in range(MOST_PARTS):
        if position >= len(data):
            return
        name, position = _number(data, position, keep_mark=True)
        size, after = _number(data, position, keep_mark=False)
        if name == _CLUSTER:
            return
        unknown = size == (1 << (7 * (after - position))) - 1
        body = data[after:] if unknown else data[after : after + size]
        if name in _INSIDE | {_EBML} and depth < DEEPEST:
            yield from _elements(body, depth + 1)
        else:
            yield name, body
        position = after + len(body) if unknown else after + size


def _number(data: bytes, position: int, *, keep_mark: bool) -> tuple[int, int]:
    """A variable-length number and where it ends."""
    first = data[position]
    length = 9 - first.bit_length()
    if length > 8 or position + length > len(data):
        raise ValueError("no number")
    value = int.from_bytes(data[position : position + length])
    return (value if keep_mark else value & ((1 << (7 * length)) - 1)), position + length


def _float(body: bytes) -> float:
    return float(struct.unpack(">d" if len(body) == 8 else ">f", body)[0])


def _matroska_track(data: bytes) -> Track:
    found = dict(_elements(data, DEEPEST))
    codec = found.get(0x86, b"").rstrip(b"\0").decode("ascii", "replace")
    name = _CODECS.get(codec, codec)
    kind = _KINDS.get(int.from_bytes(found.get(0x83, b"")), "data")
    video = dict(_elements(found.get(_VIDEO, b""), DEEPEST))
    audio = dict(_elements(found.get(_AUDIO, b""), DEEPEST))
    nanoseconds = int.from_bytes(found.get(0x23E383, b""))
    rate = 1e9 / nanoseconds if nanoseconds else 0.0
    if kind == "sound":
        rate = _float(audio[0xB5]) if 0xB5 in audio else 8000.0
    return Track(
        kind,
        name,
        int.from_bytes(video.get(0xB0, b"")),
        int.from_bytes(video.get(0xBA, b"")),
        rate=rate,
        channels=int.from_bytes(audio.get(0x9F, b"\1")) if kind == "sound" else 0,
    )
