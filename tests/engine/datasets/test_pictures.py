"""Contact sheets and the map of poses: what is drawn where."""

import json

import cv2
import numpy as np
import pytest

from engine.cli.app import run
from engine.datasets.coverage import lacking, pose_cells
from engine.datasets.measures import measures
from engine.media.pictures import read_picture
from engine.report.posemap import CELL, pose_map
from engine.report.sheet import HEADING, LABEL, REJECTED, Part, parts_sheet
from projects.faces import FaceIndex


def test_the_map_shows_the_best_face_of_every_pose_in_its_place(ada, made_face, store) -> None:
    faces = [made_face(n, yaw=0.0, pitch=0.0, sharpness=5.0, brightness=0.3) for n in range(8)]
    faces += [made_face(8, yaw=2.0, pitch=-4.0, sharpness=9.0, brightness=0.9)]
    faces += [made_face(9, yaw=31.0, pitch=12.0, brightness=0.9)]
    store(ada, faces)
    with FaceIndex(ada.index_path) as index:
        cells = pose_cells(measures(index))
        rows = {row.id: row for row in index.rows()}
    assert [(c.yaw, c.pitch, c.faces, c.best) for c in cells] == [(0, 0, 9, 9), (30, 10, 1, 10)]
    picture = pose_map(ada.faces_dir, cells, rows, "Ada", wanted=[(-2, 0)])
    left, top = picture.shape[1] - 8 - 7 * CELL, 30

    def middle(yaw: int, pitch: int) -> np.ndarray:
        x, y = left + (yaw + 3) * CELL + CELL // 2, top + (2 - pitch) * CELL + CELL // 2
        return picture[y - 9 : y - 3, x + 4 : x + 10].mean()

    assert middle(0, 0) > 150 and middle(2, 1) > 150
    assert middle(1, 0) < 60 and middle(0, 1) < 60
    framed = np.all(picture == REJECTED, axis=2)
    ys, xs = np.nonzero(framed)
    assert (xs.min() - left) // CELL == (xs.max() - left) // CELL == 1
    assert (ys.min() - top) // CELL == (ys.max() - top) // CELL == 2


def test_a_pose_is_lacking_where_few_faces_are_near(ada, ben, made_face, store) -> None:
    store(ada, [made_face(n, yaw=n - 20.0, pitch=3.0) for n in range(40)], crops=False)
    angles = [-40.0, -24.0, 0.0, 15.0, 35.0]
    theirs = [made_face(n, yaw=yaw, pitch=-9.0) for n, yaw in enumerate(angles)]
    theirs += [made_face(9, yaw=0.0, pitch=9.0)]
    store(ben, theirs, crops=False)
    with FaceIndex(ada.index_path) as one, FaceIndex(ben.index_path) as other:
        found = lacking(measures(one), measures(other)).tolist()
    # Pitch is compared with what is usual for each of them.
    assert found == [True, False, False, False, True, True]


def test_a_sheet_has_its_parts_under_headings(ada, made_face, store) -> None:
    faces = store(ada, [made_face(n, brightness=0.9) for n in range(5)])
    rejected = store(ada, [made_face(9, kept=False, reason="blurred")])
    sheet = parts_sheet(ada.faces_dir, [Part("first", faces), Part("second", rejected)], 4, "yaw")
    row = 96 + LABEL
    assert sheet.shape == (2 * HEADING + 3 * row, 4 * 96, 3)
    assert sheet[HEADING + 40, 40].max() > 150 and sheet[HEADING + row + 40, 40].max() > 150
    assert sheet[HEADING + row + 40, 150].max() < 60
    assert tuple(sheet[2 * HEADING + 2 * row, 0]) == REJECTED


@pytest.fixture
def faces(ada, made_face, store):
    made = [made_face(n, yaw=float(20 * (n % 3) - 20)) for n in range(9)]
    return store(ada, made)


def test_the_command_line_draws_both(workspace, ada, faces, tmp_path, capsys) -> None:
    base = ["--workspace", str(workspace.root), "--json", "faces"]
    for verb, options in (("sheet", ["--group", "yaw", "--columns", "2"]), ("poses", [])):
        target = tmp_path / f"{verb}.png"
        assert run([*base, verb, "ada", *options, "-o", str(target)]) == 0
        (said,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert said["faces"] == 9
        assert read_picture(target).std() > 5


def test_a_sheet_of_duplicates_shows_those_that_look_the_same(
    workspace, ada, made_face, store, tmp_path, capsys
) -> None:
    same = {"yaw": 0.0, "pitch": 0.0, "mouth": 0.0}
    store(ada, [made_face(n, hash=5 if n < 3 else 1023 << 12 * n, **same) for n in range(5)])
    target = tmp_path / "alike.png"
    base = ["--workspace", str(workspace.root), "--json", "faces", "sheet", "ada"]
    assert run([*base, "--group", "duplicates", "-o", str(target)]) == 0
    assert json.loads(capsys.readouterr().out)["faces"] == 3
    assert read_picture(target).shape[0] == HEADING + 96 + LABEL


def test_a_crop_that_is_gone_leaves_its_place_black(ada, faces) -> None:
    (ada.faces_dir / faces[0].crop).unlink()
    (ada.faces_dir / faces[1].crop).write_bytes(b"no picture")
    sheet = parts_sheet(ada.faces_dir, [Part("", faces)], 3)
    assert sheet[10:80, 10:80].max() == 0 and sheet[10:80, 106:170].max() == 0
    assert cv2.mean(sheet[10:80, 202:270])[0] > 20


def test_nothing_to_draw_is_a_sentence(workspace, ada, faces, capsys, tmp_path) -> None:
    base = ["--workspace", str(workspace.root), "faces"]
    assert run([*base, "sheet", "ada", "--reason", "stranger"]) == 1
    assert "has no such faces" in capsys.readouterr().err
    assert run([*base, "sheet", "ada", "-o", str(tmp_path / "no" / "such" / "a.png")]) == 1
    assert "does not exist" in capsys.readouterr().err
