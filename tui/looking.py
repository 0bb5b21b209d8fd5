"""What one file of the workspace says, as text for a pane. Reads a bounded part of it.

Runs in the reading thread. Every text that comes out is clean.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

from tui import text
from tui.folders import kind_of
from tui.snapshot import Looked, Pairs
from tui.text import clean, plural
from tui.videoheader import Track, UnreadableError, read_video

MOST_BYTES = 65_536  # of a text that is shown
MOST_JSON = 256_000  # of a JSON file that is laid out anew
MOST_LINES = 400
MOST_HEAD = 4_000_000  # of a safetensors file's description
SHOWN_BYTES = 256  # of a file that is no text
SHOWN_TENSORS = 40
_WIDTH = 1_000  # characters of one line

RECORD = ".conversion.json"  # what a conversion wrote beside its result
LONGEST_CODE = 40  # from so many hexadecimal digits on only the first are shown
_HEX = frozenset("0123456789abcdef")
_DATABASE = b"SQLite format 3\0"


def look(path: Path) -> Looked:
    """What is known of the file at `path`; what cannot be known is said in `note`."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return Looked(note="This is no ordinary file, so it is not opened.")
        kind = kind_of(path)
        if kind == "picture":
            return _picture(path)
        if kind == "video":
            return _video(path)
        return _other(path, found.st_size)
    except OSError as error:
        return Looked(note=f"It cannot be read: {clean(error.strerror)}.")


def _picture(path: Path) -> Looked:
    from PIL import Image

    from tui.picture import FORMATS

    try:
        with Image.open(path, formats=FORMATS) as image:
            pairs = (("picture", f"{image.width} x {image.height}, {clean(image.format)}"),)
    except Exception as error:  # noqa: BLE001 - a damaged file may make Pillow raise anything
        return Looked(note=f"It cannot be shown here: {clean(error)}.")
    return Looked(pairs, picture=path)


def _video(path: Path) -> Looked:
    beside = path.with_name(path.name + RECORD)
    records = (("record", clean(beside.name)),) if beside.is_file() else ()
    try:
        video = read_video(path)
    except UnreadableError as error:
        return Looked(records, note=f"What it holds is not known: {error}.")
    length = text.duration(video.seconds) if video.seconds >= 10 else f"{video.seconds:.2f} s"
    return Looked(
        (
            ("video", f"{video.container}, {length}" if video.seconds else video.container),
            *((track.kind, _track(track)) for track in video.tracks),
            *records,
        ),
        note="Its credentials are told by: swapdeck verify FILE",
    )


def _track(track: Track) -> str:
    parts = [clean(track.codec, 24)]
    if track.width:
        parts.append(f"{track.width} x {track.height}")
    if track.rotation:
        parts.append(f"shown turned by {track.rotation}°")
    if track.kind == "video" and track.rate:
        parts.append(f"{track.rate:.5g} frames/s")
    if track.frames:
        parts.append(plural(track.frames, "frame"))
    if track.kind == "sound":
        parts.append(f"{track.rate:,.0f} Hz, {plural(track.channels, 'channel')}")
    return ", ".join(filter(None, parts))


def _other(path: Path, size: int) -> Looked:
    with path.open("rb") as file:
        start = file.read(MOST_BYTES)
    if not size:
        return Looked(note="It is empty.")
    if start.startswith(_DATABASE):
        return Looked((("holds", "a SQLite database"),), note="People shows what is in it.")
    if path.suffix.lower() == ".safetensors":
        return _tensors(path, start)
    if _is_binary(start):
        return Looked((("holds", "no text; its first bytes:"),), _dump(start[:SHOWN_BYTES]))
    layouts: dict[str, Callable[[Path, bytes, int], Looked]] = {
        ".json": _json,
        ".jsonl": _jsonl,
        ".log": _tail,
    }
    return layouts.get(path.suffix.lower(), _text)(path, start, size)


def _is_binary(start: bytes) -> bool:
    if b"\0" in start:
        return True
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return error.start < len(start) - 4  # else a letter was cut in two at the end
    return False


