"""What the states of credentials mean, and when a file is connected with the ledger."""

import shutil

import av
import cv2
import numpy as np
import pytest

from engine.credentials.identity import identities_folder, signing
from engine.credentials.manifest import sign
from engine.credentials.verify import EXIT_CODES, judged, verify
from engine.credentials.watermark import Watermark
from engine.media import open_frames
from projects import ledger
from projects.files import sha256_file
from projects.workspace import open_workspace
from tests.engine.credentials.conftest import SCENE
from tests.engine.credentials.dated import FUTURE, PAST, TODAY, issue, sign_dated

UNTRUSTED, EXPIRED = "signingCredential.untrusted", "signingCredential.expired"


@pytest.fixture
def photograph(tmp_path):
    path = tmp_path / "photograph.jpg"
    picture = np.random.default_rng(0).integers(0, 255, (80, 80, 3), dtype=np.uint8)
    cv2.imwrite(str(path), picture)
    return path


@pytest.fixture
def root():
    root = issue("root", authority=True, dates=(PAST[0], TODAY[1]))
    folder = identities_folder() / "trusted"
    folder.mkdir(parents=True)
    (folder / "root.pem").write_text(root.pem)
    return root


@pytest.mark.parametrize(("dates", "state"), [(TODAY, "trusted"), (PAST, "expired")])
def test_an_expired_certificate_is_not_mistaken_for_tampering(photograph, root, dates, state):
    sign_dated(photograph, root, dates)
    verdict = verify(photograph)
    assert verdict.credentials == state
    assert verdict.problems == ()


def test_a_clock_that_was_set_back_is_told_from_tampering(photograph, root):
    sign_dated(photograph, root, FUTURE)
    verdict = verify(photograph)
    assert verdict.credentials == "expired"
    assert verdict.exit_code == 6
    assert "clock" in verdict.sentences()[0]


def test_tampering_shows_after_the_certificate_has_expired_too(photograph, root):
    sign_dated(photograph, root, PAST)
    data = bytearray(photograph.read_bytes())
    data[-100] ^= 1
    photograph.write_bytes(data)
    assert verify(photograph).credentials == "tampered"


@pytest.mark.parametrize(
    ("validity", "codes", "state"),
    [
        ("Trusted", [], "trusted"),
        ("Valid", [], "unknown"),
        ("Valid", [UNTRUSTED], "unknown"),
        ("Invalid", [EXPIRED], "expired"),
        ("Invalid", [UNTRUSTED, EXPIRED], "expired"),
        ("Invalid", [], "tampered"),
        ("None", [], "tampered"),
        ("Invalid", [UNTRUSTED], "tampered"),
        ("Invalid", [EXPIRED, "assertion.dataHash.mismatch"], "tampered"),
        ("Trusted", ["assertion.dataHash.mismatch"], "tampered"),
    ],
)
def test_what_is_not_known_to_be_sound_is_tampered(validity, codes, state):
    assert judged(validity, codes) == state


def test_every_state_has_an_exit_code_of_its_own():
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES)
    assert not {2, 3} & set(EXIT_CODES.values())  # the command line's own


def test_an_identifier_in_a_strangers_credentials_is_not_believed(
    photograph, tmp_path, workspace, statement, monkeypatch
):
    recorded(workspace, statement.identifier)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "stranger"))
    theirs = signing(open_workspace(tmp_path / "theirs", create=True))
    sign(photograph, photograph, photograph, statement, theirs)
    assert verify(photograph, workspace).same_file is False  # the stranger believes it
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    verdict = verify(photograph, workspace)
    assert verdict.credentials == "unknown"
    assert verdict.says["identifier"] == statement.identifier
    assert verdict.entry is None and verdict.same_file is None


def test_an_identifier_in_trusted_credentials_leads_to_its_result(photograph, workspace, statement):
    recorded(workspace, statement.identifier)
    sign(photograph, photograph, photograph, statement, signing(workspace))
    verdict = verify(photograph, workspace)
    assert verdict.entry is not None and verdict.same_file is False


def test_a_file_that_was_encoded_again_is_another_of_the_same_result(tmp_path, workspace):
    result, again = tmp_path / "result.mp4", tmp_path / "again.mp4"
    encode(SCENE, result, 18, Watermark("0badcafe"))
    recorded(workspace, "0badcafe", sha256=sha256_file(result))
    encode(result, again, 23)
    here, there = verify(result, workspace), verify(again, workspace)
    assert here.entry == there.entry is not None
    assert (here.same_file, there.same_file) == (True, False)
    assert here.as_dict()["same_file"] is True
    assert any("another file of the same result" in line for line in there.sentences())


def test_a_copy_under_another_name_is_the_very_file(photograph, tmp_path, workspace):
    recorded(workspace, "0badcafe", sha256=sha256_file(photograph))
    copy = shutil.copy(photograph, tmp_path / "copy.jpg")
    assert verify(tmp_path / copy, workspace).same_file is True


def recorded(workspace, identifier, sha256=None):
    ledger.append(workspace, "output", file="x", watermark=identifier, sha256=sha256, people=[])


def encode(source, output, crf, mark=None):
    """The first frames of a video, encoded again."""
    options = {"crf": str(crf), "preset": "veryfast"}
    with open_frames(source) as reader, av.open(str(output), "w") as target:
        stream = None
        for frame, _ in zip(reader, range(24), strict=False):
            image = frame.image if mark is None else mark.apply(frame.image)
            if stream is None:
                stream = target.add_stream("libx264", 25, options=options)
                stream.height, stream.width = image.shape[:2]
                stream.pix_fmt = "yuv420p"
            target.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        target.mux(stream.encode(None))
