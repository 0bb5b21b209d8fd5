"""Whose certificate signs: the workspace's own, an organisation's, and the change between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from engine.credentials import identity, organisation
from engine.credentials.identity import existing, identity_folder, signing
from engine.credentials.manifest import Statement, sign
from engine.credentials.verify import verify
from projects.errors import CommandError
from projects.workspace import open_workspace

NOW = datetime.now(UTC)
MAIL = (ExtendedKeyUsageOID.EMAIL_PROTECTION,)


@dataclass
class Chain:
    """A root, an authority below it and a signing certificate, as a company's own office makes
    them; written on demand, with whatever is wrong about them."""

    folder: Path
    curve: ec.EllipticCurve = field(default_factory=ec.SECP256R1)
    usages: Sequence[x509.ObjectIdentifier] = MAIL
    signs: bool = True
    begins: datetime = NOW - timedelta(days=1)
    ends: datetime = NOW + timedelta(days=400)
    mode: int = 0o600
    password: bytes | None = None

    def __post_init__(self) -> None:
        self.key = self.folder / "their-key.pem"
        self.chain = self.folder / "their-chain.pem"
        root_key, authority_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        key = ec.generate_private_key(self.curve)
        root = self._certificate("Northbound Root", root_key, None, root_key)
        self.authority = self._certificate("Northbound Office", authority_key, root, root_key)
        self.leaf = self._certificate("Northbound Films", key, self.authority, authority_key, True)
        self.write_chain(self.leaf, self.authority, root)
        hidden: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if self.password:
            hidden = serialization.BestAvailableEncryption(self.password)
        form = serialization.PrivateFormat.PKCS8
        self.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, hidden))
        self.key.chmod(self.mode)

    def write_chain(self, *certificates: x509.Certificate) -> None:
        pem = (one.public_bytes(serialization.Encoding.PEM) for one in certificates)
        self.chain.write_bytes(b"".join(pem))

    def _certificate(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        issuer: x509.Certificate | None,
        issuer_key: ec.EllipticCurvePrivateKey,
        leaf: bool = False,
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Northbound"), *subject])
        rest = dict.fromkeys(
            ("key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
        )
        usage = x509.KeyUsage(
            digital_signature=leaf and self.signs,
            content_commitment=leaf and not self.signs,
            key_cert_sign=not leaf,
            crl_sign=not leaf,
            decipher_only=False,
            **rest,
        )
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.begins if leaf else NOW - timedelta(days=900))
            .not_valid_after(self.ends if leaf else NOW + timedelta(days=900))
            .add_extension(x509.BasicConstraints(ca=not leaf, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(above, critical=False)
        )
        if leaf and self.usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(self.usages), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())


@pytest.fixture
def chain(tmp_path: Path) -> Callable[..., Chain]:
    return lambda **changes: Chain(tmp_path, **changes)


@pytest.fixture
def picture(tmp_path: Path, workspace: Any, statement: Statement) -> Callable[[str], Path]:
    """Signs a picture with the workspace's identity."""

    def signed(name: str) -> Path:
        file = tmp_path / f"{name}.png"
        cv2.imwrite(str(file), np.full((16, 16, 3), 90, np.uint8))
        sign(file, file, file, statement, signing(workspace))
        return file

    return signed


def test_a_certificate_does_not_tell_the_workspaces_name(tmp_path):
    found = signing(open_workspace(tmp_path / "jane doe divorce", create=True))
    for certificate in x509.load_pem_x509_certificates(found.chain.encode()):
        text = f"{certificate.subject.rfc4514_string()} {certificate.issuer.rfc4514_string()}"
        assert "jane" not in text.casefold()
    assert found.name.startswith("swapdeck workspace ")


def test_an_organisations_certificate_signs_and_is_trusted_here(workspace, chain, picture):
    before = picture("before")
    first = signing(workspace)
    theirs = chain()
    found, aside = organisation.use(workspace, theirs.key, theirs.chain)
    assert (found.own, found.name, found.issuer) == (False, "Northbound Films", "Northbound Office")
    assert signing(workspace) == found != first
    assert aside is not None and identity.load(aside) == first
    assert (identity_folder(workspace) / identity.KEY).stat().st_mode & 0o777 == 0o600
    after = verify(picture("after"))
    assert (after.credentials, after.signer) == ("trusted", "Northbound Films")
    assert verify(before).credentials == "trusted"


def test_the_way_back_is_to_the_identity_that_was(workspace, chain):
    first = signing(workspace)
    theirs = chain()
    organisation.use(workspace, theirs.key, theirs.chain)
    found, aside = organisation.own(workspace)
    assert found == first
    assert aside is not None and not identity.load(aside).own
    assert organisation.kept_aside(workspace) == [aside]
    assert organisation.own(workspace) == (first, None)


def test_the_same_certificate_again_changes_nothing(workspace, chain):
    theirs = chain()
    found, aside = organisation.use(workspace, theirs.key, theirs.chain)
    assert aside is None
    assert organisation.use(workspace, theirs.key, theirs.chain) == (found, None)
    assert organisation.kept_aside(workspace) == []


