"""An organisation's own certificate in the place of the workspace's, and the way back.

What an identity makes way for is kept beside it, under the identity's name and its fingerprint, and
stays trusted, so that results signed with it remain verifiable.
"""

import itertools
import re
import shutil
import stat
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from engine.credentials.certificates import key_pem, pem
from engine.credentials.identity import (
    CHAIN,
    ISSUER,
    KEY,
    Signing,
    existing,
    identity_folder,
    is_es256,
    load,
    new_identity,
    text,
    write_identity,
)
from projects.errors import CommandError, SwapdeckError
from projects.files import folder_replacing, read_errors, remove_tree
from projects.workspace import Workspace

_ASK: Final = "Ask whoever issues your certificates for one that content credentials accept."


def use(workspace: Workspace, key_file: Path, chain_file: Path) -> tuple[Signing, Path | None]:
    """Sign with an organisation's certificate from now on; where the earlier identity was put.

    key_file: a private key on P-256 without a password. chain_file: the signing certificate, then
    whoever issued it, up to a root that may be left out.

    Raises CommandError when they cannot be used, and SwapdeckError.
    """
    private = _private(key_file)
    certificates = _certificates(chain_file)
    _check(private, certificates, chain_file)
    files = {CHAIN: pem(*certificates), ISSUER: pem(certificates[1]), KEY: key_pem(private)}
    _try(files, chain_file)
    folder = identity_folder(workspace)
    if folder.is_dir() and _same(folder, certificates[0]):
        return load(folder), None
    aside = _keep_aside(folder)
    write_identity(folder, files, replace=True)
    return load(folder), aside


def own(workspace: Workspace, *, new: bool = False) -> tuple[Signing, Path | None]:
    """Sign with an identity of the workspace's own from now on; where the earlier one was put.

    The latest that was kept aside, unless its time is nearly over; otherwise a new one. With `new`
    always a new one. An own identity with time left stays.
    """
    folder = identity_folder(workspace)
    if not new:
        try:
            found = existing(workspace)
        except SwapdeckError:
            found = None
        if found is not None and found.own and not found.warning():
            return found, None
    earlier = None if new else _latest_own(workspace)
    files = new_identity() if earlier is None else _files(earlier)
    aside = _keep_aside(folder)
    write_identity(folder, files, replace=True)
    if earlier is not None:
        remove_tree(earlier)
    return load(folder), aside


def kept_aside(workspace: Workspace) -> list[Path]:
    """The folders of identities that made way for another."""
    folder = identity_folder(workspace)
    name = re.compile(rf"{folder.name}-([0-9a-f]{{16}}|damaged)(-\d+)?")
    return [found for found in sorted(folder.parent.glob("*")) if name.fullmatch(found.name)]


