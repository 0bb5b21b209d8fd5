import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from projects.errors import CommandError, DamagedError, NewerVersionError, SwapdeckError
from projects.face_poses import pose_counts
from projects.face_query import EVERY
from projects.faces import Face, FaceCounts, FaceIndex, ScanProgress

AsUser = Callable[[], AbstractContextManager[None]]


def make_face(frame: int, source: str = "s1", kept: bool = True, reason: str = "") -> Face:
    chance = random.Random(f"{source}-{frame}")
    return Face(
        id=0,
        source=source,
        frame=frame,
        time=frame / 25,
        box=(10, 20, 10 + chance.randrange(1, 200), 220),
        landmarks=chance.randbytes(544),
        transform=chance.randbytes(48),
        yaw=chance.uniform(-40, 40),
        pitch=chance.uniform(-20, 20),
        roll=chance.uniform(-10, 10),
        sharpness=chance.uniform(0, 900),
        size=chance.uniform(40, 300),
        brightness=chance.uniform(0, 1),
        mouth=chance.uniform(0, 0.6),
        eyes=chance.uniform(0, 0.4),
        confidence=chance.uniform(0.5, 1),
        covered=chance.uniform(0, 0.2),
        track=chance.randrange(5),
        likeness=chance.uniform(0.1, 0.5),
        hash=chance.getrandbits(64) - 2**63,
        embedding=chance.randbytes(512),
        crop=f"{source}-{frame:06d}.png",
        kept=kept,
        reason=reason,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "faces.sqlite"


def test_a_face_comes_back_as_it_was_stored(path: Path) -> None:
    face = make_face(7)
    with FaceIndex(path) as index:
        index.start("s1", "{}")
        (identity,) = index.add_frames("s1", [face], 8)
    with FaceIndex(path) as index:
        assert index.faces() == [replace(face, id=identity)]


def test_faces_and_progress_are_stored_together_or_not_at_all(path: Path) -> None:
    with FaceIndex(path) as index:
        index.start("s1", '{"every": 1}')
        index.add_frames("s1", [make_face(0), make_face(1)], 2)
        bad = make_face(3)
        object.__setattr__(bad, "crop", None)  # what the table refuses
        with pytest.raises(SwapdeckError):
            index.add_frames("s1", [make_face(2), bad], 4)
        assert len(index.faces()) == 2
        assert index.progress("s1") == ScanProgress("s1", '{"every": 1}', 2, False, "")
        index.finish("s1", "fewer frames than declared")
        assert index.progress("s1") == ScanProgress(
            "s1", '{"every": 1}', 2, True, "fewer frames than declared"
        )
        assert index.progress("s2") is None


def test_a_scan_that_is_killed_goes_on_without_duplicates(path: Path) -> None:
    script = (
        "import os, signal, sys, pathlib\n"
        "from projects.faces import Face, FaceIndex\n"
        "face = Face(id=0, source='s1', frame=0, time=0.0, box=(0, 0, 9, 9), yaw=0.0, pitch=0.0,\n"
        "            roll=0.0, sharpness=1.0, crop='a.png', kept=True, reason='',\n"
        "            landmarks=bytes(544), transform=bytes(48), embedding=bytes(512))\n"
        "with FaceIndex(pathlib.Path(sys.argv[1])) as index:\n"
        "    index.start('s1', '')\n"
        "    index.add_frames('s1', [face], 1)\n"
        "    with index._transaction() as db:\n"
        "        index._insert(db, face)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with FaceIndex(path) as index:
        progress = index.progress("s1")
        assert progress is not None and progress.next_frame == 1
        assert len(index.faces()) == 1


def test_starting_a_source_again_forgets_what_was_found_in_it(path: Path) -> None:
    with FaceIndex(path) as index:
        for source in ("s1", "s2"):
            index.start(source, "{}")
            index.add_frames(source, [make_face(0, source)], 1)
        index.start("s1", "{}")
        assert [face.source for face in index.faces()] == ["s2"]
        index.clear("s2")
        assert index.faces() == [] and [scan.source for scan in index.scans()] == ["s1"]


def test_faces_are_filtered_and_sorted(path: Path) -> None:
    faces = [make_face(n, "s1" if n % 2 else "s2") for n in range(20)]
    faces[3] = replace(faces[3], kept=False, reason="stranger")
    with FaceIndex(path) as index:
        for source in ("s1", "s2"):
            index.start(source, "{}")
            index.add_frames(source, [f for f in faces if f.source == source], 20)
        assert len(index.faces(kept=True)) == 19
        assert [f.frame for f in index.faces(kept=False)] == [3]
        assert [f.frame for f in index.faces(source="s2")] == list(range(0, 20, 2))
        by_yaw = [face.yaw for face in index.faces(order="yaw")]
        assert by_yaw == sorted(by_yaw)
        sharp = [face.sharpness for face in index.faces(order="sharpness")]
        assert sharp == sorted(sharp, reverse=True)
        sizes = [face.size for face in index.faces(order="size")]
        assert sizes == sorted(sizes, reverse=True)
        assert index.faces(order="id", limit=5, offset=10) == index.faces(order="id")[10:15]
        with pytest.raises(CommandError, match="Use: time, source"):
            index.faces(order="id; DROP TABLE faces")


def test_verdicts_are_all_taken_or_none(path: Path) -> None:
    with FaceIndex(path) as index:
        index.start("s1", "{}")
        ids = index.add_frames("s1", [make_face(n) for n in range(4)], 4)
        index.judge({ids[0]: (False, "blurred"), ids[1]: (False, "by hand"), ids[2]: (True, "")})
        assert index.counts() == FaceCounts(4, 2, {"blurred": 1, "by hand": 1})
        with pytest.raises(CommandError, match="no face 999"):
            index.judge({ids[3]: (False, "by hand"), 999: (False, "by hand")})
        assert index.counts() == FaceCounts(4, 2, {"blurred": 1, "by hand": 1})
        index.judge({ids[0]: (True, "")})
        assert index.counts().kept == 3


@pytest.mark.parametrize(
    "change", [{"landmarks": b"x"}, {"embedding": b""}, {"source": "s9"}, {"reason": "blurred"}]
)
def test_a_face_that_cannot_be_right_is_not_stored(path: Path, change: dict[str, object]) -> None:
    with FaceIndex(path) as index:
        index.start("s1", "{}")
        face = make_face(0)
        for name, value in change.items():
            object.__setattr__(face, name, value)
        with pytest.raises(ValueError):
            index.add_frames("s1", [face], 1)


def test_faces_of_a_source_that_was_not_started_are_not_stored(path: Path) -> None:
    with FaceIndex(path) as index, pytest.raises(ValueError, match="start"):
        index.add_frames("s1", [make_face(0)], 1)
    with FaceIndex(path) as index:
        assert index.faces() == []


def test_looking_makes_nothing(path: Path) -> None:
    with FaceIndex(path, readonly=True) as index:
        assert index.counts() == FaceCounts(0, 0, {})
    assert not path.exists()
    with FaceIndex(path):
        pass
    with FaceIndex(path, readonly=True) as index, pytest.raises(SwapdeckError, match="read-only"):
        index.start("s1", "{}")


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"\0" * 8192])
def test_a_damaged_index_says_what_to_do(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DamagedError, match="extract the person again"), FaceIndex(path):
        pass


