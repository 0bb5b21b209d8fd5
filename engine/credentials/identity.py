"""Who signs: a key and a certificate for each workspace, kept in the user's own configuration.

A workspace's identity is made when it is first needed: a certificate authority that signs one
certificate and is then thrown away, so that only its public half, the anchor, remains. Keys are
ECDSA on P-256 (ES256 in C2PA). The files lie outside of the workspace, which may be shared. An
organisation's certificate can take its place, see `organisation`.
"""

import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeGuard

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.credentials.certificates import certificate, key_pem, pem
from projects.errors import CommandError, RefusedError, SwapdeckError
from projects.files import folder_replacing, put_back, read_errors, write_errors
from projects.workspace import Workspace

VALID: Final = timedelta(days=3650)
WARN_BEFORE: Final = timedelta(days=60)
KEY, CHAIN, ANCHOR, ISSUER = "key.pem", "chain.pem", "anchor.pem", "issuer.pem"
"""ANCHOR is of an identity of our own, ISSUER of an organisation's; both are trusted here."""
LARGEST: Final = 1 << 20
"""Bytes of a PEM file."""


@dataclass(frozen=True)
class Signing:
    """A key with its certificates, as PEM text; the chain has the signing certificate first."""

    key: str
    chain: str
    begins: datetime
    ends: datetime
    fingerprint: str
    """SHA-256 of the signing certificate, lower-case hex."""
    name: str
    """Whom the certificate names."""
    issuer: str
    own: bool
    """Made by this program, not an organisation's."""

    def warning(self, at: datetime | None = None) -> str:
        """What to say of a certificate that ends soon or has ended; "" when it does not."""
        at = at or datetime.now(UTC)
        if self.ends - at > WARN_BEFORE:
            return ""
        has = "has ended" if self.ends < at else "ends"
        return f"The certificate that signs results {has} on {self.ends:%Y-%m-%d}. {self.mend}"

    @property
    def mend(self) -> str:
        """How to get a certificate with more time."""
        if self.own:
            return "Have a new one made with: swapdeck identity own"
        return (
            "Get a new one and install it with: swapdeck identity use --key KEY.pem --chain "
            "CHAIN.pem"
        )

    def problem(self, at: datetime | None = None) -> str:
        """Why nothing can be signed with it at `at` (default: now); "" when something can."""
        at = at or datetime.now(UTC)
        if at < self.begins:
            return (
                f"The certificate that signs results begins on {self.begins:%Y-%m-%d %H:%M} UTC, "
                "and this computer's clock is before that. Set the clock, then convert again."
            )
        if at > self.ends:
            return (
                f"The certificate that signs results has expired on {self.ends:%Y-%m-%d}, so "
                f"results cannot be signed. {self.mend}"
            )
        return ""

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

    Raises:
        RefusedError: the certificate is not valid now, or its key may be read by others.
        SwapdeckError: the folder cannot be written, or what it holds cannot be used.
    """
    found = existing(workspace)
    if found is None:
        folder = identity_folder(workspace)
        write_identity(folder, new_identity(), replace=False)
        found = load(folder)
    problem = found.problem(at)
    if problem:
        raise RefusedError(problem)
    return found


def existing(workspace: Workspace) -> Signing | None:
    """The workspace's identity, None when there is none yet; its time may be over.

    Raises RefusedError and SwapdeckError as `signing`.
    """
    folder = identity_folder(workspace)
    with read_errors(folder):
        put_back(folder)
    return load(folder) if folder.is_dir() else None


def anchors() -> str:
    """The PEM certificates that this user trusts: of the own identities, and those put beside them.

    Files that end in .pem in `identities/trusted` are anchors too, such as an organisation's.
    """
    folder = identities_folder()
    patterns = (f"*/{ANCHOR}", f"*/{ISSUER}", "trusted/*.pem")
    files = sorted(file for pattern in patterns for file in folder.glob(pattern))
    return "\n".join(text(file) for file in files if file.is_file())


def load(folder: Path) -> Signing:
    """The identity in a folder, whatever the clock says; raises as `signing`."""
    key_file = folder / KEY
    with read_errors(key_file):
        mode = stat.S_IMODE(key_file.stat().st_mode)
    if mode & 0o077:
        raise RefusedError(
            f"The key {key_file} may be read by others (mode {mode:04o}), so its signatures prove "
            f"nothing. Run: chmod 600 {key_file}"
        )
    key, chain = text(key_file), text(folder / CHAIN)
    try:
        certificates = x509.load_pem_x509_certificates(chain.encode())
        leaf = certificates[0]
        private = serialization.load_pem_private_key(key.encode(), None)
        name, issuer = (_name(subject) for subject in (leaf.subject, leaf.issuer))
    except (ValueError, TypeError, IndexError) as error:
        raise SwapdeckError(
            f"The key or the certificate in {folder} cannot be used ({error}). Put them there "
            "again, or have a new identity made with: swapdeck identity own"
        ) from error
    if not is_es256(private) or private.public_key() != leaf.public_key():
        raise CommandError(
            f"The key in {folder} is not the one of the first certificate in {CHAIN}, or not "
            "ES256. Put the right one there, or have a new identity made with: swapdeck identity "
            "own"
        )
    anchor = folder / ANCHOR
    return Signing(
        key,
        chain,
        leaf.not_valid_before_utc,
        leaf.not_valid_after_utc,
        leaf.fingerprint(hashes.SHA256()).hex(),
        name,
        issuer,
        own=anchor.is_file() and text(anchor).encode() == pem(*certificates[1:]),
    )


def is_es256(key: object) -> TypeGuard[ec.EllipticCurvePrivateKey]:
    """Whether a private key is one on P-256."""
    return isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)


def text(file: Path) -> str:
    """A PEM file's text; what is not ASCII cannot be PEM, and is left to whoever parses it."""
    with read_errors(file), file.open("rb") as reader:
        return reader.read(LARGEST).decode("ascii", "replace")


def new_identity() -> dict[str, bytes]:
    """The files of a new identity. It is named by chance: a workspace's name may be a person's."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    name = f"swapdeck workspace {secrets.token_hex(4)}"
    authority = certificate(f"{name} (authority)", authority_key, None, authority_key, VALID)
    leaf = certificate(name, key, authority, authority_key, VALID)
    return {CHAIN: pem(leaf, authority), ANCHOR: pem(authority), KEY: key_pem(key)}


def write_identity(folder: Path, files: dict[str, bytes], *, replace: bool) -> None:
    """Put an identity there, complete or not at all.

    Without `replace` an identity that is there already wins: of two that make one, the first.
    """
    with write_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with folder_replacing(folder, replace=replace) as temporary:
            temporary.chmod(0o700)
            for file, data in files.items():
                descriptor = os.open(temporary / file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as writer:
                    writer.write(data)
    except CommandError:
        if replace or not folder.is_dir():
            raise


def _name(subject: x509.Name) -> str:
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else subject.rfc4514_string()