def _private(file: Path) -> ec.EllipticCurvePrivateKey:
    data = _given(file)
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        raise CommandError(
            f"The key {file} may be read by others (mode {mode:04o}). If nobody has, run: chmod "
            f"600 {file}. Otherwise get a new certificate."
        )
    try:
        key = serialization.load_pem_private_key(data.encode(), None)
    except TypeError as error:
        raise CommandError(
            f"The key {file} has a password, which nobody could type while a job runs. Write it "
            f"without: openssl pkcs8 -topk8 -nocrypt -in {file} -out KEY.pem"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CommandError(f"{file} is no private key in PEM. Name the key's file.") from error
    if not is_es256(key):
        raise CommandError(f"The key {file} is not an ECDSA key on P-256 (ES256). {_ASK}")
    return key


def _certificates(file: Path) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(_given(file).encode())
    except ValueError as error:
        raise CommandError(
            f"{file} holds no certificates in PEM. Name the file with the signing certificate and "
            "those of whoever issued it."
        ) from error
    if len(found) < 2:
        raise CommandError(
            f"{file} holds one certificate only. Add the one of whoever issued it, after it."
        )
    return found


def _given(file: Path) -> str:
    if not file.is_file():
        raise CommandError(f"There is no file {file}. Name a file in PEM.")
    return text(file)


def _check(
    key: ec.EllipticCurvePrivateKey, certificates: list[x509.Certificate], file: Path
) -> None:
    leaf = certificates[0]
    if leaf.public_key() != key.public_key():
        raise CommandError(
            f"The key is not the one of the first certificate in {file}. Name the key that belongs "
            "to it, or put the signing certificate first."
        )
    for lower, upper in itertools.pairwise(certificates):
        try:
            lower.verify_directly_issued_by(upper)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise CommandError(
                f"A certificate in {file} was not issued by the one after it. Put the signing "
                "certificate first, then whoever issued it, and so on."
            ) from error
    now = datetime.now(UTC)
    for one in certificates:
        if one.not_valid_after_utc < now:
            raise CommandError(
                f"A certificate in {file} has expired on {one.not_valid_after_utc:%Y-%m-%d}. Get a "
                "new one."
            )
        if one.not_valid_before_utc > now:
            raise CommandError(
                f"A certificate in {file} begins on {one.not_valid_before_utc:%Y-%m-%d %H:%M} UTC. "
                "Install it then, or set this computer's clock."
            )
    needs: tuple[tuple[Callable[[x509.Extensions], bool], str], ...] = (
        (_signs, "its key usage does not allow digital signatures"),
        (_protects_mail, "its extended key usage lacks emailProtection"),
        (_knows_issuer, "it lacks an authority key identifier"),
        (lambda found: not _is_authority(found), "it is an authority's"),
    )
    for meets, why in needs:
        try:
            met = meets(leaf.extensions)
        except (x509.ExtensionNotFound, ValueError):
            met = False
        if not met:
            raise CommandError(
                f"The first certificate in {file} cannot sign content credentials: {why}. {_ASK}"
            )


def _signs(found: x509.Extensions) -> bool:
    return found.get_extension_for_class(x509.KeyUsage).value.digital_signature


def _protects_mail(found: x509.Extensions) -> bool:
    usages = found.get_extension_for_class(x509.ExtendedKeyUsage).value
    return ExtendedKeyUsageOID.EMAIL_PROTECTION in usages


def _knows_issuer(found: x509.Extensions) -> bool:
    return bool(found.get_extension_for_class(x509.AuthorityKeyIdentifier))


def _is_authority(found: x509.Extensions) -> bool:
    try:
        return found.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _try(files: dict[str, bytes], chain_file: Path) -> None:
    """Sign a picture and read it: better now than after hours of conversion."""
    import c2pa

    from engine.credentials.manifest import Statement, sign
    from engine.media.pictures import save_png

    with tempfile.TemporaryDirectory(prefix="swapdeck-") as name:
        picture = Path(name, "try.png")
        save_png(picture, np.full((16, 16, 3), 128, np.uint8))
        write_identity(Path(name, "identity"), files, replace=False)
        try:
            identity = load(Path(name, "identity"))
            sign(picture, picture, picture, Statement("", 0, "00000000", ()), identity)
            anchor = {"user_anchors": files[ISSUER].decode()}
            trust = {"verify": {"verify_trust": True}, "trust": anchor}
            with (
                picture.open("rb") as stream,
                c2pa.Reader("image/png", stream, context=c2pa.Context.from_dict(trust)) as reader,
            ):
                sound = reader.get_validation_state() == "Trusted"
        except SwapdeckError as error:
            if not isinstance(error.__cause__, c2pa.C2paError):
                raise
            raise CommandError(
                f"The certificate in {chain_file} was refused when it was tried "
                f"({error.__cause__}). {_ASK}"
            ) from error
        if not sound:
            raise CommandError(
                f"What the certificate in {chain_file} signs is not believed when it is read. "
                f"{_ASK}"
            )


def _same(folder: Path, leaf: x509.Certificate) -> bool:
    try:
        return load(folder).chain.startswith(pem(leaf).decode())
    except SwapdeckError:
        return False


def _latest_own(workspace: Workspace) -> Path | None:
    latest: tuple[datetime, Path] | None = None
    for found in kept_aside(workspace):
        try:
            identity = load(found)
        except SwapdeckError:
            continue
        if identity.own and not identity.warning():
            latest = max(latest or (identity.ends, found), (identity.ends, found))
    return latest[1] if latest else None


def _files(folder: Path) -> dict[str, bytes]:
    with read_errors(folder):
        return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def _keep_aside(folder: Path) -> Path | None:
    """A copy, so that at no moment a workspace is without the identity it had."""
    if not folder.is_dir():
        return None
    try:
        name = f"{folder.name}-{load(folder).fingerprint[:16]}"
    except SwapdeckError:
        name = f"{folder.name}-damaged"
    aside, number = folder.with_name(name), 1
    while aside.exists():
        number += 1
        aside = folder.with_name(f"{name}-{number}")
    with folder_replacing(aside, replace=False) as temporary:
        shutil.copytree(folder, temporary, dirs_exist_ok=True)
    return aside
