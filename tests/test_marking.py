"""Every way in which a finished conversion says that it is synthetic, over whole conversions.

The model is a made-up one that answers with what it sees, and the faces are discs; encoding, the
watermark, the label, the credentials and the ledger are the real ones.
"""

import io
from dataclasses import replace
from fractions import Fraction

import av
import c2pa
import cv2
import numpy as np
import pytest

from engine.conversion.casting import Role
from engine.conversion.convert import convert
from engine.conversion.parts import Part
from engine.conversion.search import Eyes
from engine.conversion.settings import ConvertSettings
from engine.credentials.label import Label
from engine.credentials.manifest import SYNTHETIC, sidecar
from engine.credentials.marking import new_marking
from engine.credentials.verify import verify
from engine.credentials.watermark import detect
from engine.media import EncodeSettings, open_frames
from engine.reporting import NullReporter
from projects import ledger
from projects.errors import SwapdeckError
from projects.files import sha256_file
from projects.swaps import new_swap
from tests.engine.conversion.conftest import DiscEmbedder, DiscFinder, Unchanged, identity
from tests.engine.credentials.conftest import SCENE

SETTINGS = ConvertSettings(colour="none", encode=EncodeSettings(crf=18, preset="veryfast"))
FRAMES = 32
RATE = 25


@pytest.fixture(autouse=True)
def configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def marking(workspace, ada, ben):
    swap = new_swap(workspace, None, ada, ben, preset="light-64", seed=0, settings={})
    marking = new_marking(workspace, swap, 7, (ada, ben), names=False)
    return replace(marking, identifier="0badcafe")  # how well a mark is read differs a little


@pytest.fixture(scope="session")
def room():
    """Rendered footage as the ground, uint8 [360, 480, 3] each: a mark needs ordinary pictures."""
    with open_frames(SCENE) as reader:
        return [frame.image for frame, _ in zip(reader, range(FRAMES), strict=False)]


def scene(room, index):
    """A frame of the room with Ben, a disc, walking through."""
    image = room[index].copy()
    cv2.circle(image, (150 + 2 * index, 170), 34, (200, 60, 50), -1, cv2.LINE_AA)
    return image


