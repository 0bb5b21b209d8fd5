"""Footage that is not what it seems must neither be asked about elsewhere nor stop the signing."""

import contextlib
import io
import json
import resource
import shutil
import socket

import av
import c2pa
import cv2
import numpy as np
import pytest

from engine.credentials.identity import signing
from engine.credentials.manifest import sidecar, sign
from engine.credentials.verify import verify
from projects.errors import SwapdeckError
from tests.engine.credentials.conftest import SCENE


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)


@pytest.fixture
def result(tmp_path, picture):
    path = tmp_path / "result.png"
    cv2.imwrite(str(path), 255 - picture)
    return path


def manifest_of(file, kind="image/png"):
    with c2pa.Reader(kind, io.BytesIO(file.read_bytes())) as reader:
        return reader.get_active_manifest(), json.loads(reader.json())


def actions_of(manifest):
    (found,) = [a for a in manifest["assertions"] if a["label"].startswith("c2pa.actions")]
    return [action["action"] for action in found["data"]["actions"]]


def said_by(manifest):
    (found,) = [a for a in manifest["assertions"] if a["label"] == "app.swapdeck.swap"]
    return found["data"]


def test_an_address_in_the_footage_is_not_asked(tmp_path, picture, result, workspace, statement):
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = tmp_path / "source.jpg"
        cv2.imwrite(str(source), picture)
        naming(source, f"http://127.0.0.1:{server.getsockname()[1]}/manifest.c2pa")
        sign(result, result, source, statement, signing(workspace))
        assert verify(result).credentials == "trusted"
        verify(source)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def naming(jpeg, address):
    """Says in the picture's XMP that its credentials are at an address."""
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{address}"/></rdf:RDF>'
        "</x:xmpmeta>"
    )
    payload = b"http://ns.adobe.com/xap/1.0/\0" + xmp.encode()
    data = jpeg.read_bytes()
    segment = b"\xff\xe1" + (len(payload) + 2).to_bytes(2) + payload
    jpeg.write_bytes(data[:2] + segment + data[2:])


def test_the_face_that_was_there_before_is_not_kept_as_a_thumbnail(
    tmp_path, picture, result, workspace, statement
):
    source = tmp_path / "source.jpg"
    cv2.imwrite(str(source), picture)
    sign(result, result, source, statement, signing(workspace))
    manifest, store = manifest_of(result)
    assert actions_of(manifest) == ["c2pa.opened", "c2pa.edited"]
    assert manifest["ingredients"][0]["relationship"] == "parentOf"
    assert "thumbnail" not in json.dumps(store)
    data = result.read_bytes()
    assert b"c2pa.thumbnail" not in data
    assert b"\xff\xd8\xff" not in data  # no JPEG in it
    assert data.count(b"\x89PNG\r\n\x1a\n") == 1


def test_a_picture_under_another_formats_name_is_an_ingredient(
    tmp_path, picture, result, workspace, statement
):
    png, source = tmp_path / "really.png", tmp_path / "source.jpg"
    cv2.imwrite(str(png), picture)
    shutil.move(png, source)
    sign(result, result, source, statement, signing(workspace))
    manifest, _ = manifest_of(result)
    assert actions_of(manifest) == ["c2pa.opened", "c2pa.edited"]
    assert manifest["ingredients"][0]["format"] == "image/png"
    assert verify(result).credentials == "trusted"


def test_matroska_under_the_name_of_mp4_is_stated_by_its_hash(tmp_path, workspace, statement):
    source, file = tmp_path / "source.mp4", tmp_path / "result.mp4"
    with av.open(str(SCENE)) as old, av.open(str(source), "w", format="matroska") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(old.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    shutil.copy(SCENE, file)
    sign(file, file, source, statement, signing(workspace))
    manifest, _ = manifest_of(file, "video/mp4")
    assert actions_of(manifest) == ["c2pa.created", "c2pa.edited"]
    assert len(said_by(manifest)["source_sha256"]) == 64
    assert verify(source).credentials == "missing"


@pytest.mark.parametrize("head", [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"\0\0\0\x18ftypisom"])
def test_footage_that_only_begins_well_does_not_stop_the_signing(
    tmp_path, result, workspace, statement, head
):
    source = tmp_path / "source.jpg"
    source.write_bytes(head + bytes(400))
    sign(result, result, source, statement, signing(workspace))
    assert verify(result).credentials == "trusted"
    assert len(said_by(manifest_of(result)[0])["source_sha256"]) == 64


def test_footage_whose_own_credentials_are_broken_does_not_stop_the_signing(
    tmp_path, picture, result, workspace, statement
):
    source = tmp_path / "source.png"
    cv2.imwrite(str(source), picture)
    sign(source, source, source, statement, signing(workspace))
    data = bytearray(source.read_bytes())
    data[-2000] ^= 1
    source.write_bytes(data)
    assert verify(source).credentials == "tampered"
    sign(result, result, source, statement, signing(workspace))
    assert verify(result).credentials == "trusted"


@pytest.mark.parametrize("suffix", [".png", ".mkv"])
def test_no_room_for_the_signed_file_is_a_sentence_about_the_room(
    tmp_path, result, workspace, statement, suffix
):
    name, identity = tmp_path / f"final{suffix}", signing(workspace)
    before = result.read_bytes()
    with at_most(300), pytest.raises(SwapdeckError, match="larger than the disk or a limit"):
        sign(result, name, result, statement, identity)
    assert result.read_bytes() == before
    assert not sidecar(name).exists()
    assert not list(tmp_path.glob("*-signed*"))


@contextlib.contextmanager
def at_most(size):
    """Files written in this process end at `size` bytes, as on a disk that fills up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
