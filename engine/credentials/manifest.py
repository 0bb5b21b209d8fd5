"""C2PA content credentials (C2PA specification 2.1) for finished videos and pictures.

Signed last, when nothing of the file changes any more. A container that C2PA cannot write into
(MKV, BMP) gets its statement in a signed file beside it.
"""

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from engine.credentials.beside import SIDECAR as SIDECAR
from engine.credentials.beside import VERSION, write_sidecar
from engine.credentials.beside import sidecar as sidecar
from engine.credentials.identity import Signing
from projects.errors import SwapdeckError
from projects.files import read_errors, sha256_file, write_sentence

ASSERTION: Final = "app.swapdeck.swap"
SYNTHETIC: Final = (
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
)
FORMATS: Final = {
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
}
OFFLINE: Final = {"remote_manifest_fetch": False, "ocsp_fetch": False}
"""Footage may name an address to fetch its credentials from; asking there would be a trap."""
_SIGNING: Final = {
    "verify": OFFLINE,
    # A thumbnail would show the face that was there before.
    "builder": {"thumbnail": {"enabled": False}},
}
_STILLS: Final = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
"""Brands of ISO media files that are pictures; they are not signed here."""


@dataclass(frozen=True)
class Statement:
    """What is said of a result. People are aliases or names, with the basis of their consent."""

    swap: str
    step: int
    identifier: str
    """What the watermark carries, lower-case hex."""
    people: tuple[tuple[str, str], ...]
    names: bool = False
    """Name the files, too, as they are called here: their names may be people's."""

    def as_dict(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "synthetic": True,
            "tool": f"swapdeck {version('swapdeck')}",
            "swap": self.swap,
            "step": self.step,
            "identifier": self.identifier,
            "people": [{"person": person, "consent": basis} for person, basis in self.people],
        }

    def title(self, file: Path, neutral: str) -> str:
        """What a file is called in public."""
        return file.name if self.names else f"{neutral}{file.suffix.lower()}"


def sign(file: Path, name: Path, source: Path, statement: Statement, signing: Signing) -> None:
    """Put credentials into `file`, which is complete and will be called `name`.

    source: the footage that it was made from. For a container that cannot hold them, `name` with
    SIDECAR added is written instead. Raises SwapdeckError.
    """
    said = statement.as_dict()
    if source.is_file():
        said["source_sha256"] = sha256_file(source)
    title = statement.title(name, "result")
    kind = FORMATS.get(name.suffix.lower())
    if kind is None:
        write_sidecar(file, name, {**said, "file": title}, signing)
        return
    ingredient = content_format(source) if source.is_file() else None
    if ingredient is not None:
        parent = _Ingredient(source, ingredient, statement.title(source, "source"))
        try:
            _embed(file, kind, _manifest(title, said, opened=True), signing, name, parent)
            return
        except _SourceRefusedError:
            pass  # damaged or of an unusual make; its hash is in the statement
    _embed(file, kind, _manifest(title, said, opened=False), signing, name, None)


def content_format(file: Path) -> str | None:
    """The kind of media that a file's first bytes show, of those that C2PA knows; else None."""
    head = _head(file)
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:4] in (b"II*\0", b"MM\0*"):
        return "image/tiff"
    if head[4:8] == b"ftyp":
        if head[8:12] in _STILLS:
            return None
        return "video/quicktime" if head[8:12] == b"qt  " else "video/mp4"
    return None


def is_matroska(file: Path) -> bool:
    """Whether it begins as MKV and WebM do, whatever its name says."""
    return _head(file).startswith(b"\x1a\x45\xdf\xa3")


def _head(file: Path) -> bytes:
    with read_errors(file), file.open("rb") as reader:
        return reader.read(16)


@dataclass(frozen=True)
class _Ingredient:
    source: Path
    kind: str
    title: str


class _SourceRefusedError(Exception):
    """C2PA cannot take the source in as an ingredient."""


class _Noting(io.FileIO):
    """A file that remembers why it could not be written; C2PA's library keeps no reason."""

    error: OSError | None = None

    def write(self, data: Any) -> int:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self.error = error
            raise
        return len(data)


def _embed(
    file: Path,
    kind: str,
    manifest: dict[str, Any],
    signing: Signing,
    name: Path,
    ingredient: _Ingredient | None,
) -> None:
    import c2pa

    signed = file.with_name(f"{file.stem}-signed{file.suffix}")
    try:
        info = c2pa.C2paSignerInfo("es256", signing.chain.encode(), signing.key.encode(), None)
        with (
            c2pa.Signer.from_info(info) as signer,
            c2pa.Builder(manifest, context=c2pa.Context.from_dict(_SIGNING)) as builder,
        ):
            if ingredient is not None:
                _add(builder, ingredient)
            with file.open("rb") as reader, _Noting(signed, "w+b") as writer, _reasons(writer):
                builder.sign(signer, kind, reader, writer)
        signed.replace(file)
    except c2pa.C2paError as error:
        raise SwapdeckError(
            f"{name} could not be signed ({error}), and results are not left unmarked. Try another "
            "container, such as .mkv."
        ) from error
    except OSError as error:
        raise SwapdeckError(write_sentence(error, name)) from error
    finally:
        signed.unlink(missing_ok=True)


def _add(builder: Any, ingredient: _Ingredient) -> None:
    import c2pa

    described = {"title": ingredient.title, "relationship": "parentOf", "label": "source"}
    with read_errors(ingredient.source), ingredient.source.open("rb") as stream:
        try:
            builder.add_ingredient(described, ingredient.kind, stream)
        except c2pa.C2paError as error:
            raise _SourceRefusedError from error


@contextmanager
def _reasons(writer: _Noting) -> Iterator[None]:
    """Raise the reason for which C2PA failed to write, where there is one."""
    import c2pa

    try:
        yield
    except c2pa.C2paError as error:
        if writer.error is not None:
            raise writer.error from error
        # its own temporary files may be on another disk
        if os.strerror(errno.ENOSPC) in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise


def _manifest(title: str, said: dict[str, Any], *, opened: bool) -> dict[str, Any]:
    """opened: the source is an ingredient; otherwise the file is said to be made here."""
    agent = {"name": "swapdeck", "version": version("swapdeck")}
    edited = {"action": "c2pa.edited", "digitalSourceType": SYNTHETIC, "softwareAgent": agent}
    first: dict[str, Any] = {"softwareAgent": agent}
    if opened:
        first |= {"action": "c2pa.opened", "parameters": {"ingredientIds": ["source"]}}
    else:
        first |= {"action": "c2pa.created", "digitalSourceType": SYNTHETIC}
    return {
        "claim_generator_info": [agent],
        "title": title,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [first, edited]}},
            {"label": ASSERTION, "data": said},
        ],
    }
