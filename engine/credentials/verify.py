"""What a file says of itself: credentials, watermark, and whether this workspace made it."""

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine.credentials.beside import read_sidecar, sidecar
from engine.credentials.identity import anchors
from engine.credentials.layers import find_note, read_note
from engine.credentials.manifest import (
    ASSERTION,
    FORMATS,
    OFFLINE,
    SYNTHETIC,
    content_format,
    is_matroska,
)
from engine.credentials.watermark import FRAMES, Found, detect
from engine.media import MediaError, open_frames, probe
from projects.errors import CommandError, DamagedError, SwapdeckError
from projects.files import sha256_file
from projects.ledger import Entry, entries
from projects.names import printable
from projects.workspace import Workspace

State = Literal["trusted", "expired", "missing", "unknown", "tampered"]
EXIT_CODES: Final[dict[State, int]] = {
    "trusted": 0,
    "expired": 6,
    "missing": 5,
    "unknown": 4,
    "tampered": 1,
}
"""Of `swapdeck verify`, from the best to the worst, which counts where there are several files."""
_WORDS: Final[dict[State, str]] = {
    "trusted": "The credentials are valid and signed by somebody this computer trusts.",
    "expired": (
        "The file is as it was signed, but by this computer's clock the certificate has expired or "
        "has not begun, so who signed it cannot be told any more. Check the clock first."
    ),
    "missing": "The file has no credentials that this program knows.",
    "unknown": "The credentials are valid, but this computer does not know who signed them.",
    "tampered": "The credentials do not fit: the file or they were changed.",
}
_UNTRUSTED: Final = "signingCredential.untrusted"
_EXPIRED: Final = "signingCredential.expired"
_PLAIN: Final = 12
"""The most that a border's pixels differ, in 8-bit steps: lossy formats make some noise."""


@dataclass(frozen=True)
class Verdict:
    """What was found about one file."""

    file: str
    credentials: State
    says: dict[str, Any] = field(default_factory=dict)
    """What swapdeck stated about it; untrusted unless `credentials` is "trusted"."""
    synthetic: bool = False
    """Whether the credentials call it a work of a trained algorithm."""
    signer: str = ""
    problems: tuple[str, ...] = ()
    watermark: Found | None = None
    entry: dict[str, Any] | None = None
    """The ledger's entry about it, of this workspace."""
    same_file: bool | None = None
    """Whether the entry is about this very file, byte for byte; None without an entry."""

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.credentials]

    @property
    def must_be_marked(self) -> bool:
        """Whether it is a layer, so that what is composed of it has to be marked."""
        return self.says.get("final_must_be_marked") is True

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **asdict(self),
            "must_be_marked": self.must_be_marked,
            "exit_code": self.exit_code,
        }

    def sentences(self) -> list[str]:
        """The same for people."""
        lines = [_WORDS[self.credentials]]
        lines += [f"Problem: {problem}" for problem in self.problems]
        if self.signer:
            lines.append(f"Signed by: {self.signer}")
        if self.synthetic:
            lines.append("They say that it is synthetic: composed with a trained model.")
        if self.must_be_marked:
            lines.append(
                "It is a layer for compositing. What is composed of it must be marked as synthetic "
                "before it is shown."
            )
        if self.watermark is not None:
            lines.append(
                f"A swapdeck watermark was found: {self.watermark.identifier} (confidence "
                f"{self.watermark.confidence:.1f}, {self.watermark.frames} frames). The picture is "
                "synthetic, whatever its credentials say."
            )
        else:
            lines.append("No swapdeck watermark was found.")
        if self.entry is not None:
            entry = f"entry {self.entry['sequence']} in this workspace's ledger"
            lines.append(
                f"This is the very file of {entry}."
                if self.same_file
                else f"This is another file of the same result as {entry}, not the very one."
            )
        return lines


def verify(file: Path, workspace: Workspace | None = None) -> Verdict:
    """Look at one file. Raises CommandError when there is none, and SwapdeckError."""
    if not file.is_file():
        raise CommandError(f"There is no file {printable(str(file))}. Name a video or a picture.")
    found = _credentials(file)
    if found.state == "missing" and (note := find_note(file)) is not None:
        found = _layer(note, file)
    watermark, seen_problem = _watermark(file)
    claimed = str(found.says.get("identifier", "")) if found.state == "trusted" else ""
    entry, same = _entry(workspace, file, watermark.identifier if watermark else claimed)
    return Verdict(
        file=printable(str(file)),
        credentials=found.state,
        says=found.says,
        synthetic=found.synthetic,
        signer=printable(found.signer),
        problems=tuple(printable(text) for text in (*found.problems, *seen_problem)),
        watermark=watermark,
        entry=None if entry is None else _plain(entry),
        same_file=same,
    )


@dataclass(frozen=True)
class _Credentials:
    state: State
    says: dict[str, Any] = field(default_factory=dict)
    synthetic: bool = False
    signer: str = ""
    problems: tuple[str, ...] = ()


