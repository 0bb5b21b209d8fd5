"""A person's sources: what was brought in, kept by content hash, and where it came from."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

from projects.documents import field, update
from projects.errors import CommandError, DamagedError, SwapdeckError
from projects.files import inside, read_errors, replacing, sha256_file, sweep, write_errors
from projects.names import printable, slug
from projects.people import Person
from projects.texts import versioned_toml, write_toml
from projects.workspace import now

VERSION = 1
Kind = Literal["video", "image"]
_CHUNK = 4 << 20
_NAME_LIMIT = 200
_ORIGIN_LIMIT = 2000
_TEXTS = ("page", "title", "author", "licence", "part")


@dataclass(frozen=True)
class About:
    """What a source's record says beside where it came from; "" and None where it is not known.

    `page`: the web page that it was found on. `licence`: what was said there about its use, which
    nobody has judged. `part`: which part of the original it is ("1:20-2:05"). `look`, `seconds`:
    see engine.gather.duplicates; `look` is None in the records of older versions.
    """

    page: str = ""
    title: str = ""
    author: str = ""
    licence: str = ""
    part: str = ""
    look: tuple[str, ...] | None = None
    seconds: float | None = None


_NOTHING = About()


@dataclass(frozen=True)
class Source:
    digest: str  # SHA-256 of the content, lower-case hex
    name: str  # the original file name, fit to be shown
    kind: Kind
    path: Path
    origin: str  # the path or address it came from
    added: str
    size: int  # bytes
    about: About = _NOTHING


def add_source(
    person: Person,
    file: Path,
    kind: Kind,
    origin: str,
    *,
    name: str = "",
    about: About | None = None,
    take: bool = False,
    digest: str = "",
) -> tuple[Source, bool]:
    """Copy `file` into the person's sources; False beside it when its content was there already.

    `name` is shown instead of the file's own; `about` says what else is known of it. With `take`
    the file, which must be this program's own, is moved instead. `digest`: its SHA-256 where that
    is known already.

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
    digest = digest or sha256_file(file)
    known = find_source(person, digest)
    if known is not None:
        return known, False
    suffix = re.sub(r"[^a-z0-9.]", "", file.suffix.lower())[:10]
    path = folder / (digest[:16] + ("" if suffix == ".toml" else suffix))
    sidecar = folder / (digest[:16] + ".toml")
    if not take:
        _check_space(folder, file, size)
    with replacing(path) as temporary:
        if take:
            file.rename(temporary)
        elif _copy(file, temporary) != digest:
            raise SwapdeckError(
                f"{file} changed while it was being copied. Wait until whatever writes it has "
                "finished, then gather it again."
            )
    source = Source(
        digest,
        printable(name or file.name)[:_NAME_LIMIT],
        kind,
        path,
        printable(origin)[:_ORIGIN_LIMIT],
        now(),
        size,
        _fit(about or About()),
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
            **_table(source.about),
        },
    )
    return source, True


def find_source(person: Person, digest: str) -> Source | None:
    """The source with these bytes (SHA-256, hex), if it and its file are there.

    Raises:
        DamagedError: its record.
    """
    sidecar = inside(person.root, "sources", digest[:16] + ".toml")
    if not sidecar.exists():
        return None
    known = _load(sidecar)
    return known if known.digest == digest and known.path.is_file() else None


def record_look(source: Source, look: tuple[str, ...], seconds: float | None) -> None:
    """Add to a source's record what it looks like."""
    update(sidecar_of(source), VERSION, {"look": list(look), "seconds": seconds})


def sidecar_of(source: Source) -> Path:
    """The file that says where a source came from."""
    return source.path.parent / (source.digest[:16] + ".toml")


def given_name(path: Path) -> str:
    """What to call a result of the file at `path`: its name without the suffix, which for
    somebody's source is the name under which it was brought in, made fit for a file."""
    sidecar = path.with_name(path.stem[:16] + ".toml")
    if re.fullmatch(r"[0-9a-f]{16}", path.stem) and sidecar.is_file():
        with suppress(SwapdeckError):
            return slug(Path(_load(sidecar).name).stem)
    return path.stem


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
        _about(document),
    )


def _fit(about: About) -> About:
    texts: dict[str, Any] = {n: printable(getattr(about, n))[:_ORIGIN_LIMIT] for n in _TEXTS}
    return replace(about, **texts)


def _table(about: About) -> dict[str, Any]:
    """The record's lines for what is known."""
    known: dict[str, Any] = {name: getattr(about, name) for name in _TEXTS}
    known = {name: value for name, value in known.items() if value}
    look = None if about.look is None else list(about.look)
    return known | {"look": look, "seconds": about.seconds}


def _about(document: Mapping[str, Any]) -> About:
    """What a record says, without what somebody wrote into it that cannot be meant."""
    texts = {name: printable(str(document.get(name, ""))) for name in _TEXTS}
    look = document.get("look")
    seconds = document.get("seconds")
    return About(
        **texts,
        look=tuple(str(one) for one in look) if isinstance(look, list) else None,
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
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
