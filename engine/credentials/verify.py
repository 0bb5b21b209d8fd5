"""What a file says of itself: credentials, watermark, and whether this workspace made it."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine.credentials.identity import anchors
from engine.credentials.manifest import ASSERTION, FORMATS, SYNTHETIC, read_sidecar, sidecar
from engine.credentials.watermark import FRAMES, Found, detect
from engine.media import MediaError, open_frames, probe
from projects.errors import CommandError, SwapdeckError
from projects.ledger import entries
from projects.names import printable
from projects.workspace import Workspace

State = Literal["trusted", "unknown", "tampered", "missing"]
EXIT_CODES: Final[dict[State, int]] = {"trusted": 0, "tampered": 1, "unknown": 4, "missing": 5}
"""Of `swapdeck verify`; of several files, the worst in the order missing, unknown, tampered."""
_WORDS: Final[dict[State, str]] = {
    "trusted": "The credentials are valid and signed by somebody this computer trusts.",
    "unknown": "The credentials are valid, but this computer does not know who signed them.",
    "tampered": "The credentials do not fit: the file or they were changed, or have expired.",
    "missing": "The file has no credentials that this program knows.",
}


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

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.credentials]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "exit_code": self.exit_code}

    def sentences(self) -> list[str]:
        """The same for people."""
        lines = [_WORDS[self.credentials]]
        lines += [f"Problem: {problem}" for problem in self.problems]
        if self.signer:
            lines.append(f"Signed by: {self.signer}")
        if self.synthetic:
            lines.append("They say that it is synthetic: composed with a trained model.")
        if self.watermark is not None:
            lines.append(
                f"A swapdeck watermark was found: {self.watermark.identifier} (confidence "
                f"{self.watermark.confidence:.1f}, {self.watermark.frames} frames). The picture is "
                "synthetic, whatever its credentials say."
            )
        else:
            lines.append("No swapdeck watermark was found.")
        if self.entry is not None:
            lines.append(f"This workspace's ledger knows it: entry {self.entry['sequence']}.")
        return lines


def verify(file: Path, workspace: Workspace | None = None) -> Verdict:
    """Look at one file. Raises CommandError when there is none, and SwapdeckError."""
    if not file.is_file():
        raise CommandError(f"There is no file {printable(str(file))}. Name a video or a picture.")
    state, says, synthetic, signer, problems = _credentials(file)
    watermark, seen_problem = _watermark(file)
    identifier = watermark.identifier if watermark else str(says.get("identifier", ""))
    return Verdict(
        file=printable(str(file)),
        credentials=state,
        says=says,
        synthetic=synthetic,
        signer=printable(signer),
        problems=tuple(printable(text) for text in (*problems, *seen_problem)),
        watermark=watermark,
        entry=_entry(workspace, identifier),
    )


def _credentials(file: Path) -> tuple[State, dict[str, Any], bool, str, list[str]]:
    if sidecar(file).is_file() and file.suffix.lower() not in FORMATS:
        said, state = read_sidecar(file, anchors())
        return (
            {"trusted": "trusted", "unknown": "unknown"}.get(state, "tampered"),  # type: ignore[return-value]
            said,
            said.get("synthetic") is True,
            "",
            [],
        )
    kind = FORMATS.get(file.suffix.lower())
    if kind is None:
        return "missing", {}, False, "", []
    import c2pa

    known = anchors()
    settings: dict[str, Any] = {
        "verify": {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False}
    }
    if known:
        settings["trust"] = {"user_anchors": known}
    try:
        with (
            file.open("rb") as stream,
            c2pa.Reader(kind, stream, context=c2pa.Context.from_dict(settings)) as reader,
        ):
            return _judged(reader)
    except c2pa.C2paError as error:
        if "ManifestNotFound" in f"{type(error).__name__} {error}" or "no JUMBF" in str(error):
            return "missing", {}, False, "", []
        return "tampered", {}, False, "", [str(error)[:300]]


def _judged(reader: Any) -> tuple[State, dict[str, Any], bool, str, list[str]]:
    manifest: dict[str, Any] = reader.get_active_manifest() or {}
    results: dict[str, Any] = reader.get_validation_results() or {}
    failures = (results.get("activeManifest") or {}).get("failure") or []
    codes = [str(failure.get("code")) for failure in failures]
    untrusted = {"signingCredential.untrusted"}
    problems = [
        str(failure.get("explanation") or failure.get("code"))
        for failure in failures
        if failure.get("code") not in untrusted
    ]
    validity = reader.get_validation_state()
    if validity == "Trusted" and not problems:
        state: State = "trusted"
    elif not problems and (validity == "Valid" or set(codes) <= untrusted):
        state = "unknown"
    else:
        state = "tampered"
    assertions = manifest.get("assertions") or []
    said = next((a.get("data") for a in assertions if a.get("label") == ASSERTION), None)
    signature = manifest.get("signature_info") or {}
    signer = str(signature.get("common_name") or signature.get("issuer") or "")
    return (
        state,
        said if isinstance(said, dict) else {},
        SYNTHETIC in json.dumps(assertions),
        signer,
        problems,
    )


def _watermark(file: Path) -> tuple[Found | None, list[str]]:
    try:
        frames = probe(file).frames or 0
        with open_frames(file) as reader:
            found = detect(_spread(iter(reader), max(1, min(frames // FRAMES, 8))))
    except MediaError as error:
        return None, [f"Its pictures could not be read: {error}"]
    return found, []


def _spread(frames: Iterator[Any], every: int) -> Iterator[NDArray[np.uint8]]:
    for frame in islice(frames, 0, every * FRAMES, every):
        yield frame.image


def _entry(workspace: Workspace | None, identifier: str) -> dict[str, Any] | None:
    if workspace is None or not identifier:
        return None
    try:
        found = [e for e in entries(workspace) if e.values.get("watermark") == identifier]
    except SwapdeckError:
        return None
    if not found:
        return None
    entry = found[-1]
    return {"sequence": entry.sequence, "kind": entry.kind, **entry.values}
