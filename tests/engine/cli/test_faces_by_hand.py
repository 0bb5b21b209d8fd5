"""Mending and masking from the command line."""

import json
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from engine.cli.app import run
from engine.faces.dataset import load_mask
from projects.faces import FaceIndex

Cli = Callable[..., Any]


@pytest.fixture
def cli(workspace, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs `faces …` with --json; the last object on stdout, or the sentence when it fails."""

    def call(*words: object, code: int = 0) -> Any:
        capsys.readouterr()
        given = ["--workspace", str(workspace.root), "faces", *map(str, words), "--json"]
        assert run(given) == code
        last = json.loads(capsys.readouterr().out.splitlines()[-1])
        return last["error"] if code else last

    return call


def test_a_face_is_moved_boxed_and_restored(cli: Cli, ada, filmed) -> None:
    number = filmed[0].id
    done = cli("mend", "ada", number, "--move", 5, -2, "--point", "30=200,150")
    assert done["mended"] == [number] and done["crops"][0].endswith("-m1.png")
    done = cli("mend", "ada", done["crops"][0], "--box", *filmed[0].box)
    assert done["crops"][0].endswith("-m2.png")
    assert cli("mend", "ada", number, "--restore")["crops"] == [filmed[0].crop]
    with FaceIndex(ada.index_path, readonly=True) as index:
        assert index.face(number).landmarks == filmed[0].landmarks


def test_faces_are_mended_from_a_file(cli: Cli, ada, filmed, tmp_path) -> None:
    path = tmp_path / "mends.json"
    entries = [{"face": face.id, "box": list(face.box)} for face in filmed[:2]]
    path.write_text(json.dumps({"version": 1, "faces": entries}))
    assert cli("mend", "ada", "--file", path)["mended"] == [face.id for face in filmed[:2]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Name a face"),
        ((1,), "Name a face"),
        ((1, "--restore", "--move", 1, 1), "Name a face"),
        (("1-3", "--move", 1, 1), "one by one"),
        ((99, "--move", 1, 1), "has no face 99"),
        ((1, "--point", "99=1,1"), "0 to 67"),
        ((1, "--point", "1=1"), "0 to 67"),
        ((1, "--box", 9, 9, 2, 2), "at least 8"),
        ((1, "--restore"), "was not mended"),
        ((1, "--move", 1e5, 0), "far outside"),
    ],
)
def test_what_cannot_be_mended_is_a_sentence(cli: Cli, filmed, words, said: str) -> None:
    assert said in cli("mend", "ada", *words, code=2)


def test_masks_are_attached_and_taken_off(cli: Cli, ada, filmed, tmp_path) -> None:
    picture, polygons = tmp_path / "mask.png", tmp_path / "mask.json"
    cv2.imwrite(str(picture), np.full((256, 256), 99, np.uint8))
    polygon = {"space": "crop", "exclude": [[[0, 0], [256, 0], [0, 256]]]}
    polygons.write_text(json.dumps({"version": 1, "masks": [polygon]}))
    assert len(cli("mask", "ada", picture, "1-2")["masks"]) == 2
    assert len(cli("mask", "ada", polygons, 3)["masks"]) == 1
    masks = [load_mask(ada, face) for face in filmed[:4]]
    assert [None if m is None else int(m[5, 5]) for m in masks] == [99, 99, 0, None]
    assert "which face" in cli("mask", "ada", picture, code=2)
    assert "names no face" in cli("mask", "ada", polygons, code=2)
    assert cli("unmask", "ada", "1-6")["removed"] == 3
    assert load_mask(ada, filmed[0]) is None
