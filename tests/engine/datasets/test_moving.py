"""Datasets that leave as a folder and come back, and folders of pictures from elsewhere."""

import json
import os
import pickle
import shutil
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from engine.cli.app import run
from engine.datasets.exporting import export_faces
from engine.datasets.importing import import_faces
from engine.datasets.masks import save_masks
from engine.datasets.searched import searched, usual_model
from engine.faces.align import CROP_SIZE
from engine.faces.dataset import landmarks_of, load_crop, load_mask
from engine.faces.judge import JudgeSettings, remember_bounds
from engine.reporting import CollectingReporter
from projects import ledger
from projects.errors import CommandError, RefusedError, StopRequested, SwapdeckError
from projects.face_query import EVERY, KEPT
from projects.faces import Face, FaceIndex
from projects.files import locked
from projects.jobs import create_job
from projects.people import set_consent
from projects.workspace import now


def faces_of(person) -> list[Face]:
    with FaceIndex(person.index_path, readonly=True) as index:
        return index.faces()


def without_ids(faces: list[Face]) -> list[str]:
    """Comparable also where something was not measured, which equals nothing."""
    return sorted(repr(replace(face, id=0)) for face in faces)


@pytest.fixture
def exported(workspace, ada, made_face, store, tmp_path) -> Path:
    """Twelve faces of two sources: some rejected, one with little measured, one with a mask."""
    nan = float("nan")
    faces = [made_face(n) for n in range(6)] + [made_face(n, source="a" * 64) for n in range(4)]
    faces += [made_face(20, kept=False, reason="by hand: hair, “over” the eye")]
    faces += [made_face(21, size=nan, mouth=nan, eyes=nan, likeness=nan, track=-1, hash=-1)]
    stored = store(ada, faces)
    mask = np.full((CROP_SIZE, CROP_SIZE), 255, np.uint8)
    mask[:40] = 7
    save_masks(ada, {stored[3].crop: mask})
    assert export_faces(workspace, ada, tmp_path / "out", EVERY) == 12
    return tmp_path / "out"


def test_an_export_comes_back_as_it_was(exported, ada, ben) -> None:
    done = import_faces(ben, exported, CollectingReporter())
    assert (done.new, done.known, done.refused) == (12, 0, [])
    before, after = faces_of(ada), faces_of(ben)
    assert without_ids(after) == without_ids(before)
    for face in after:
        np.testing.assert_array_equal(load_crop(ben, face), load_crop(ada, face))
        one, other = load_mask(ben, face), load_mask(ada, face)
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            np.testing.assert_array_equal(one, other)
    again = import_faces(ben, exported, CollectingReporter())
    assert (again.new, again.known) == (0, 12)
    assert without_ids(faces_of(ben)) == without_ids(before)


def test_an_export_can_be_read_by_anything(exported, ada, workspace) -> None:
    card = json.loads((exported / "dataset.json").read_text())
    assert (card["format"], card["faces"], card["person"]) == ("swapdeck faces", 12, "Ada")
    assert set(card["sources"]) == {"5" * 64, "a" * 64}
    first = faces_of(ada)[0]
    sidecar = json.loads((exported / first.crop.replace(".png", ".json")).read_text())
    assert np.array(sidecar["landmarks"], "<f4").tobytes() == first.landmarks
    assert len(list(exported.glob("*.json"))) == 13 and len(list(exported.glob("*.mask.png"))) == 1
    last = ledger.entries(workspace)[-1]
    assert (last.kind, last.values["people"], last.values["faces"]) == ("export", ["ada"], 12)


def test_only_what_was_chosen_leaves_and_only_with_consent(
    exported, workspace, ada, consent, tmp_path
) -> None:
    assert export_faces(workspace, ada, tmp_path / "kept", KEPT) == 11
    for place in (workspace.root / "people" / "x", tmp_path / "kept", tmp_path / "no" / "where"):
        with pytest.raises(CommandError):
            export_faces(workspace, ada, place, EVERY)
    set_consent(ada, replace(consent, withdrawn_at=now()))
    with pytest.raises(RefusedError, match="withdrew"):
        export_faces(workspace, ada, tmp_path / "refused", EVERY)
    assert not (tmp_path / "refused").exists()


def test_a_missing_crop_leaves_no_half_an_export(workspace, ada, exported, tmp_path) -> None:
    (ada.faces_dir / faces_of(ada)[5].crop).unlink()
    with pytest.raises(SwapdeckError, match="--again"):
        export_faces(workspace, ada, tmp_path / "second", EVERY)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "workspace"]