def test_a_torn_index_says_what_to_do(path: Path) -> None:
    with FaceIndex(path) as index:
        index.start("s1", "{}")
        index.add_frames("s1", [make_face(n) for n in range(200)], 200)
    data = bytearray(path.read_bytes())
    data[4096:60000] = os.urandom(60000 - 4096)
    path.write_bytes(data)
    with pytest.raises(DamagedError, match="is damaged"), FaceIndex(path) as index:
        index.faces()


def test_another_database_is_not_taken_over(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url)")
    other.close()
    with pytest.raises(DamagedError, match="not a face index"), FaceIndex(path):
        pass


def test_a_newer_index_says_update(path: Path) -> None:
    with FaceIndex(path):
        pass
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 3")
    other.close()
    with pytest.raises(NewerVersionError, match="Update swapdeck"), FaceIndex(path):
        pass


def test_a_locked_folder_is_a_sentence(user_folder: Path, as_user: AsUser) -> None:
    user_folder.chmod(0o555)
    with (
        as_user(),
        pytest.raises(SwapdeckError, match="you may read and write it"),
        FaceIndex(user_folder / "faces.sqlite"),
    ):
        pass


def test_an_index_that_another_job_holds_is_a_sentence(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projects.face_database._WAIT_SECONDS", 0.01)
    with (
        FaceIndex(path) as first,
        FaceIndex(path) as second,
        first._transaction(),
        pytest.raises(SwapdeckError, match="Another job is using it"),
    ):
        second.start("s1", "{}")


def test_a_size_limit_really_reached_leaves_the_index_as_it_was(path: Path) -> None:
    with FaceIndex(path) as index:
        index.start("s1", "{}")
        index.add_frames("s1", [make_face(0)], 1)
    script = (
        "import resource, sys, pathlib\n"
        "from projects.errors import SwapdeckError\n"
        "from projects.faces import FaceIndex\n"
        "with FaceIndex(pathlib.Path(sys.argv[1])) as index:\n"
        "    (face,) = index.faces()\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        "    try:\n"
        "        index.add_frames('s1', [face] * 500, 2)\n"
        "    except SwapdeckError as error:\n"
        "        sys.stdout.write(str(error))\n"
    )
    command = [sys.executable, "-c", script, str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "full" in answer.stdout
    with FaceIndex(path) as index:
        assert len(index.faces()) == 1
        progress = index.progress("s1")
        assert progress is not None and progress.next_frame == 1


@pytest.mark.parametrize("number", ["NULL", "x'00'", "'seven'", "-1", "9e18"])
def test_decisions_without_sound_numbers_are_damage(path: Path, number: str) -> None:
    with FaceIndex(path) as index:
        index.start("s1", "{}")
        index.add_frames("s1", [make_face(0)], 1)
        index.decide(EVERY, kept=False, reason="by hand", what="reject")
    db = sqlite3.connect(path)
    db.executescript(
        "ALTER TABLE decisions RENAME TO old; CREATE TABLE decisions (id, made, what);"
        f"INSERT INTO decisions SELECT {number}, made, what FROM old; DROP TABLE old"
    )
    db.close()
    with FaceIndex(path) as index, pytest.raises(DamagedError, match="no sound numbers"):
        index.undo()


@pytest.mark.parametrize("words", ["zeroblob(20000000)", "NULL", "7"])
def test_decisions_without_sound_words_are_damage(path: Path, words: str) -> None:
    with FaceIndex(path) as index:
        index.start("s1", "{}")
        index.add_frames("s1", [make_face(0)], 1)
        index.decide(EVERY, kept=False, reason="by hand", what="reject")
    db = sqlite3.connect(path)
    db.executescript(
        "ALTER TABLE decisions RENAME TO old; CREATE TABLE decisions (id, made, what);"
        f"INSERT INTO decisions SELECT id, made, {words} FROM old; DROP TABLE old"
    )
    db.close()
    with FaceIndex(path) as index, pytest.raises(DamagedError, match="no sound words"):
        index.undo()


def test_no_more_of_a_decisions_words_is_read_than_anybody_would(path: Path) -> None:
    with FaceIndex(path) as index:
        index.start("s1", "{}")
        index.add_frames("s1", [make_face(0)], 1)
        index.decide(EVERY, kept=False, reason="by hand", what="reject " + "7" * 10_000_000)
        undone = index.undo()
    assert undone is not None
    assert undone.what.startswith("reject 777")
    assert len(undone.what) == 2000


@pytest.mark.parametrize("pitch", ["1e999", "-1e999", "'steep'", "x'00'"])
def test_angles_that_are_none_are_left_out_of_the_poses(path: Path, pitch: str) -> None:
    with FaceIndex(path) as index:
        index.start("s1", "{}")
        index.add_frames("s1", [make_face(0), make_face(1)], 2)
    db = sqlite3.connect(path)
    with db:
        db.execute(f"UPDATE faces SET pitch = {pitch} WHERE id = 1")
    db.close()
    with FaceIndex(path) as index:
        assert sum(pose_counts(index).values()) == 1
        assert next(row[0] for row in index.columns(("pitch",))) is None
