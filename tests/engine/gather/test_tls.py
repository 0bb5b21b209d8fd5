"""https: who the server is, and servers that drip."""

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from engine.gather.intake import GatherError
from engine.gather.run import Request, gather
from engine.gather.settings import GatherSettings
from engine.reporting import NullReporter
from projects.people import Person
from tests.engine.gather.conftest import Handler, Server, jpeg, serving


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody vouches for, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[Server]:
    with serving("127.0.0.1") as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield server


def link_to(server: Server, path: str) -> Request:
    return Request(links=(server.url(path).replace("http:", "https:"),))


def test_a_server_that_nobody_vouches_for_is_refused(
    ada: Person, settings: GatherSettings, secure: Server
) -> None:
    with pytest.raises(GatherError, match=r"could not prove who it is"):
        gather(ada, link_to(secure, "/a.jpg"), settings, NullReporter())
    assert secure.seen == []


def test_an_authority_of_ones_own_is_heeded(
    ada: Person,
    settings: GatherSettings,
    secure: Server,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    secure.answers["/a.jpg"] = lambda handler: handler.reply(200, jpeg(1), "image/jpeg")
    assert len(gather(ada, link_to(secure, "/a.jpg"), settings, NullReporter()).added) == 1


def test_headers_that_drip_are_hung_up_on_through_tls(
    ada: Person,
    settings: GatherSettings,
    secure: Server,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def drip(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not secure.ending.wait(0.02):
            handler.wfile.write(b"X")

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    secure.answers["/drip.jpg"] = drip
    hasty = replace(settings, timeout=0.3, retries=0)
    with pytest.raises(GatherError, match="does not answer"):
        gather(ada, link_to(secure, "/drip.jpg"), hasty, NullReporter())