CHANGES = {
    "version": 0,
    "source": "../../../etc/passwd",
    "frame": 1.5,
    "box": [1, 2, 3],
    "time": None,
    "yaw": 1e300,
    "size": "large",
    "track": 2**80,
    "hash": "xyz",
    "kept": "yes",
    "reason": "\x1b[31m",
    "landmarks": [[1, 2]] * 67,
    "transform": [[0, 0, 0], [0, 0, 0]],
    "embedding": [[0.5]] * 128,
    "picture_sha256": "0" * 64,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_face_that_cannot_be_right_is_left_out(exported, ben, name: str) -> None:
    path = next(path for path in sorted(exported.glob("*.json")) if path.name != "dataset.json")
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {name: CHANGES[name]}))
    reporter = CollectingReporter()
    done = import_faces(ben, exported, reporter)
    assert (done.new, len(done.refused)) == (11, 1)
    (warning,) = reporter.of("warning")
    assert path.name in warning["text"] and "\x1b" not in warning["text"]


def test_hostile_files_beside_good_ones_are_left_out(exported, ben, ada, tmp_path) -> None:
    names = sorted(face.crop for face in faces_of(ada))
    secret = tmp_path / "secret.png"
    shutil.copy(exported / names[0], secret)
    (exported / names[0]).unlink()
    (exported / names[0]).symlink_to(secret)
    (exported / names[1]).write_bytes(bomb(60_000, 60_000))
    (exported / names[2]).unlink()
    (exported / names[3]).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(5 << 20))
    (exported / names[4].replace(".png", ".json")).write_text("[" * 100_000)
    (exported / names[5].replace(".png", ".json")).write_bytes(pickle.dumps({"version": 1}))
    done = import_faces(ben, exported, CollectingReporter())
    assert (done.new, len(done.refused)) == (6, 6)
    assert len(faces_of(ben)) == 6 == len(list(ben.faces_dir.iterdir()))


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is this large and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in chunks:
        data += struct.pack(">I", len(body)) + kind + body
        data += struct.pack(">I", zlib.crc32(kind + body))
    return data


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ('{"version": 1, "format": "something"}', "not of a dataset"),
        ('{"version": 9, "format": "swapdeck faces"}', "newer swapdeck"),
        ("[]", "no valid 'version'"),
        ("not json", "damaged"),
    ],
)
def test_a_folder_that_only_looks_like_an_export_is_a_sentence(
    exported, ben, card: str, said: str
) -> None:
    (exported / "dataset.json").write_text(card)
    with pytest.raises(SwapdeckError, match=said):
        import_faces(ben, exported, CollectingReporter())


