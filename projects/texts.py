"""JSON, JSON lines and TOML: read within bounds, written complete or not at all.

What is damaged, too large or of a newer version becomes a sentence.
"""

from __future__ import annotations

import errno
import json
import math
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from projects.errors import DamagedError, NewerVersionError
from projects.files import read_errors, write_bytes, write_errors

_MOST_JSON = 64_000_000  # bytes; read whole, so a bound on memory
_USUAL = 32_768  # bytes that hold most documents whole
_MOST_TOML = 256_000  # bytes; what people edit has a few thousand
_MOST_DOTS = 1_000  # in one line: the parser takes the square of a dotted key's length


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, completely or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: object) -> None:
    """Write `value` as indented JSON; see `jsonable` for what is converted."""
    write_bytes(path, _json(value, indent=2) + b"\n")


def write_toml(path: Path, document: Mapping[str, Any]) -> None:
    """Write a TOML document or a plain mapping. TOML has no null: None values are left out."""
    import tomlkit

    plain = document if isinstance(document, tomlkit.TOMLDocument) else without_none(document)
    text = tomlkit.dumps(plain)
    # TOML can hold no byte that is no text, as the name of a file may have; it is for information.
    write_text(path, text.encode(errors="replace").decode())


def append_line(path: Path, value: Mapping[str, Any]) -> None:
    """Append one JSON object as one line, in a single write.

    A torn line that a crash or a full disk left at the end is closed first, so that it costs only
    itself.

    Raises:
        SwapdeckError: the line could not be written whole.
    """
    line = _json(value, separators=(",", ":")) + b"\n"
    with write_errors(path):
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line
            if os.write(descriptor, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)


def read_jsonl(path: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The JSON objects from byte `offset` on, and the offset to go on from.

    A last line without its newline is left for the next call; lines that do not parse are skipped.
    A missing file is an empty one. A negative `offset` counts from the end and starts at the first
    whole line there. A file that became shorter than `offset` is read from its start.
    """
    with read_errors(path):
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return [], max(offset, 0)
        with file:
            size = os.fstat(file.fileno()).st_size
            start = max(0, size + offset) if offset < 0 else offset if offset <= size else 0
            if offset < 0 and start > 0:
                file.seek(start - 1)
                start += len(file.readline()) - 1
            file.seek(start)
            data = file.read()
    end = data.rfind(b"\n") + 1
    objects = []
    for line in data[:end].splitlines():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            objects.append(value)
    return objects, start + end


def read_json(path: Path) -> Any:
    """The JSON value in `path`.

    Raises:
        DamagedError: it is missing or does not parse; the sentence names the line.
        SwapdeckError: it cannot be read.
    """
    data = _read_bounded(path, _MOST_JSON)
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        raise DamagedError(
            f"{path} is damaged: line {error.lineno} is not valid JSON ({error.msg}). "
            "Put back a good copy, or delete what it belongs to."
        ) from error
    except (ValueError, RecursionError) as error:  # no text, a number without end, or a bomb
        raise DamagedError(f"{path} is damaged: it is not JSON text. Put back a good copy.") from (
            error
        )


def read_text(path: Path) -> str:
    """The UTF-8 text in `path`.

    Raises:
        DamagedError: it is missing or is not UTF-8.
        SwapdeckError: it cannot be read.
    """
    data = _read_bounded(path, _MOST_TOML)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DamagedError(
            f"{path} is damaged: line {line} is not UTF-8 text. Correct it in an editor, or put "
            "back a good copy."
        ) from error


def read_toml(path: Path) -> dict[str, Any]:
    """The TOML document in `path` as plain values.

    Raises:
        DamagedError: it is missing or does not parse; the sentence names the line.
        SwapdeckError: it cannot be read.
    """
    text = read_text(path)
    if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
        raise DamagedError(
            f"{path} is damaged: one of its lines has more than {_MOST_DOTS} dots. Correct it in "
            "an editor, or put back a good copy."
        )
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        end = f"at the end, line {text.rstrip().count(chr(10)) + 1}"
        what = str(error).replace("at end of document", end)
        raise DamagedError(
            f"{path} is damaged: it is not valid TOML ({what}). Correct that line in an editor, "
            "or put back a good copy."
        ) from error


def versioned_toml(path: Path, version: int) -> dict[str, Any]:
    """`read_toml`, with its `version` checked.

    Raises:
        NewerVersionError: it was written by a newer swapdeck.
        DamagedError: as `read_toml`, or `version` is missing.
    """
    document = read_toml(path)
    check_version(path, document, version)
    return document


def check_version(path: Path, document: object, version: int) -> None:
    """Raise unless `document`, read from `path`, is a mapping of a version this code reads."""
    found = document.get("version") if isinstance(document, Mapping) else None
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise DamagedError(
            f"{path} has no valid 'version'. If you edited it, add the line 'version = {version}' "
            "at the top; otherwise put back a good copy."
        )
    if found > version:
        raise NewerVersionError(
            f"{path} was written by a newer swapdeck (version {found} of the format; this one "
            f"reads up to {version}). Update swapdeck; nothing was changed."
        )


def _read_bounded(path: Path, most: int) -> bytes:
    """The file's bytes. A file of other people must not fill the memory, or take for ever."""
    with read_errors(path):
        if not path.is_file():
            path.stat()  # says what is wrong with it
            raise DamagedError(f"{path} is no ordinary file. Put back a good copy.")
        with path.open("rb") as file:
            data = file.read(_USUAL)
            if len(data) == _USUAL:  # room for `most` bytes takes time to find
                data += file.read(most + 1 - _USUAL)
    if len(data) > most:
        raise DamagedError(
            f"{path} is larger than {most // 1000} kB and cannot be right. Put back a good copy."
        )
    return data


def _json(value: object, **layout: Any) -> bytes:
    try:
        return json.dumps(jsonable(value), ensure_ascii=False, **layout).encode()
    except UnicodeEncodeError:
        # A file's name may hold bytes that are no text. Escaped, they are read back as they were.
        return json.dumps(jsonable(value), **layout).encode()


def jsonable(value: Any) -> Any:
    """`value` with paths as text, array scalars as numbers, and NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(v) for v in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "item") and not isinstance(value, float):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def without_none(value: Any) -> Any:
    """`value` with the None values of its mappings left out and its paths as text."""
    if isinstance(value, Mapping):
        return {str(k): without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [without_none(v) for v in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value
