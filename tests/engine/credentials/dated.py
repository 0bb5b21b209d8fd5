"""Signers whose certificates are not, or no longer, valid: c2pa itself refuses to sign with them.

The picture is signed with a certificate of today; its place, in the signed bytes and in the file,
is taken by one of the same key and length with other dates. What comes out is byte for byte what a
signer would have left who signed while that certificate was valid.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from engine.credentials.certificates import key_pem, pem
from engine.credentials.identity import Signing
from engine.credentials.manifest import FORMATS, SYNTHETIC

TODAY = datetime(2026, 1, 1, tzinfo=UTC), datetime(2046, 1, 1, tzinfo=UTC)
PAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)
FUTURE = datetime(2045, 1, 1, tzinfo=UTC), datetime(2046, 1, 1, tzinfo=UTC)
Dates = tuple[datetime, datetime]


@dataclass(frozen=True)
class Holder:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> str:
        return pem(self.certificate).decode()


def issue(
    name: str,
    issuer: Holder | None = None,
    *,
    authority: bool = False,
    dates: Dates = TODAY,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Holder:
    """A certificate of `issuer`, or of its own."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    signing_key = issuer.key if issuer else key
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tests"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    others = (
        *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        *("encipher_only", "decipher_only"),
    )
    usage = x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        **dict.fromkeys(others, False),
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(0x4000000000000000 + int.from_bytes(name.encode()[:6]))
        .not_valid_before(dates[0])
        .not_valid_after(dates[1])
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()),
            critical=False,
        )
    )
    if not authority:
        mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(mail, critical=False)
    return Holder(builder.sign(signing_key, hashes.SHA256()), key)


def signer(leaf: Holder, above: Iterable[Holder] = ()) -> Signing:
    """What signs with this certificate and those above it."""
    one = leaf.certificate
    return Signing(
        key_pem(leaf.key).decode(),
        "".join(holder.pem for holder in (leaf, *above)),
        one.not_valid_before_utc,
        one.not_valid_after_utc,
        one.fingerprint(hashes.SHA256()).hex(),
        "leaf",
        "issuer",
        own=False,
    )


def sign_dated(file: Path, root: Holder, dates: Dates) -> None:
    """Sign a picture with a certificate of `root` that is valid at these dates."""
    import c2pa

    now = datetime.now(UTC).replace(microsecond=0)
    today = issue("leaf", root, dates=(now - timedelta(days=1), now + timedelta(days=9)))
    dated = issue("leaf", root, dates=dates, key=today.key)
    while len(dated.der) != len(today.der):  # a signature in DER has 70 to 72 bytes
        dated = issue("leaf", root, dates=dates, key=today.key)

    def signed(data: bytes) -> bytes:
        assert today.der in data
        signature = today.key.sign(data.replace(today.der, dated.der), ec.ECDSA(hashes.SHA256()))
        return b"".join(part.to_bytes(32) for part in decode_dss_signature(signature))

    action = {"action": "c2pa.created", "digitalSourceType": SYNTHETIC}
    manifest = {
        "claim_generator_info": [{"name": "tests"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }
    settings = {
        "verify": {"verify_after_sign": False},
        "builder": {"thumbnail": {"enabled": False}},
    }
    written = io.BytesIO()
    with (
        c2pa.Signer.from_callback(
            signed, c2pa.C2paSigningAlg.ES256, today.pem + root.pem, None
        ) as callback,
        c2pa.Builder(manifest, context=c2pa.Context.from_dict(settings)) as builder,
        file.open("rb") as reader,
    ):
        builder.sign(callback, FORMATS[file.suffix], reader, written)
    assert written.getvalue().count(today.der) == 1
    file.write_bytes(written.getvalue().replace(today.der, dated.der))
