"""How a face index looks inside: its tables, and how one of an older version becomes a new one.

What is listed, sorted and filtered stands in `faces`, narrow rows that SQLite reads through at a
hundred thousand faces in a few hundredths of a second; the arrays stand apart in `arrays`.
"""

from __future__ import annotations

import sqlite3

VERSION = 2

COLUMNS = (
    *("id", "source", "frame", "time", '"left"', "top", "right", "bottom"),
    *("yaw", "pitch", "roll", "sharpness", "size", "brightness", "mouth", "eyes"),
    *("confidence", "covered", "track", "likeness", "hash", "crop", "kept", "reason"),
)
"""The columns of `faces`, in their order."""
ARRAYS = ("landmarks", "transform", "embedding")
"""The columns of `arrays` after `face`, in their order."""
_SINCE_2 = {
    **dict.fromkeys(("size", "brightness", "mouth", "eyes", "confidence", "covered"), "NULL"),
    **{"track": "-1", "likeness": "NULL", "hash": "-1"},
}
"""What version 1 did not measure."""

_SCANS = """
CREATE TABLE scans (
    source TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    next_frame INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    warning TEXT NOT NULL
)
"""
# A REAL that is NULL was not measured, or is not a number.
_FACES = """
CREATE TABLE faces (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL REFERENCES scans (source),
    frame INTEGER NOT NULL,
    time REAL NOT NULL,
    "left" INTEGER NOT NULL, top INTEGER NOT NULL, right INTEGER NOT NULL, bottom INTEGER NOT NULL,
    yaw REAL NOT NULL, pitch REAL NOT NULL, roll REAL NOT NULL,
    sharpness REAL NOT NULL,
    size REAL, brightness REAL, mouth REAL, eyes REAL, confidence REAL, covered REAL,
    track INTEGER NOT NULL,
    likeness REAL,
    hash INTEGER NOT NULL,
    crop TEXT NOT NULL,
    kept INTEGER NOT NULL,
    reason TEXT NOT NULL
)
"""
_REST = (
    """
    CREATE TABLE arrays (
        face INTEGER PRIMARY KEY,
        landmarks BLOB NOT NULL,
        transform BLOB NOT NULL,
        embedding BLOB NOT NULL
    )
    """,
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    # What was decided by hand, and how each face stood before.
    "CREATE TABLE decisions (id INTEGER PRIMARY KEY, made TEXT NOT NULL, what TEXT NOT NULL)",
    """
    CREATE TABLE decided (
        decision INTEGER NOT NULL,
        face INTEGER NOT NULL,
        kept INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (decision, face)
    ) WITHOUT ROWID
    """,
)
_BY_FRAME = "CREATE INDEX faces_by_frame ON faces (source, frame)"
_OLD_ROWS = ", ".join(_SINCE_2.get(name, name) for name in COLUMNS)


def create(db: sqlite3.Connection) -> None:
    """Make the tables of the newest version."""
    for statement in (_SCANS, _FACES, *_REST, _BY_FRAME):
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {VERSION}")


def migrate(db: sqlite3.Connection) -> None:
    """Turn the tables of version 1 into those of the newest, inside a transaction."""
    db.execute("DROP INDEX IF EXISTS faces_by_frame")
    db.execute("ALTER TABLE faces RENAME TO old_faces")
    for statement in (_FACES, *_REST):
        db.execute(statement)
    db.execute(f"INSERT INTO faces SELECT {_OLD_ROWS} FROM old_faces")
    db.execute(f"INSERT INTO arrays SELECT id, {', '.join(ARRAYS)} FROM old_faces")
    db.execute("DROP TABLE old_faces")
    db.execute(_BY_FRAME)
    db.execute(f"PRAGMA user_version = {VERSION}")


def overlay(db: sqlite3.Connection) -> None:
    """Let an index of version 1 that must not be changed be read as one of the newest."""
    shown = ", ".join(f"{_SINCE_2.get(name, name)} AS {name}" for name in COLUMNS)
    db.execute(f"CREATE TEMP VIEW faces AS SELECT {shown} FROM main.faces")
    db.execute(f"CREATE TEMP VIEW arrays AS SELECT id AS face, {', '.join(ARRAYS)} FROM main.faces")
    for statement in _REST[1:]:
        db.execute(statement.replace("CREATE TABLE", "CREATE TEMP TABLE"))
