"""A person's sources: what was brought in, kept by content hash, and where it came from."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from projects.documents import field
from projects.errors import CommandError, DamagedError, SwapdeckError
from projects.files import (
    inside,
    read_errors,
    replacing,
    sha256_file,
    sweep,
    versioned_toml,
    write_errors,
    write_toml,
)
from projects.names import printable
from projects.people import Person
from projects.workspace import now

VERSION = 1
Kind = Literal["video", "image"]
_CHUNK = 4 << 20
_NAME_LIMIT = 200
_ORIGIN_LIMIT = 2000


@dataclass(frozen=True)
class Source:
    digest: str  # SHA-256 of the content, lower-case hex
    name: str  # the original file name, fit to be shown
    kind: Kind
    path: Path
    origin: str  # the path or address it came from
    added: str
    size: int  # bytes


def add_source(person: Person, file: Path, kind: Kind, origin: str) -> tuple[Source, bool]:
    """Copy `file` into the person's sources; False beside it when its content was there already.

    Raises:
        CommandError: `file` is missing, empty or not a regular file.
        SwapdeckError: it cannot be read, changes meanwhile, or does not fit on the disk.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"kind must be one of {get_args(Kind)}, not {kind!r}")
    size = _size(file)
    folder = inside(person.root, "sources")
    with write_errors(folder):
        folder.mkdir(exist_ok=True)
        sweep(folder)
    digest = sha256_file(file)
    suffix = re.sub(r"[^a-z0-9.]", "", file.suffix.lower())[:10]
    path = folder / (digest[:16] + ("" if suffix == ".toml" else suffix))
    sidecar = folder / (digest[:16] + ".toml")
    if sidecar.exists():
        known = _load(sidecar)
        if known.digest == digest and known.path.is_file():
            return known, False
    _check_space(folder, file, size)
    with replacing(path) as temporary:
        if _copy(file, temporary) != digest:
            raise SwapdeckError(
                f"{file} changed while it was being copied. Wait until whatever writes it has "
                "finished, then gather it again."
            )
    source = Source(
        digest,
        printable(file.name)[:_NAME_LIMIT],
        kind,
        path,
        printable(origin)[:_ORIGIN_LIMIT],
        now(),
        size,
    )
    write_toml(
        sidecar,
        {
            "version": VERSION,
            "digest": digest,
            "file": path.name,
            "name": source.name,
            "kind": kind,
            "origin": source.origin,
            "added": source.added,
            "size": size,
        },
    )
    return source, True


def list_sources(person: Person) -> list[Source]:
    """The person's sources, the first added first.

    Raises:
        DamagedError: a record is damaged, or its file is gone.
    """
    folder = inside(person.root, "sources")
    with read_errors(folder):
        sidecars = sorted(folder.glob("*.toml")) if folder.is_dir() else []
    sources = [_load(sidecar) for sidecar in sidecars if not sidecar.name.startswith(".")]
    for source in sources:
        if not source.path.is_file():
            raise DamagedError(
                f"The source '{source.name}' is gone: {source.path} is missing. Gather it again, "
                f"or delete {source.path.with_suffix('.toml')}."
            )
    return sorted(sources, key=lambda source: (source.added, source.digest))


def _load(sidecar: Path) -> Source:
    document = versioned_toml(sidecar, VERSION)
    kind = field(sidecar, document, "kind", str)
    digest = field(sidecar, document, "digest", str)
    if kind not in get_args(Kind) or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise DamagedError(
            f"{sidecar} is damaged: its kind or its digest cannot be right. Delete it and gather "
            "the source again."
        )
    return Source(
        digest,
        printable(field(sidecar, document, "name", str)),
        cast(Kind, kind),
        inside(sidecar.parent, field(sidecar, document, "file", str)),
        printable(field(sidecar, document, "origin", str)),
        str(document.get("added", "")),
        field(sidecar, document, "size", int),
    )


def _size(file: Path) -> int:
    shown = printable(str(file))
    try:
        found = file.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise CommandError(f"There is no file {shown}. Check the path.") from error
    except OSError as error:
        raise SwapdeckError(f"{shown} could not be read ({error.strerror}).") from error
    if not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "not an ordinary file"
        raise CommandError(f"{shown} is {what}. Name a video or an image file.")
    if found.st_size == 0:
        raise CommandError(f"{shown} is empty. Check that it was copied or downloaded whole.")
    return found.st_size


def _check_space(folder: Path, file: Path, size: int) -> None:
    free = os.statvfs(folder)
    available = free.f_bavail * free.f_frsize
    if size > available:
        raise SwapdeckError(
            f"The disk is full: {folder} has {available / 1e6:.1f} MB of room, and "
            f"{printable(file.name)} needs {size / 1e6:.1f} MB. Free some space and gather it "
            "again."
        )


def _copy(file: Path, temporary: Path) -> str:
    """Copy the bytes; the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    with read_errors(file):
        reader = file.open("rb")
    with reader, temporary.open("xb") as writer:
        while True:
            with read_errors(file):
                chunk = reader.read(_CHUNK)
            if not chunk:
                break
            digest.update(chunk)
            writer.write(chunk)
    return digest.hexdigest()