@pytest.fixture
def video(room, tmp_path):
    path = tmp_path / "footage.mp4"
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", RATE, options={"crf": "12", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 480, 360, "yuv420p"
        for index in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(scene(room, index), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


@pytest.fixture
def photograph(room, tmp_path):
    path = tmp_path / "footage.png"
    cv2.imwrite(str(path), scene(room, 20)[..., ::-1])
    return path


@pytest.fixture
def converted(marking):
    """Converts footage, marked; the result's path."""

    def run(source, output, **wanted):
        parts = [Part(Role("ben", "Ben", identity("ben")), Unchanged())]
        eyes = Eyes(DiscFinder, DiscEmbedder)
        wanted = {"eyes": eyes, "marking": marking, **wanted}
        result = convert(source, output, parts, SETTINGS, NullReporter(), **wanted)
        return result.output

    return run


def frames_of(path):
    with open_frames(path) as reader:
        return [frame.image for frame in reader]


def manifest_of(path):
    kind = {".mp4": "video/mp4", ".png": "image/png"}[path.suffix]
    with c2pa.Reader(kind, io.BytesIO(path.read_bytes())) as reader:
        return reader.get_active_manifest()


@pytest.mark.parametrize("suffix", [".mp4", ".png"])
def test_a_result_is_trusted_watermarked_and_in_the_ledger(
    converted, marking, workspace, video, photograph, tmp_path, suffix
):
    source = video if suffix == ".mp4" else photograph
    output = converted(source, tmp_path / f"result{suffix}")
    verdict = verify(output, workspace)
    assert verdict.credentials == "trusted" and verdict.synthetic
    assert verdict.says["identifier"] == marking.identifier
    assert verdict.says["source_sha256"] == sha256_file(source)
    assert [person["consent"] for person in verdict.says["people"]] == ["synthetic", "synthetic"]
    assert verdict.watermark is not None
    assert verdict.watermark.identifier == marking.identifier
    (entry,) = [e for e in ledger.entries(workspace) if e.kind == "output"]
    assert entry.values["sha256"] == sha256_file(output)
    assert entry.values["file"] == str(output)
    assert entry.values["watermark"] == marking.identifier
    assert entry.values["people"] == ["ada", "ben"]
    assert verdict.same_file is True


@pytest.mark.parametrize("suffix", [".mp4", ".png"])
def test_a_result_says_what_was_opened_and_how_it_was_edited(
    converted, video, photograph, tmp_path, suffix
):
    output = converted(video if suffix == ".mp4" else photograph, tmp_path / f"result{suffix}")
    manifest = manifest_of(output)
    (assertion,) = [a for a in manifest["assertions"] if a["label"].startswith("c2pa.actions")]
    opened, edited = assertion["data"]["actions"]
    (ingredient,) = manifest["ingredients"]
    assert opened["action"] == "c2pa.opened"
    assert ingredient["label"] in opened["parameters"]["ingredients"][0]["url"]
    assert ingredient["relationship"] == "parentOf"
    assert edited["action"] == "c2pa.edited"
    assert edited["digitalSourceType"] == SYNTHETIC
    assert manifest["claim_generator_info"][0]["name"] == "swapdeck"


def test_a_result_in_matroska_has_the_same_beside_it(
    converted, marking, workspace, video, tmp_path
):
    output = converted(video, tmp_path / "result.mkv")
    verdict = verify(output, workspace)
    assert sidecar(output).is_file()
    assert verdict.credentials == "trusted" and verdict.synthetic
    assert verdict.watermark is not None
    assert verdict.watermark.identifier == marking.identifier
    assert verdict.same_file is True


def test_every_picture_of_a_folder_is_marked_and_the_folder_is_one_entry(
    converted, marking, workspace, room, tmp_path
):
    footage = tmp_path / "footage"
    footage.mkdir()
    for index in range(3):
        cv2.imwrite(str(footage / f"{index}.jpg"), scene(room, index)[..., ::-1])
    output = converted(footage, tmp_path / "result")
    for path in sorted(output.iterdir()):
        verdict = verify(path, workspace)
        assert verdict.credentials == "trusted"
        assert verdict.entry is not None and verdict.same_file is False
    (entry,) = [e for e in ledger.entries(workspace) if e.kind == "output"]
    assert entry.values["file"] == str(output)
    assert entry.values["sha256"] is None


def test_footage_that_was_not_converted_has_no_mark(video, workspace):
    verdict = verify(video, workspace)
    assert verdict.credentials == "missing"
    assert verdict.watermark is None and verdict.entry is None


def test_the_label_stands_in_its_corner_for_its_seconds(converted, video, tmp_path):
    plain = frames_of(converted(video, tmp_path / "plain.mp4", marking=None))
    label = Label(corner="top-left", seconds=0.5)
    labelled = frames_of(converted(video, tmp_path / "labelled.mp4", marking=None, label=label))
    assert len(labelled) == len(plain) == FRAMES
    shown = [_corners_that_differ(*pair) for pair in zip(plain, labelled, strict=True)]
    last = round(0.5 * RATE + 0.5)
    assert shown[:last] == [["top-left"]] * last
    assert shown[last:] == [[]] * (FRAMES - last)


def test_a_labelled_result_is_watermarked_as_well(converted, marking, photograph, tmp_path):
    output = converted(photograph, tmp_path / "labelled.png", label=Label(corner="bottom-right"))
    found = detect(frames_of(output))
    assert found is not None and found.identifier == marking.identifier
    assert _corners_that_differ(frames_of(photograph)[0], frames_of(output)[0]) == ["bottom-right"]


def _corners_that_differ(before, after):
    """Where much has changed: more than coding and a watermark do."""
    change = np.abs(before.astype(int) - after).max(-1) > 50
    height, width = change.shape
    rows, columns = height // 8, width // 3
    parts = {
        "top-left": change[:rows, :columns],
        "top-right": change[:rows, -columns:],
        "bottom-left": change[-rows:, :columns],
        "bottom-right": change[-rows:, -columns:],
    }
    return [corner for corner, part in parts.items() if part.mean() > 0.05]


def test_nothing_is_left_of_a_result_that_could_not_be_finished(
    converted, marking, photograph, tmp_path
):
    broken = replace(marking, signing=replace(marking.signing, chain="no certificates"))
    with pytest.raises(SwapdeckError, match="could not be signed"):
        converted(photograph, tmp_path / "result.png", marking=broken)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["footage.png"]
    assert [e for e in ledger.entries(marking.workspace) if e.kind == "output"] == []


def test_the_ledger_knows_a_result_before_it_has_its_name(marking, photograph, tmp_path):
    output, temporary = tmp_path / "result.png", tmp_path / "temporary.png"
    cv2.imwrite(str(temporary), np.full((12, 12, 3), 90, np.uint8))
    marking.finisher(output)(temporary, output, photograph)
    assert not output.exists()
    (entry,) = [e for e in ledger.entries(marking.workspace) if e.kind == "output"]
    assert entry.values["sha256"] == sha256_file(temporary)
    assert entry.values["file"] == str(output)