class Opened:
    """Leaves a mark where somebody unpickles it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return (os.mkdir, (str(self.mark),))


@pytest.fixture
def aligned(filmed_once, tmp_path) -> Path:
    """Aligned faces as two other tools write them, with pickles hidden in the files."""
    folder = tmp_path / "aligned"
    folder.mkdir()
    pickled = pickle.dumps(Opened(tmp_path / "opened"))
    for number, (_, crop) in enumerate(filmed_once[:3]):
        info = PngImagePlugin.PngInfo()
        info.add_itxt("alignments", pickled.decode("latin-1"))
        Image.fromarray(crop).save(folder / f"anna_{number:06d}_0.png", pnginfo=info)
        whole = cv2.resize(crop[32:224, 32:224], (512, 512))
        path = folder / f"{number:05d}.jpg"
        Image.fromarray(whole).save(path, quality=95)
        data = path.read_bytes()
        marker = b"\xff\xef" + struct.pack(">H", len(pickled) + 2) + pickled
        path.write_bytes(data[:2] + marker + data[2:])
    (folder / "alignments.fsa").write_bytes(zlib.compress(pickled))
    return folder


def test_aligned_pictures_of_other_tools_are_aligned_anew(aligned, ben, tmp_path) -> None:
    done = import_faces(ben, aligned, CollectingReporter())
    assert (done.new, done.faceless, done.refused) == (6, 0, [])
    faces = faces_of(ben)
    assert len({face.source for face in faces}) == 1
    assert [face.frame for face in faces] == list(range(6))
    assert all(face.kept for face in faces)
    # Both show the same heads at the same places once they are aligned here.
    large, small = (load_crop(ben, faces[n]).astype(float) for n in (0, 3))
    assert np.abs(large - small)[40:216, 40:216].mean() < 8
    assert landmarks_of(faces[0]).max() > 256 > landmarks_of(faces[3]).max()
    assert not (tmp_path / "opened").exists()
    again = import_faces(ben, aligned, CollectingReporter())
    assert (again.new, again.known) == (0, 6)


def test_what_is_no_face_or_no_picture_is_counted(aligned, ben, tmp_path) -> None:
    Image.new("RGB", (300, 300), (90, 120, 90)).save(aligned / "lawn.png")
    (aligned / "bomb.png").write_bytes(bomb(60_000, 60_000))
    (aligned / "text.png").write_text("no picture")
    (aligned / "link.png").symlink_to("/etc/passwd")
    (aligned / "cut.jpg").write_bytes((aligned / "00000.jpg").read_bytes()[:9000])
    done = import_faces(ben, aligned, CollectingReporter())
    assert (done.new, done.faceless, len(done.refused)) == (6, 1, 4)


def test_a_stop_leaves_what_was_taken_in_and_goes_on_later(
    aligned, ben, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.datasets.foreign._BATCH", 2)

    class Stopping(CollectingReporter):
        left = 4

        def check(self):
            self.left -= 1
            if self.left < 0:
                raise StopRequested("stopped")
            return super().check()

    with pytest.raises(StopRequested):
        import_faces(ben, aligned, Stopping())
    assert len(faces_of(ben)) == 4
    done = import_faces(ben, aligned, CollectingReporter())
    assert (done.new, done.known) == (2, 4)
    assert [face.frame for face in faces_of(ben)] == list(range(6))


def test_folders_with_nothing_in_them_are_a_sentence(ben, tmp_path) -> None:
    with pytest.raises(CommandError, match="no pictures"):
        import_faces(ben, tmp_path, CollectingReporter())
    (tmp_path / "faceset.pak").write_bytes(b"x")
    with pytest.raises(CommandError, match="can run code"):
        import_faces(ben, tmp_path, CollectingReporter())
    Image.new("RGB", (300, 300)).save(tmp_path / "black.png")
    with pytest.raises(SwapdeckError, match="1 pictures without a face"):
        import_faces(ben, tmp_path, CollectingReporter())
    with pytest.raises(CommandError, match="no folder"):
        import_faces(ben, tmp_path / "nowhere", CollectingReporter())


def test_the_command_line_exports_and_imports(workspace, ada, ben, made_face, store, tmp_path):
    store(ada, [made_face(n) for n in range(3)])
    base = ["--workspace", str(workspace.root), "--quiet", "faces"]
    assert run([*base, "export", "ada", str(tmp_path / "out"), "--filter", "frame<2"]) == 0
    assert run([*base, "import", "ben", str(tmp_path / "out")]) == 0
    assert [face.frame for face in faces_of(ben)] == [0, 1]
    assert run([*base, "export", "ada", str(tmp_path / "out")]) == 2


def test_an_import_keeps_the_bounds_of_the_last_extract(aligned, ben, made_face, store) -> None:
    embedding = np.zeros(128, "<f4").tobytes()
    small = made_face(0, box=(100, 80, 180, 160), embedding=embedding, kept=False)
    store(ben, [replace(small, reason="too small")], crops=False)
    with FaceIndex(ben.index_path) as index:
        remember_bounds(index, JudgeSettings(min_size=100))
    import_faces(ben, aligned, CollectingReporter())
    (again,) = (face for face in faces_of(ben) if face.source == small.source)
    assert (again.kept, again.reason) == (False, "too small")


def test_faces_are_found_with_the_model_that_most_sources_were_searched_with(ben, tmp_path) -> None:
    (tmp_path / "own.dat").touch()
    own, gone = str(tmp_path / "own.dat"), str(tmp_path / "gone.dat")
    with FaceIndex(ben.index_path) as index:
        assert usual_model(index) is None
        for number, model in enumerate([own, own, "", gone]):
            index.start(f"{number}" * 64, json.dumps({"landmark_model": model}))
        assert [searched(index, f"{n}" * 64).landmark_model for n in range(4)] == [
            Path(own),
            Path(own),
            None,
            None,
        ]
        index.add_imported("a" * 64, [], '{"imported": 1}')
        index.start("b" * 64, json.dumps({"landmark_model": own}))
        assert usual_model(index) == Path(own)


@pytest.mark.parametrize(("verb", "else_said"), [("import", "no pictures"), ("extract", "sources")])
def test_an_import_and_a_search_of_one_person_never_run_at_once(
    workspace, ben, tmp_path, verb: str, else_said: str
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    ben.faces_dir.mkdir(exist_ok=True)

    def said() -> str:
        job = create_job(workspace, verb, "ben", {"person": "ben", "folder": str(empty)})
        subprocess.run([sys.executable, "-m", "engine.worker", str(job.root)], check=False)
        return (job.root / "exit.json").read_text()

    with locked(ben.faces_dir):
        assert "Another job is writing the faces of ben" in said()
    assert else_said in said()
