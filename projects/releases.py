"""The documents that consent rests on, such as releases, kept by their hash in a person's folder.

people/ada/consent/3f…a1.pdf      named by the SHA-256 of its bytes; never changed, never replaced
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from projects.errors import CommandError, SwapdeckError
from projects.files import inside, read_errors, replacing, sha256_file, sweep, write_errors
from projects.people import Person

MOST = 200_000_000  # bytes; a scanned contract has a few million
_CHUNK = 1 << 20

State = Literal["stored", "damaged", "not stored"]


@dataclass(frozen=True)
class Release:
    """A document of a consent: its SHA-256, where it is kept, and whether its bytes are right."""

    digest: str
    path: Path | None
    state: State


def store_release(person: Person, file: Path) -> str:
    """Copy `file` into the person's folder; its SHA-256.

    Raises:
        CommandError: it is no ordinary file, empty or far too large.
        SwapdeckError: it cannot be read or written.
    """
    with read_errors(file):
        found = file.stat()
    if not stat.S_ISREG(found.st_mode) or not 0 < found.st_size <= MOST:
        raise CommandError(
            f"{file} cannot be kept as a document: it must be a file that is not empty and has "
            f"{MOST // 1_000_000} MB at most."
        )
    folder = inside(person.root, person.releases_dir.name)
    with write_errors(folder):
        folder.mkdir(exist_ok=True)
        sweep(folder)
    digest = sha256_file(file)
    if find_release(person, digest).state != "stored":
        suffix = re.fullmatch(r"\.[a-z0-9]{1,8}", file.suffix.lower())
        name = digest + (suffix[0] if suffix else "")
        with replacing(folder / name) as temporary:
            if _copy(file, temporary) != digest:
                raise SwapdeckError(
                    f"{file} changed while it was being copied. Wait until whatever writes it has "
                    "finished, then record the consent again."
                )
    return digest


def find_release(person: Person, digest: str) -> Release:
    """The document with this SHA-256, its bytes compared with it.

    Raises SwapdeckError when it is there and cannot be read.
    """
    folder = inside(person.root, person.releases_dir.name)
    if not folder.is_dir():
        return Release(digest, None, "not stored")
    with read_errors(folder):
        kept = sorted(e for e in folder.iterdir() if e.name.partition(".")[0] == digest)
    files = [e for e in kept if e.is_file() and not e.is_symlink()]
    for path in files:
        if sha256_file(path) == digest:
            return Release(digest, path, "stored")
    return Release(digest, files[0], "damaged") if files else Release(digest, None, "not stored")


def _copy(file: Path, to: Path) -> str:
    seen = hashlib.sha256()
    # Only its owner: a signed release holds more than others need to know.
    descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as copy, read_errors(file), file.open("rb") as original:
        while chunk := original.read(_CHUNK):
            seen.update(chunk)
            copy.write(chunk)
    return seen.hexdigest()