def _dump(data: bytes) -> tuple[str, ...]:
    """Sixteen bytes a line, as numbers and as letters."""
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in row)
        lines.append(f"{at:04x}  {row.hex(' '):<47}  {letters}")
    return tuple(lines)


def _lines(words: str) -> list[str]:
    return [_line(line) for line in words.split("\n")]


def _line(words: str) -> str:
    """As `clean`, but the space before a line's first word stays."""
    room = words.expandtabs(4)
    indent = min(len(room) - len(room.lstrip(" ")), 40)
    return " " * indent + clean(room, _WIDTH)


def _text(path: Path, start: bytes, size: int) -> Looked:
    lines = _lines(start.decode(errors="replace").rstrip("\n"))
    cut = size > len(start) or len(lines) > MOST_LINES
    note = f"This is its beginning; all of it is {text.size(size)}." if cut else ""
    return Looked(lines=tuple(lines[:MOST_LINES]), note=note)


def _tail(path: Path, start: bytes, size: int) -> Looked:
    """The end of a text that grows."""
    data = start if size <= len(start) else _end(path, size)
    lines = _lines(data.decode(errors="replace").rstrip("\n"))
    cut = size > len(data) or len(lines) > MOST_LINES
    note = f"This is its end; all of it is {text.size(size)}." if cut else ""
    return Looked(lines=tuple(lines[-MOST_LINES:]), note=note)


def _end(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, size - MOST_BYTES))
        return file.read(MOST_BYTES).partition(b"\n")[2]


def _json(path: Path, start: bytes, size: int) -> Looked:
    if size > MOST_JSON:
        return _text(path, start, size)
    try:
        value = json.loads(path.read_bytes())
        lines = _lines(json.dumps(value, indent=2, ensure_ascii=False))
    except (ValueError, RecursionError):
        shown = _text(path, start, size)
        return Looked(lines=shown.lines, note="It is not valid JSON; shown as it is.")
    note = f"The first {MOST_LINES} of {len(lines):,} lines." if len(lines) > MOST_LINES else ""
    return Looked(lines=tuple(lines[:MOST_LINES]), note=note)


def _jsonl(path: Path, start: bytes, size: int) -> Looked:
    """The last records, each as its names and values."""
    ended = _tail(path, start, size)
    return Looked(
        lines=tuple(_record(line) if isinstance(line, str) else line for line in ended.lines),
        note=ended.note,
    )


def _record(line: str) -> str | Pairs:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if not isinstance(value, dict):
        return line
    return tuple((clean(name, 40), clean(_value(part))) for name, part in value.items())


def _value(value: object) -> str:
    if isinstance(value, float):
        return text.figure(value) if abs(value) < 1e6 else f"{value:.3f}"
    if isinstance(value, str) and len(value) >= LONGEST_CODE and not set(value) - _HEX:
        return value[:12] + "…"
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {_value(part)}" for name, part in value.items()) + ")"
    if isinstance(value, list):
        return "[" + ", ".join(_value(part) for part in value[:20]) + "]"
    return str(value)


def _tensors(path: Path, start: bytes) -> Looked:
    """The names and shapes in a safetensors file; its description is JSON after eight bytes."""
    length = int.from_bytes(start[:8], "little")
    if not 2 <= length <= MOST_HEAD:
        return Looked(note="It is no safetensors file, or damaged.")
    with path.open("rb") as file:
        file.seek(8)
        head = file.read(length)
    try:
        described = json.loads(head)
        tensors = {
            clean(name): (clean(about["dtype"], 8), [int(side) for side in about["shape"]])
            for name, about in described.items()
            if name != "__metadata__"
        }
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        return Looked(note="Its description is damaged.")
    lines = [
        f"{name}  {kind} {' x '.join(map(str, shape))}"
        for name, (kind, shape) in list(tensors.items())[:SHOWN_TENSORS]
    ]
    if len(tensors) > SHOWN_TENSORS:
        lines.append(f"and {len(tensors) - SHOWN_TENSORS:,} more")
    return Looked((("holds", f"{plural(len(tensors), 'array')} of weights"),), tuple(lines))