def _credentials(file: Path) -> _Credentials:
    kind = content_format(file)
    if kind is None and not is_matroska(file):
        kind = FORMATS.get(file.suffix.lower())  # then its beginning was changed
    if file.suffix.lower() not in FORMATS and sidecar(file).is_file():
        return _beside(file)
    if kind is None:
        return _Credentials("missing")
    import c2pa

    known = anchors()
    settings: dict[str, Any] = {"verify": {"verify_trust": True, **OFFLINE}}
    if known:
        settings["trust"] = {"user_anchors": known}
    try:
        with (
            file.open("rb") as stream,
            c2pa.Reader(kind, stream, context=c2pa.Context.from_dict(settings)) as reader,
        ):
            return _read(reader)
    except c2pa.C2paError as error:
        if "ManifestNotFound" in f"{type(error).__name__} {error}" or "no JUMBF" in str(error):
            return _Credentials("missing")
        return _Credentials("tampered", problems=(str(error)[:300],))


def _beside(file: Path) -> _Credentials:
    try:
        said, state, signer = read_sidecar(file, anchors())
    except DamagedError as error:
        return _Credentials("tampered", problems=(str(error),))
    return _Credentials(state, said, said.get("synthetic") is True, signer)


def _layer(note: Path, file: Path) -> _Credentials:
    try:
        read = read_note(note, file, anchors())
    except DamagedError as error:
        return _Credentials("missing", problems=(str(error),))
    if read is None:
        return _Credentials("missing")
    said, state, signer = read
    return _Credentials(state, said, said.get("synthetic") is True, signer)


def _read(reader: Any) -> _Credentials:
    manifest: dict[str, Any] = reader.get_active_manifest() or {}
    results: dict[str, Any] = reader.get_validation_results() or {}
    failures = (results.get("activeManifest") or {}).get("failure") or []
    codes = {str(failure.get("code")) for failure in failures}
    assertions = manifest.get("assertions") or []
    said = next((a.get("data") for a in assertions if a.get("label") == ASSERTION), None)
    signature = manifest.get("signature_info") or {}
    return _Credentials(
        judged(str(reader.get_validation_state()), codes),
        said if isinstance(said, dict) else {},
        SYNTHETIC in json.dumps(assertions),
        str(signature.get("common_name") or signature.get("issuer") or ""),
        tuple(
            str(failure.get("explanation") or failure.get("code"))
            for failure in failures
            if failure.get("code") not in (_UNTRUSTED, _EXPIRED)
        ),
    )


def judged(validity: str, codes: Collection[str]) -> State:
    """The state of credentials of which C2PA's library says `validity`, with these failures."""
    if validity == "Trusted" and not codes:
        return "trusted"
    if validity == "Valid" and set(codes) <= {_UNTRUSTED}:
        return "unknown"
    if _EXPIRED in codes and set(codes) <= {_UNTRUSTED, _EXPIRED}:
        return "expired"  # then the library looks no further whether the signer is trusted
    return "tampered"


def _watermark(file: Path) -> tuple[Found | None, list[str]]:
    try:
        every = max(1, min((probe(file).frames or 0) // FRAMES, 8))
        with open_frames(file) as reader:
            found = detect(_spread(iter(reader), every))
        if found is not None:
            return found, []
        with open_frames(file) as reader:
            first = next(iter(reader), None)
        inner = None if first is None else within_border(first.image)
        if inner is None:
            return None, []
        with open_frames(file) as reader:
            return detect(image[inner] for image in _spread(iter(reader), every)), []
    except MediaError as error:
        return None, [f"Its pictures could not be read: {error}"]


def _spread(frames: Iterator[Any], every: int) -> Iterator[NDArray[np.uint8]]:
    for frame in islice(frames, 0, every * FRAMES, every):
        yield frame.image


def within_border(image: NDArray[np.uint8]) -> tuple[slice, slice] | None:
    """The rows and columns inside of a border of plain colours, as screenshots have.

    image: uint8 [H, W, 3]. None when there is no border, or nothing in it.
    """
    rows = _busy(image, 1)
    columns = None if rows is None else _busy(image[rows], 0)
    if rows is None or columns is None:
        return None
    inner = rows, columns
    return None if image[inner].shape == image.shape else inner


def _busy(image: NDArray[np.uint8], axis: int) -> slice | None:
    """From the first to the last line along `axis` that is not of one colour."""
    spread = np.ptp(image, axis).max(-1)
    busy = np.flatnonzero(spread > _PLAIN)
    return slice(int(busy[0]), int(busy[-1]) + 1) if len(busy) else None


def _entry(
    workspace: Workspace | None, file: Path, identifier: str
) -> tuple[Entry | None, bool | None]:
    """The newest entry about this very file, or else about its result; and which it is."""
    if workspace is None:
        return None, None
    digest = sha256_file(file)
    try:
        outputs = [entry for entry in entries(workspace) if entry.kind == "output"]
    except SwapdeckError:
        return None, None
    for entry in reversed(outputs):
        if entry.values.get("sha256") == digest:
            return entry, True
    for entry in reversed(outputs):
        if identifier and entry.values.get("watermark") == identifier:
            return entry, False
    return None, None


def _plain(entry: Entry) -> dict[str, Any]:
    return {"sequence": entry.sequence, "kind": entry.kind, **entry.values}
