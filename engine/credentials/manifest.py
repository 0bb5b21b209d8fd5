"""C2PA content credentials (C2PA specification 2.1) for finished videos and pictures.

Signed last, when nothing of the file changes any more. A container that C2PA cannot write into
(MKV, BMP) gets its statement in a signed file beside it.
"""

import base64
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from engine.credentials.identity import Signing
from projects.errors import DamagedError, SwapdeckError
from projects.files import read_json, sha256_file, write_json

ASSERTION: Final = "app.swapdeck.swap"
VERSION: Final = 1
SIDECAR: Final = ".credentials.json"
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


@dataclass(frozen=True)
class Statement:
    """What is said of a result. People are aliases or names, with the basis of their consent."""

    swap: str
    step: int
    identifier: str
    """What the watermark carries, lower-case hex."""
    people: tuple[tuple[str, str], ...]

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


def sign(file: Path, name: Path, source: Path, statement: Statement, signing: Signing) -> None:
    """Put credentials into `file`, which is complete and will be called `name`.

    source: the footage that it was made from. For a container that cannot hold them, `name` with
    SIDECAR added is written instead. Raises SwapdeckError.
    """
    kind = FORMATS.get(name.suffix.lower())
    if kind is None:
        _write_sidecar(file, name, source, statement, signing)
        return
    import c2pa

    signed = file.with_name(f"{file.stem}-signed{file.suffix}")
    try:
        info = c2pa.C2paSignerInfo("es256", signing.chain.encode(), signing.key.encode(), None)
        with (
            c2pa.Signer.from_info(info) as signer,
            c2pa.Builder(_manifest(name, source, statement)) as builder,
        ):
            if _format(source) is not None:
                ingredient = {"title": source.name, "relationship": "parentOf", "label": "source"}
                with source.open("rb") as stream:
                    builder.add_ingredient(ingredient, _format(source), stream)
            with file.open("rb") as reader, signed.open("w+b") as writer:
                builder.sign(signer, kind, reader, writer)
        signed.replace(file)
    except c2pa.C2paError as error:
        raise SwapdeckError(
            f"{name} could not be signed ({error}), and results are not left unmarked. Try another "
            "container, such as .mkv."
        ) from error
    finally:
        signed.unlink(missing_ok=True)


def _manifest(name: Path, source: Path, statement: Statement) -> dict[str, Any]:
    agent = {"name": "swapdeck", "version": version("swapdeck")}
    opened: dict[str, Any] = {"action": "c2pa.opened", "softwareAgent": agent}
    if _format(source) is not None:
        opened["parameters"] = {"ingredientIds": ["source"]}
    edited = {"action": "c2pa.edited", "digitalSourceType": SYNTHETIC, "softwareAgent": agent}
    said = statement.as_dict()
    if _format(source) is None and source.is_file():
        said["source_sha256"] = sha256_file(source)
    first = [opened] if _format(source) is not None else []
    if not first:  # an ingredient cannot be read: the file is then said to be made here
        first = [{**opened, "action": "c2pa.created", "digitalSourceType": SYNTHETIC}]
    return {
        "claim_generator_info": [agent],
        "title": name.name,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [*first, edited]}},
            {"label": ASSERTION, "data": said},
        ],
    }


def _format(source: Path) -> str | None:
    return FORMATS.get(source.suffix.lower()) if source.is_file() else None


def _write_sidecar(
    file: Path, name: Path, source: Path, statement: Statement, signing: Signing
) -> None:
    said = {
        **statement.as_dict(),
        "file": name.name,
        "sha256": sha256_file(file),
        "source_sha256": sha256_file(source) if source.is_file() else None,
    }
    key = serialization.load_pem_private_key(signing.key.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # the identity was checked
    signature = key.sign(_canonical(said), ec.ECDSA(hashes.SHA256()))
    write_json(
        sidecar(name),
        {
            "version": VERSION,
            "said": said,
            "signature": base64.b64encode(signature).decode(),
            "chain": signing.chain,
        },
    )


def sidecar(name: Path) -> Path:
    """Where the credentials of a file are that cannot hold them itself."""
    return name.with_name(name.name + SIDECAR)


def read_sidecar(name: Path, anchors: str) -> tuple[dict[str, Any], str]:
    """What a sidecar says, and "trusted", "unknown" or "tampered".

    Raises DamagedError when it is no sidecar.
    """
    path = sidecar(name)
    document = read_json(path)
    try:
        said, chain = dict(document["said"]), str(document["chain"]).encode()
        certificates = x509.load_pem_x509_certificates(chain)
        signature = base64.b64decode(document["signature"], validate=True)
        leaf, authority = certificates[0], certificates[1]
        public = leaf.public_key()
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise ValueError("not an ECDSA key")
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DamagedError(f"{path} holds no credentials that can be read ({error}).") from error
    try:
        public.verify(signature, _canonical(said), ec.ECDSA(hashes.SHA256()))
        leaf.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return said, "tampered"
    if said.get("sha256") != sha256_file(name):
        return said, "tampered"
    known = {c.fingerprint(hashes.SHA256()) for c in _certificates(anchors)}
    return said, "trusted" if authority.fingerprint(hashes.SHA256()) in known else "unknown"


def _certificates(text: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(text.encode()) if text.strip() else []


def _canonical(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
