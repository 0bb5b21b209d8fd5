"""Layers for compositing: a signed note says that what is made of them must be marked."""

import json
import shutil

import cv2
import numpy as np
import pytest

from engine.credentials.identity import signing
from engine.credentials.layers import NOTE, find_note, write_note
from engine.credentials.verify import verify


@pytest.fixture
def layers(tmp_path, workspace, statement):
    """A folder with two kinds of layers, and a picture that is none of them."""
    folder = tmp_path / "layers"
    made = [folder / "face" / "0001.png", folder / "mask" / "0001.png"]
    for number, path in enumerate(made):
        path.parent.mkdir(parents=True)
        cv2.imwrite(str(path), np.full((60, 80, 3), 40 * number, np.uint8))
    source = tmp_path / "footage.png"
    cv2.imwrite(str(source), np.zeros((60, 80, 3), np.uint8))
    write_note(folder, made, source, statement, signing(workspace))
    return folder


def test_a_layer_says_that_the_final_must_be_marked(layers):
    for name in ("face", "mask"):
        verdict = verify(layers / name / "0001.png")
        assert verdict.credentials == "trusted"
        assert verdict.must_be_marked
        assert verdict.synthetic
        assert any("must be marked" in sentence for sentence in verdict.sentences())
    said = verdict.says
    assert said["identifier"] == "deadbe01"
    assert said["people"][0]["consent"] == "synthetic"
    assert len(said["source_sha256"]) == 64


def test_a_layer_is_known_in_a_folder_that_went_elsewhere(layers, tmp_path):
    moved = shutil.copytree(layers, tmp_path / "elsewhere" / "of another name")
    assert verify(moved / "mask" / "0001.png").must_be_marked


def test_a_changed_layer_is_tampered(layers):
    path = layers / "face" / "0001.png"
    cv2.imwrite(str(path), np.full((60, 80, 3), 1, np.uint8))
    assert verify(path).credentials == "tampered"


def test_layers_that_change_places_are_tampered(layers):
    shutil.copy(layers / "face" / "0001.png", layers / "mask" / "0001.png")
    assert verify(layers / "mask" / "0001.png").credentials == "tampered"


def test_a_note_without_its_demand_is_not_believed(layers):
    document = json.loads((layers / NOTE).read_text())
    document["said"]["demand"] = "Do with them what you like."
    (layers / NOTE).write_text(json.dumps(document))
    assert verify(layers / "face" / "0001.png").credentials == "tampered"


def test_other_files_in_the_folder_are_no_layers(layers):
    other = layers / "face" / "0002.png"
    shutil.copy(layers / "face" / "0001.png", other)
    verdict = verify(other)
    assert (verdict.credentials, verdict.must_be_marked) == ("missing", False)


def test_a_note_signed_by_a_stranger_is_unknown(layers, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another computer"))
    assert verify(layers / "face" / "0001.png").credentials == "unknown"


def test_a_note_far_above_is_not_looked_for(layers):
    deep = layers / "a" / "b" / "c" / "d" / "x.png"
    assert find_note(deep) is None
    assert find_note(layers / "a" / "b" / "x.png") == layers / NOTE


def test_what_is_no_note_is_a_problem_in_words(layers):
    (layers / NOTE).write_text("{")
    verdict = verify(layers / "face" / "0001.png")
    assert verdict.credentials == "missing"
    assert NOTE in verdict.problems[0]
