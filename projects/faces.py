"""The face index of a person: one SQLite row a face, and how far each source was searched."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from projects.errors import CommandError, DamagedError, NewerVersionError, SwapdeckError
from projects.names import printable

VERSION = 1
ORDERS = {
    "time": "source, frame, id",
    "sharpness": "sharpness DESC, id",
    "yaw": "yaw, id",
    "pitch": "pitch, id",
    "roll": "roll, id",
    "size": '(right - "left") * (bottom - top) DESC, id',
    "id": "id",
}
_BLOBS = {"landmarks": 68 * 2 * 4, "transform": 2 * 3 * 8, "embedding": 128 * 4}  # bytes
_REALS = ("time", "yaw", "pitch", "roll", "sharpness")
_MOST = 2**40  # frames, pixels and ids are far below; arithmetic with them stays exact
_WAIT_SECONDS = 20.0

_SCHEMA = """
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
"""


@dataclass(frozen=True)
class Face:
    """One face in one frame. Arrays are little-endian bytes, so that this needs no NumPy."""

    id: int  # 0 before it is stored
    source: str  # digest
    frame: int
    time: float  # seconds
    box: tuple[int, int, int, int]  # left, top, right, bottom; frame pixels
    landmarks: bytes  # float32 [68, 2], frame pixels, x and y
    transform: bytes  # float64 [2, 3], frame pixels to the unit chip [0, 1] x [0, 1]
    yaw: float  # degrees, as the next two
    pitch: float
    roll: float
    sharpness: float
    embedding: bytes  # float32 [128]
    crop: str  # file name in the person's faces folder
    kept: bool
    reason: str  # "" when kept; else "stranger", "too small", "blurred", "by hand", …


@dataclass(frozen=True)
class ScanProgress:
    source: str  # digest
    settings: str  # JSON; another text means that the source must be searched anew
    next_frame: int
    finished: bool
    warning: str


@dataclass(frozen=True)
class FaceCounts:
    total: int
    kept: int
    reasons: dict[str, int]  # of those that are not kept


class FaceIndex:
    """The index at `path`, made when it is missing. Use it in a `with` statement.

    With `readonly`, nothing is made or changed, and a missing index is an empty one.

    Raises:
        DamagedError, NewerVersionError: on entering, and DamagedError from any method.
        SwapdeckError: from any method: the disk is full, or another process keeps it locked.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self._path = path
        self._readonly = readonly
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        missing = self._readonly and not self._path.exists()
        mode = "rwc" if not self._readonly else "ro"
        target = ":memory:" if missing else f"{self._path.absolute().as_uri()}?mode={mode}"
        with self._errors():
            self._connection = sqlite3.connect(
                target, uri=True, timeout=_WAIT_SECONDS, isolation_level=None
            )
        try:
            self._distrust()
            self._prepare()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def start(self, source: str, settings: str) -> None:
        """Begin to search `source` from its first frame; what was found in it before is dropped."""
        with self._transaction() as db:
            db.execute("DELETE FROM faces WHERE source = ?", (source,))
            db.execute("INSERT OR REPLACE INTO scans VALUES (?, ?, 0, 0, '')", (source, settings))

    def add_frames(self, source: str, faces: Sequence[Face], next_frame: int) -> list[int]:
        """Store `faces` and that the search goes on at `next_frame`, both or neither; the ids."""
        for face in faces:
            _check(face, source)
        with self._transaction() as db:
            done = db.execute(
                "UPDATE scans SET next_frame = ? WHERE source = ?", (next_frame, source)
            )
            if done.rowcount != 1:
                raise ValueError(f"start() was not called for the source {source}")
            return [self._insert(db, face) for face in faces]

    def finish(self, source: str, warning: str = "") -> None:
        """Record that all of `source` was searched."""
        with self._transaction() as db:
            db.execute(
                "UPDATE scans SET finished = 1, warning = ? WHERE source = ?", (warning, source)
            )

    def clear(self, source: str) -> None:
        """Forget the faces of `source`, and that it was searched."""
        with self._transaction() as db:
            db.execute("DELETE FROM faces WHERE source = ?", (source,))
            db.execute("DELETE FROM scans WHERE source = ?", (source,))

    def progress(self, source: str) -> ScanProgress | None:
        """How far `source` was searched; None when it never was."""
        rows = self._query("SELECT * FROM scans WHERE source = ?", (source,))
        return _scan(rows[0], self._path) if rows else None

    def scans(self) -> list[ScanProgress]:
        """Every source that was searched, wholly or in part."""
        return [
            _scan(row, self._path) for row in self._query("SELECT * FROM scans ORDER BY source")
        ]

    def faces(
        self,
        *,
        kept: bool | None = None,
        source: str | None = None,
        order: str = "time",
        limit: int = -1,
        offset: int = 0,
    ) -> list[Face]:
        """The faces that match, in one of ORDERS; `limit` -1 is all of them.

        Raises:
            CommandError: the order is unknown.
        """
        if order not in ORDERS:
            raise CommandError(f"Faces cannot be sorted by '{order}'. Use: {', '.join(ORDERS)}.")
        rows = self._query(
            "SELECT * FROM faces WHERE (?1 IS NULL OR kept = ?1) AND (?2 IS NULL OR source = ?2) "
            f"ORDER BY {ORDERS[order]} LIMIT ?3 OFFSET ?4",
            (None if kept is None else int(kept), source, limit, offset),
        )
        return [_face(row, self._path) for row in rows]

    def judge(self, verdicts: Mapping[int, tuple[bool, str]]) -> None:
        """Set kept and reason by id: all of them, or none.

        Raises:
            CommandError: an id is unknown.
        """
        with self._transaction() as db:
            for identity, (kept, reason) in verdicts.items():
                done = db.execute(
                    "UPDATE faces SET kept = ?, reason = ? WHERE id = ?",
                    (int(kept), reason, identity),
                )
                if done.rowcount != 1:
                    raise CommandError(
                        f"There is no face {identity} in {self._path}. Nothing was changed: list "
                        "the faces to see their numbers."
                    )

    def counts(self) -> FaceCounts:
        rows = self._query("SELECT kept, reason, COUNT(*) FROM faces GROUP BY kept, reason")
        rejected = [(str(reason), count) for kept, reason, count in rows if not kept]
        reasons = dict(sorted(rejected, key=lambda item: (-item[1], item[0])))
        total = sum(row[2] for row in rows)
        return FaceCounts(total, total - sum(reasons.values()), reasons)

    def damage(self) -> list[str]:
        """What SQLite's own check of the whole file finds wrong with it."""
        found = [printable(str(row[0])) for row in self._query("PRAGMA quick_check(5)")]
        return [] if found == ["ok"] else found

    def crops(self) -> list[str]:
        """The names of all crops."""
        return [str(row[0]) for row in self._query("SELECT crop FROM faces")]

    def _distrust(self) -> None:
        """An index may come from somebody else: it may hold rows, and nothing that runs."""
        self._query("PRAGMA trusted_schema = OFF")
        odd = self._query(
            "SELECT name FROM sqlite_master WHERE type NOT IN ('table', 'index') "
            "OR sql LIKE 'CREATE VIRTUAL%' LIMIT 1"
        )
        if odd:
            raise DamagedError(
                f"{self._path} holds {printable(str(odd[0][0]))!r}, which no face index of "
                "swapdeck does. Move it away; then extract the person again."
            )

    def _prepare(self) -> None:
        version = self._query("PRAGMA user_version")[0][0]
        if version > VERSION:
            raise NewerVersionError(
                f"{self._path} was written by a newer swapdeck (version {version} of the format; "
                f"this one reads up to {VERSION}). Update swapdeck; nothing was changed."
            )
        if version == VERSION:
            return
        with self._transaction() as db:
            if db.execute("PRAGMA user_version").fetchone()[0] == VERSION:
                return  # another process made it meanwhile
            if db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
                raise DamagedError(
                    f"{self._path} is a database, but not a face index of swapdeck. Move it away; "
                    "then extract the person again."
                )
            for statement in filter(str.strip, _SCHEMA.split(";")):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {VERSION}")

    def _insert(self, db: sqlite3.Connection, face: Face) -> int:
        row = (
            *(face.source, face.frame, face.time, *face.box, face.landmarks, face.transform),
            *(face.yaw, face.pitch, face.roll, face.sharpness, face.embedding, face.crop),
            *(int(face.kept), face.reason),
        )
        marks = ", ".join("?" * len(row))
        identity = db.execute(f"INSERT INTO faces VALUES (NULL, {marks})", row).lastrowid
        assert identity is not None  # an INSERT sets it
        return identity

    def _query(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with self._errors():
            return self._open().execute(statement, values).fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        db = self._open()
        with self._errors():
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ValueError("FaceIndex is used outside its with statement")
        return self._connection

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _explained(error, self._path) from error


def _explained(error: sqlite3.Error, path: Path) -> SwapdeckError:
    code = getattr(error, "sqlite_errorcode", -1) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT):
        return DamagedError(
            f"{path} is damaged ({error}). Put back a good copy, or move it away and extract the "
            "person again."
        )
    advice = {
        sqlite3.SQLITE_FULL: "The disk is full. Free some space and run the same command again; "
        "what was stored is unchanged",
        sqlite3.SQLITE_BUSY: "Another job is using it. Wait until that has ended, or stop it",
        sqlite3.SQLITE_READONLY: "It is read-only for you. Change its owner or its permissions",
        sqlite3.SQLITE_CANTOPEN: "Check that its folder exists and that you may read and write it",
        sqlite3.SQLITE_IOERR: "The disk reported an error, or is full. Check it, then try again",
    }.get(code, "Run the same command again; if it happens again, move the file away")
    return SwapdeckError(f"{path} could not be used ({error}). {advice}.")