def test_an_own_identity_that_ends_soon_is_followed_by_a_new_one(workspace, monkeypatch):
    monkeypatch.setattr(identity, "VALID", timedelta(days=30))
    old = signing(workspace)
    assert "swapdeck identity own" in old.warning()
    monkeypatch.setattr(identity, "VALID", timedelta(days=3650))
    new, aside = organisation.own(workspace)
    assert new.fingerprint != old.fingerprint
    assert new.warning() == ""
    assert aside is not None and identity.load(aside) == old


def test_a_new_identity_can_be_asked_for(workspace):
    old = signing(workspace)
    new, _ = organisation.own(workspace, new=True)
    assert new.own and new.fingerprint != old.fingerprint


def test_an_identity_that_cannot_be_read_is_kept_aside_too(workspace):
    signing(workspace)
    (identity_folder(workspace) / identity.CHAIN).write_text("no chain")
    found, aside = organisation.own(workspace)
    assert found.own
    assert aside is not None and (aside / identity.CHAIN).read_text() == "no chain"


def test_an_organisations_certificate_that_ends_soon_is_warned_of(workspace, chain):
    theirs = chain(ends=NOW + timedelta(days=20))
    found, _ = organisation.use(workspace, theirs.key, theirs.chain)
    assert "swapdeck identity use" in found.warning()
    assert found.problem() == ""
    assert "has expired" in found.problem(NOW + timedelta(days=21))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"begins": NOW - timedelta(days=9), "ends": NOW - timedelta(days=2)}, "has expired on"),
        ({"begins": NOW + timedelta(days=2)}, "begins on"),
        ({"usages": (ExtendedKeyUsageOID.SERVER_AUTH,)}, "emailProtection"),
        ({"usages": ()}, "emailProtection"),
        ({"signs": False}, "does not allow digital signatures"),
        ({"curve": ec.SECP384R1()}, "not an ECDSA key on P-256"),
        ({"mode": 0o640}, "chmod 600"),
        ({"password": b"secret"}, "openssl pkcs8 -topk8 -nocrypt"),
    ],
)
def test_what_cannot_sign_is_refused_and_nothing_changes(workspace, chain, changes, sentence):
    first = signing(workspace)
    theirs = chain(**changes)
    with pytest.raises(CommandError, match=sentence):
        organisation.use(workspace, theirs.key, theirs.chain)
    assert signing(workspace) == first
    assert organisation.kept_aside(workspace) == []


def test_chains_that_are_none_are_refused(workspace, chain):
    theirs = chain()
    cases = {
        "one certificate only": (theirs.leaf,),
        "not issued by the one after it": (theirs.leaf, theirs.leaf),
        "not the one of the first": (theirs.authority, theirs.leaf),
    }
    for sentence, certificates in cases.items():
        theirs.write_chain(*certificates)
        with pytest.raises(CommandError, match=sentence):
            organisation.use(workspace, theirs.key, theirs.chain)
    assert existing(workspace) is None


def test_a_key_of_another_certificate_is_refused(workspace, chain, tmp_path):
    theirs = chain()
    (tmp_path / "other").mkdir()
    other = Chain(tmp_path / "other")
    with pytest.raises(CommandError, match="The key is not the one"):
        organisation.use(workspace, other.key, theirs.chain)


@pytest.mark.parametrize("garbage", [b"", b"no key", b"\xff\0" * 4000, b"-----BEGIN "])
def test_garbage_is_a_sentence(workspace, chain, garbage):
    theirs = chain()
    good = theirs.key.read_bytes()
    theirs.key.write_bytes(garbage)
    with pytest.raises(CommandError, match="no private key"):
        organisation.use(workspace, theirs.key, theirs.chain)
    theirs.key.write_bytes(good)
    theirs.chain.write_bytes(garbage)
    with pytest.raises(CommandError, match="no certificates"):
        organisation.use(workspace, theirs.key, theirs.chain)


def test_the_verb_shows_installs_and_goes_back(swapdeck, chain):
    swapdeck("person", "add", "Ada", "--basis", "self")
    [none] = swapdeck("identity")
    assert none["kind"] == "none" and not Path(none["folder"]).exists()
    [made] = swapdeck("identity", "own")
    assert made["kind"] == "own" and made["aside"] is None
    theirs = chain()
    [used] = swapdeck("identity", "use", "--key", theirs.key, "--chain", theirs.chain)
    assert (used["kind"], used["name"]) == ("organisation", "Northbound Films")
    [shown] = swapdeck("identity")
    assert shown["fingerprint"] == theirs.leaf.fingerprint(hashes.SHA256()).hex()
    assert shown["kept_aside"] == [used["aside"]]
    [back] = swapdeck("identity", "own")
    assert back["fingerprint"] == made["fingerprint"]
    theirs.key.chmod(0o644)
    sentence = swapdeck.error(
        "identity", "use", "--key", theirs.key, "--chain", theirs.chain, code=2
    )
    assert "chmod 600" in sentence
