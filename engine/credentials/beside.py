"""Credentials in a signed file beside what cannot hold them: MKV and BMP, and layers."""

import base64
import json
from pathlib import Path
from typing import Any, Final, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.credentials.chain import standing
from engine.credentials.identity import Signing
from projects.errors import DamagedError
from projects.files import sha256_file
from projects.texts import read_json, write_json

Standing = Literal["trusted", "unknown", "expired", "tampered"]
SIDECAR: Final = ".credentials.json"
VERSION: Final = 1


def sidecar(name: Path) -> Path:
    """Where the credentials of a file are that cannot hold them itself."""
    return name.with_name(name.name + SIDECAR)


def write_sidecar(file: Path, name: Path, said: dict[str, Any], signing: Signing) -> None:
    """Sign what is said of `file`, which is complete and will be called `name`."""
    write_signed(sidecar(name), {**said, "sha256": sha256_file(file)}, signing)


def write_signed(path: Path, said: dict[str, Any], signing: Signing) -> None:
    """Write JSON values with the signature of whoever says so."""
    key = serialization.load_pem_private_key(signing.key.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # the identity was checked
    signature = key.sign(_canonical(said), ec.ECDSA(hashes.SHA256()))
    write_json(
        path,
        {
            "version": VERSION,
            "said": said,
            "signature": base64.b64encode(signature).decode(),
            "chain": signing.chain,
        },
    )


def read_sidecar(name: Path, anchors: str) -> tuple[dict[str, Any], Standing, str]:
    """What a file's sidecar says, what that is worth, and whom the certificate names.

    Raises DamagedError when it is no sidecar.
    """
    said, found, signer = read_signed(sidecar(name), anchors)
    if said.get("sha256") != sha256_file(name):
        found = "tampered"
    return said, found, signer


def read_signed(path: Path, anchors: str) -> tuple[dict[str, Any], Standing, str]:
    """As `read_sidecar`, of any file that `write_signed` wrote."""
    document = read_json(path)
    try:
        said, pem = dict(document["said"]), str(document["chain"]).encode()
        chain = x509.load_pem_x509_certificates(pem)
        signature = base64.b64decode(document["signature"], validate=True)
        public = chain[0].public_key()
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise ValueError("not an ECDSA key")
        names = chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        canonical = _canonical(said)
    except (KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
        raise DamagedError(f"{path} holds no credentials that can be read ({error}).") from error
    signer = str(names[0].value) if names else ""
    try:
        public.verify(signature, canonical, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return said, "tampered", signer
    known = x509.load_pem_x509_certificates(anchors.encode()) if anchors.strip() else []
    found = standing(chain, known)
    return said, "tampered" if found == "broken" else found, signer


def _canonical(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