def _check(face: Face, source: str) -> None:
    if face.source != source:
        raise ValueError(f"a face of {face.source} was added to the source {source}")
    for name, size in _BLOBS.items():
        if len(getattr(face, name)) != size:
            raise ValueError(f"{name} must be {size} bytes, not {len(getattr(face, name))}")
    if face.kept and face.reason:
        raise ValueError(f"a face that is kept has no reason, but this has {face.reason!r}")


def _scan(row: Any, path: Path) -> ScanProgress:
    source, settings, next_frame, finished, warning = row
    if type(next_frame) is not int or not all(type(t) is str for t in (source, settings, warning)):
        raise DamagedError(
            f"{path} is damaged: how far its sources were searched is not readable. Put back a "
            "good copy, or move it away and extract the person again."
        )
    return ScanProgress(source, settings, next_frame, bool(finished), warning)


def _face(row: Any, path: Path) -> Face:
    *before, left, top, right, bottom = row[:8]
    values = (*before, (left, top, right, bottom), *row[8:16], bool(row[16]), row[17])
    face = Face(*values)
    if not _is_sound(face):
        raise DamagedError(
            f"{path} is damaged: its face {row[0]!r:.40} holds what no face has. Put back a good "
            "copy, or move it away and extract the person again."
        )
    return face


def _is_sound(face: Face) -> bool:
    """Whether the values are of their kinds, which SQLite leaves to those who write, and the crop
    is a file of the faces' own folder."""
    return (
        all(type(n) is int and abs(n) < _MOST for n in (face.id, face.frame, *face.box))
        and all(type(getattr(face, name)) in (int, float) for name in _REALS)
        and all(type(text) is str for text in (face.source, face.crop, face.reason))
        and all(_is_blob(getattr(face, name), size) for name, size in _BLOBS.items())
        and face.crop not in ("", ".", "..")
        and not any(c in "/\\\0" for c in face.crop)
    )


def _is_blob(value: object, size: int) -> bool:
    return isinstance(value, bytes) and len(value) == size
