"""Who signs: a key and a certificate for each workspace, kept in the user's own configuration.

A workspace's identity is made when it is first needed: a certificate authority that signs one
certificate and is then thrown away, so that only its public half, the anchor, remains. Keys are
ECDSA on P-256 (ES256 in C2PA). The files lie outside of the workspace, which may be shared.
"""

import hashlib
import hmac
import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from projects.errors import CommandError, RefusedError, SwapdeckError
from projects.files import folder_replacing, read_errors, write_errors
from projects.workspace import Workspace

VALID: Final = timedelta(days=3650)
WARN_BEFORE: Final = timedelta(days=60)
KEY, CHAIN, ANCHOR = "key.pem", "chain.pem", "anchor.pem"
_LARGEST: Final = 1 << 20


@dataclass(frozen=True)
class Signing:
    """A key with its certificates, as PEM text; the chain has the signing certificate first."""

    key: str
    chain: str
    begins: datetime
    ends: datetime
    fingerprint: str
    """SHA-256 of the signing certificate, lower-case hex."""

    def warning(self, at: datetime | None = None) -> str:
        """What to say of a certificate that ends soon; "" when it does not."""
        left = self.ends - (at or datetime.now(UTC))
        if left > WARN_BEFORE:
            return ""
        return (
            f"The certificate that signs results ends on {self.ends:%Y-%m-%d}. Get a new one "
            "before that, or remove the old one's folder to have a new identity made."
        )

    def alias(self, name: str) -> str:
        """A name that only the holder of the key can connect with a person: 32 hex digits."""
        return hmac.new(self.key.encode(), name.encode(), hashlib.sha256).hexdigest()[:32]


def identities_folder() -> Path:
    """Where this user's identities are."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "swapdeck" / "identities"


def identity_folder(workspace: Workspace) -> Path:
    """Where the identity of a workspace is, or will be."""
    return (
        identities_folder() / hashlib.sha256(os.fsencode(workspace.root.resolve())).hexdigest()[:16]
    )


def signing(workspace: Workspace, at: datetime | None = None) -> Signing:
    """The workspace's identity, made when there is none yet.

    An organisation's own certificate is used by putting `key.pem` (ES256, PKCS 8) and `chain.pem`
    (the signing certificate first) into the same folder.

    Raises:
        RefusedError: the certificate is not valid now, or its key may be read by others.
        SwapdeckError: the folder cannot be written, or what it holds cannot be used.
    """
    folder = identity_folder(workspace)
    if not folder.is_dir():
        _make(folder, workspace.root.name)
    found = _load(folder)
    at = at or datetime.now(UTC)
    if at < found.begins:
        raise RefusedError(
            f"The certificate in {folder} begins on {found.begins:%Y-%m-%d %H:%M} UTC, and this "
            "computer's clock is before that. Set the clock, then convert again."
        )
    if at > found.ends:
        raise RefusedError(
            f"The certificate in {folder} has expired on {found.ends:%Y-%m-%d}, so results cannot "
            "be signed. Put a new one there, or move the folder away to have an identity made."
        )
    return found


def anchors() -> str:
    """The PEM certificates that this user trusts: of the own identities, and those put beside them.

    Files that end in .pem in `identities/trusted` are anchors too, such as an organisation's.
    """
    folder = identities_folder()
    files = sorted([*folder.glob(f"*/{ANCHOR}"), *folder.glob("trusted/*.pem")])
    return "\n".join(_text(file) for file in files if file.is_file())


def _load(folder: Path) -> Signing:
    key_file = folder / KEY
    with read_errors(key_file):
        mode = stat.S_IMODE(key_file.stat().st_mode)
    if mode & 0o077:
        raise RefusedError(
            f"The key {key_file} may be read by others (mode {mode:04o}), so its signatures prove "
            f"nothing. Run: chmod 600 {key_file}"
        )
    key, chain = _text(key_file), _text(folder / CHAIN)
    try:
        certificate = x509.load_pem_x509_certificates(chain.encode())[0]
        private = serialization.load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError, IndexError) as error:
        raise SwapdeckError(
            f"The key or the certificate in {folder} cannot be used ({error}). Put them there "
            "again, or move the folder away to have a new identity made."
        ) from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or (
        private.public_key() != certificate.public_key()
    ):
        raise CommandError(
            f"The key in {folder} is not the one of the first certificate in {CHAIN}, or not ES256."
        )
    return Signing(
        key,
        chain,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        certificate.fingerprint(hashes.SHA256()).hex(),
    )


def _text(file: Path) -> str:
    with read_errors(file):
        return file.read_bytes()[:_LARGEST].decode("ascii", "replace")


def _make(folder: Path, name: str) -> None:
    """A new identity, complete or absent; of two that make one at once, the first wins."""
    with write_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate(
        f"swapdeck workspace {name} (authority)", authority_key, None, authority_key
    )
    leaf = _certificate(f"swapdeck workspace {name}", key, authority, authority_key)
    files = {
        CHAIN: _pem(leaf) + _pem(authority),
        ANCHOR: _pem(authority),
        KEY: key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    }
    try:
        with folder_replacing(folder, replace=False) as temporary:
            temporary.chmod(0o700)
            for file, data in files.items():
                descriptor = os.open(temporary / file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as writer:
                    writer.write(data)
    except CommandError:
        if not folder.is_dir():
            raise


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    """A certificate as C2PA 2.1 asks for (section 14.5.1); an authority when it has no issuer."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "swapdeck"),
            x509.NameAttribute(NameOID.COMMON_NAME, name[:64]),
        ]
    )
    begins = datetime.now(UTC) - timedelta(minutes=5)
    usage = dict.fromkeys(
        (
            *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("encipher_only", "decipher_only"),
        ),
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + VALID)
        .add_extension(
            x509.BasicConstraints(ca=issuer is None, path_length=0 if issuer is None else None),
            critical=True,
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=issuer is not None,
                key_cert_sign=issuer is None,
                crl_sign=issuer is None,
                **usage,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if issuer is not None:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
        )
    return builder.sign(issuer_key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
