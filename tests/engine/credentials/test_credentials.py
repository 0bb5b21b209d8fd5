"""Credentials: what a finished file says, and what is noticed of every change to it."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from engine.credentials.identity import (
    ANCHOR,
    CHAIN,
    KEY,
    anchors,
    identities_folder,
    identity_folder,
    signing,
)
from engine.credentials.manifest import sidecar, sign
from engine.credentials.verify import verify
from engine.media import open_frames
from engine.media.pictures import save_png
from projects import ledger
from projects.errors import CommandError, RefusedError, SwapdeckError
from projects.workspace import open_workspace


def test_an_untouched_result_is_trusted_and_says_that_it_is_synthetic(signed, workspace):
    verdict = verify(signed.file, workspace)
    assert verdict.credentials == "trusted"
    assert verdict.exit_code == 0
    assert verdict.synthetic
    assert verdict.says["swap"] == "ada-as-ben"
    assert verdict.says["people"][1]["consent"] == "self"
    assert verdict.problems == ()


def test_the_pictures_and_the_sound_are_as_they_were(signed):
    for kind in ("video", "audio"):
        packets = []
        for path in (signed.file, signed.source):
            with av.open(str(path)) as container:
                stream = container.streams.get({kind: 0})[0]
                packets.append([(p.pts, bytes(p)) for p in container.demux(stream) if p.size])
        assert packets[0] == packets[1]


@pytest.mark.parametrize("place", [0.02, 0.3, 0.6, 0.97])
def test_one_changed_bit_is_noticed(signed, place):
    data = bytearray(signed.file.read_bytes())
    data[int(len(data) * place)] ^= 1
    signed.file.write_bytes(data)
    assert verify(signed.file).credentials != "trusted"


@pytest.mark.parametrize("change", [lambda d: d[:-100], lambda d: d + b"\0" * 100])
def test_a_cut_or_longer_file_is_noticed(signed, change):
    signed.file.write_bytes(change(signed.file.read_bytes()))
    assert verify(signed.file).credentials == "tampered"


def test_a_remuxed_file_has_lost_its_credentials(signed, tmp_path):
    remuxed = tmp_path / "remuxed.mp4"
    with av.open(str(signed.file)) as old, av.open(str(remuxed), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(old.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    verdict = verify(remuxed)
    assert verdict.credentials == "missing"
    assert verdict.exit_code == 5


def test_somebody_elses_signature_is_valid_but_unknown(signed, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another user"))
    verdict = verify(signed.file)
    assert verdict.credentials == "unknown"
    assert verdict.exit_code == 4
    anchor = tmp_path / "another user" / "swapdeck" / "identities" / "trusted" / "ada.pem"
    anchor.parent.mkdir(parents=True)
    [theirs] = (tmp_path / "config" / "swapdeck" / "identities").glob(f"*/{ANCHOR}")
    shutil.copy(theirs, anchor)
    assert verify(signed.file).credentials == "trusted"


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_pictures_carry_credentials_too(tmp_path, workspace, statement, suffix):
    picture = np.random.default_rng(0).integers(0, 255, (80, 80, 3), dtype=np.uint8)
    original, file = tmp_path / f"original{suffix}", tmp_path / f"result{suffix}"
    for path in (original, file):
        cv2.imwrite(str(path), picture)
    sign(file, file, original, statement, signing(workspace))
    assert verify(file).credentials == "trusted"
    assert verify(original).credentials == "missing"


def test_a_container_without_room_has_its_credentials_beside_it(tmp_path, workspace, statement):
    source, file = tmp_path / "source.bmp", tmp_path / "result.bmp"
    for path, shade in ((source, 10), (file, 20)):
        cv2.imwrite(str(path), np.full((80, 80, 3), shade, np.uint8))
    sign(file, file, source, statement, signing(workspace))
    assert verify(file).credentials == "trusted"
    document = json.loads(sidecar(file).read_text())
    document["said"]["synthetic"] = False
    sidecar(file).write_text(json.dumps(document))
    assert verify(file).credentials == "tampered"


def test_a_sidecar_does_not_fit_another_file(tmp_path, workspace, statement):
    file = tmp_path / "result.bmp"
    cv2.imwrite(str(file), np.full((80, 80, 3), 20, np.uint8))
    sign(file, file, file, statement, signing(workspace))
    cv2.imwrite(str(file), np.full((80, 80, 3), 21, np.uint8))
    assert verify(file).credentials == "tampered"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"said": 1, "chain": 2, "signature": 3}'])
def test_a_sidecar_that_is_none_is_a_problem_in_words(tmp_path, text):
    file = tmp_path / "result.bmp"
    cv2.imwrite(str(file), np.full((80, 80, 3), 20, np.uint8))
    sidecar(file).write_text(text)
    verdict = verify(file)
    assert verdict.credentials == "tampered"
    assert "result.bmp.credentials.json" in verdict.problems[0]


def test_a_screenshot_of_a_marked_frame_still_tells(tmp_path, workspace, signed):
    from engine.credentials.watermark import Watermark

    ledger.append(workspace, "output", file="x", watermark="0badcafe", swap="s", people=[])
    with open_frames(signed.source) as reader:
        frame = Watermark("0badcafe").apply(next(iter(reader)).image)
    shot = tmp_path / "shot.png"
    save_png(shot, cv2.resize(frame, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_LINEAR))
    verdict = verify(shot, workspace)
    assert verdict.credentials == "missing"
    assert verdict.watermark is not None and verdict.watermark.identifier == "0badcafe"
    assert verdict.entry is not None and verdict.entry["swap"] == "s"


def test_the_key_is_the_users_alone_and_not_in_the_workspace(workspace):
    signing(workspace)
    folder = identity_folder(workspace)
    assert (folder / KEY).stat().st_mode & 0o777 == 0o600
    assert not folder.is_relative_to(workspace.root)
    assert not list(workspace.root.rglob("*.pem"))


def test_an_identity_stays_the_same_and_each_workspace_has_its_own(workspace, tmp_path):
    other = open_workspace(tmp_path / "other", create=True)
    first = signing(workspace)
    assert signing(workspace) == first
    assert signing(other).fingerprint != first.fingerprint
    assert anchors().count("BEGIN CERTIFICATE") == 2


def test_a_key_that_others_may_read_is_refused(workspace):
    signing(workspace)
    (identity_folder(workspace) / KEY).chmod(0o644)
    with pytest.raises(RefusedError, match="chmod 600"):
        signing(workspace)


def test_expired_and_not_yet_valid_certificates_are_refused(workspace):
    ends = signing(workspace).ends
    with pytest.raises(RefusedError, match="expired"):
        signing(workspace, ends + timedelta(days=1))
    with pytest.raises(RefusedError, match="clock"):
        signing(workspace, datetime(2001, 1, 1, tzinfo=UTC))


def test_the_end_of_a_certificate_is_warned_of(workspace):
    found = signing(workspace)
    assert found.warning() == ""
    assert "ends on" in found.warning(found.ends - timedelta(days=30))


def test_a_key_of_another_certificate_is_refused(workspace, tmp_path):
    other = open_workspace(tmp_path / "other", create=True)
    signing(workspace)
    signing(other)
    shutil.copy(identity_folder(other) / CHAIN, identity_folder(workspace) / CHAIN)
    with pytest.raises(CommandError, match="not the one"):
        signing(workspace)


def test_a_damaged_key_is_a_sentence(workspace):
    signing(workspace)
    (identity_folder(workspace) / KEY).write_text("no key")
    with pytest.raises(SwapdeckError, match="cannot be used"):
        signing(workspace)


def test_a_lost_identity_is_made_anew_and_old_results_stay_verifiable(signed, workspace):
    folder = identity_folder(workspace)
    kept = identities_folder() / "trusted" / "old.pem"
    kept.parent.mkdir()
    shutil.copy(folder / ANCHOR, kept)
    shutil.rmtree(folder)
    assert signing(workspace).fingerprint != signed.signing.fingerprint
    assert verify(signed.file).credentials == "trusted"


def test_a_configuration_folder_that_cannot_be_written_is_a_sentence(
    workspace, user_folder, as_user, monkeypatch
):
    locked = user_folder / "locked"
    locked.mkdir(mode=0o500)
    if os.geteuid() == 0:
        os.chown(locked, 65534, 65534)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(locked))
    with as_user(), pytest.raises(SwapdeckError):
        signing(workspace)


def test_a_file_that_is_not_there_is_a_sentence():
    with pytest.raises(CommandError, match="There is no file"):
        verify(Path("nowhere.mp4"))


def test_names_are_hidden_from_whoever_has_no_key(workspace, tmp_path):
    other = open_workspace(tmp_path / "other", create=True)
    mine, theirs = signing(workspace), signing(other)
    assert mine.alias("ada") == mine.alias("ada") != mine.alias("ben")
    assert mine.alias("ada") != theirs.alias("ada")
