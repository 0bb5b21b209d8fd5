"""An index that an older swapdeck wrote goes on being used."""

import math
import sqlite3
from pathlib import Path

import pytest

from projects.errors import SwapdeckError
from projects.faces import FaceCounts, FaceIndex, ScanProgress

OLD = """
CREATE TABLE scans (
    source TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    next_frame INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    warning TEXT NOT NULL
);
CREATE TABLE faces (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL REFERENCES scans (source),
    frame INTEGER NOT NULL,
    time REAL NOT NULL,
    "left" INTEGER NOT NULL, top INTEGER NOT NULL, right INTEGER NOT NULL, bottom INTEGER NOT NULL,
    landmarks BLOB NOT NULL,
    transform BLOB NOT NULL,
    yaw REAL NOT NULL, pitch REAL NOT NULL, roll REAL NOT NULL,
    sharpness REAL NOT NULL,
    embedding BLOB NOT NULL,
    crop TEXT NOT NULL,
    kept INTEGER NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX faces_by_frame ON faces (source, frame);
PRAGMA user_version = 1;
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "faces.sqlite"
    db = sqlite3.connect(path)
    db.executescript(OLD)
    db.execute("INSERT INTO scans VALUES ('s1', '{}', 300, 1, 'short')")
    rows = [
        (
            *(n + 5, "s1", n, n / 25, 1, 2, 31, 42, bytes([n]) * 544, bytes([n]) * 48, n * 1.5, -n),
            *(0.5, 2.0, bytes([n]) * 512, f"{n}.png", n % 2, "" if n % 2 else "by hand"),
        )
        for n in range(6)
    ]
    db.executemany(f"INSERT INTO faces VALUES ({', '.join('?' * 18)})", rows)
    db.commit()
    db.close()
    return path


def _check(index: FaceIndex) -> None:
    assert index.counts() == FaceCounts(6, 3, {"by hand": 3})
    assert index.progress("s1") == ScanProgress("s1", "{}", 300, True, "short")
    assert [row.frame for row in index.rows(order="yaw", reverse=True)] == [5, 4, 3, 2, 1, 0]
    face = index.faces(kept=True)[1]
    assert (face.id, face.frame, face.box, face.yaw) == (8, 3, (1, 2, 31, 42), 4.5)
    assert face.landmarks == bytes([3]) * 544 and face.transform == bytes([3]) * 48
    assert face.embedding == bytes([3]) * 512 and face.crop == "3.png"
    assert all(map(math.isnan, (face.size, face.mouth, face.likeness, face.confidence)))
    assert (face.track, face.hash) == (-1, -1)
    assert index.meta("anything") is None and index.decisions() == []


def test_an_index_of_the_first_version_is_brought_up_in_place(old: Path) -> None:
    with FaceIndex(old) as index:
        _check(index)
        index.set_likeness({8: 0.25, 99: 1.0})
        index.set_meta("told", "yes")
    with FaceIndex(old, readonly=True) as index:
        assert index.face(8).likeness == 0.25 and index.meta("told") == "yes"
        assert index._query("PRAGMA user_version") == [(2,)]
        assert index.damage() == []


def test_an_old_index_can_be_looked_at_without_being_changed(old: Path) -> None:
    before = old.read_bytes()
    with FaceIndex(old, readonly=True) as index:
        _check(index)
        with pytest.raises(SwapdeckError, match="cannot modify"):
            index.judge({8: (False, "by hand")})
    assert old.read_bytes() == before
    assert list(old.parent.iterdir()) == [old]


def test_what_fails_on_the_way_leaves_the_old_index(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = old.read_bytes()
    from projects import face_schema

    monkeypatch.setattr(face_schema, "_BY_FRAME", "CREATE INDEX broken ON nothing (x)")
    with pytest.raises(SwapdeckError), FaceIndex(old):
        pass
    assert old.read_bytes() == before
    monkeypatch.undo()
    with FaceIndex(old) as index:
        _check(index)
