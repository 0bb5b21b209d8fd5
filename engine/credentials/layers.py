"""The note beside layers for compositing: that the finished picture must be marked.

A layer is not watermarked, because it is worked on; what is composed of it has neither watermark
nor credentials until somebody adds them. The note says so to people and programs, is signed, and
holds every layer's hash, so that `verify` knows a layer wherever its folder went.
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any, Final

from engine.credentials.beside import Standing, read_signed, write_signed
from engine.credentials.identity import Signing
from engine.credentials.manifest import Statement
from projects.errors import DamagedError
from projects.files import sha256_file

NOTE: Final = "layers.credentials.json"
DEMAND: Final = (
    "These are layers of a synthetic picture, made with a trained model. They carry no watermark. "
    "What is composed of them must be marked before it is shown to anybody: with credentials that "
    "call it synthetic, with an imperceptible watermark, and, where the law asks for it, with a "
    "label that people see."
)
DEEPEST: Final = 3
"""Folders between the note and a layer, at most."""


def write_note(
    folder: Path, layers: Iterable[Path], source: Path, statement: Statement, signing: Signing
) -> Path:
    """Sign a note for the layers, which are complete and lie in `folder`; returns where it is.

    source: the footage that they were made from. Raises SwapdeckError.
    """
    files = {path.relative_to(folder).as_posix(): sha256_file(path) for path in sorted(layers)}
    said: dict[str, Any] = {
        **statement.as_dict(),
        "layers": files,
        "final_must_be_marked": True,
        "demand": DEMAND,
    }
    if source.is_file():
        said["source_sha256"] = sha256_file(source)
    path = folder / NOTE
    write_signed(path, said, signing)
    return path


def find_note(file: Path) -> Path | None:
    """The note of the folder that a file lies in, or of one above it; None when there is none."""
    for folder in list(file.absolute().parents)[: DEEPEST + 1]:
        if (note := folder / NOTE).is_file():
            return note
    return None


def read_note(note: Path, file: Path, anchors: str) -> tuple[dict[str, Any], Standing, str] | None:
    """What a note says of one layer, without the hashes of the others, what that is worth, and whom
    the certificate names; None when it says nothing of that file.

    Raises DamagedError when it is no note.
    """
    said, found, signer = read_signed(note, anchors)
    files = said.pop("layers", None)
    if not isinstance(files, dict) or said.get("final_must_be_marked") is not True:
        raise DamagedError(f"{note} is no note about layers that can be read.")
    name = PurePosixPath(file.absolute().relative_to(note.absolute().parent)).as_posix()
    if name not in files:
        return None
    if files[name] != sha256_file(file):
        found = "tampered"
    return said, found, signer
