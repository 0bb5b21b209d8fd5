"""The face index of a person: one SQLite row a face, and how far each source was searched."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projects.errors import CommandError, DamagedError
from projects.face_database import FaceDatabase
from projects.face_groups import Group, group_name, group_sql
from projects.face_query import (
    EVERY,
    KEPT,
    REJECTED,
    Selection,
    of_ids,
    of_source,
    order_sql,
)
from projects.face_rows import (
    NAMES,
    Face,
    FaceRow,
    check_face,
    read_face,
    read_row,
    row_values,
    typed_column,
)
from projects.face_schema import ARRAYS, COLUMNS
from projects.workspace import now

__all__ = ["Decision", "Face", "FaceCounts", "FaceIndex", "FaceRow", "ScanProgress"]

_DECISIONS = 50  # that can be undone
_MOST_DECISIONS = 2**40
_WORDS = 2000  # characters of what was decided that are read
_ROW = ", ".join(f"faces.{name}" for name in COLUMNS)
_FACE = f"{_ROW}, {', '.join(ARRAYS)}"
_WITH_ARRAYS = "faces LEFT JOIN arrays ON arrays.face = faces.id"


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


@dataclass(frozen=True)
class Decision:
    """Something that a person decided about faces, which can be undone."""

    id: int
    made: str  # date and time
    what: str
    faces: int  # how many it changed


class FaceIndex(FaceDatabase):
    """The index at `path`, made when it is missing. Use it in a `with` statement.

    With `readonly`, nothing is made or changed, and a missing index is an empty one. An index of
    an older version is brought to the newest one in place, or only read when `readonly`.

    Raises:
        DamagedError, NewerVersionError: on entering, and DamagedError from any method.
        SwapdeckError: from any method: the disk is full, or another process keeps it locked.
    """

    def add_imported(self, source: str, faces: Sequence[Face], settings: str) -> list[int]:
        """Store `faces` of a source that was not searched here, all or none; the ids.

        settings: what is noted of a source that is new to the index. How far one that is known was
        searched stays as it is.
        """
        for face in faces:
            check_face(face, source)
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO scans VALUES (?, ?, 0, 1, '')", (source, settings))
            return [self._insert(db, face) for face in faces]

    def adopt(self, scan: ScanProgress, faces: Sequence[Face], notes: Mapping[str, str]) -> bool:
        """Store a source of another index with its faces and notes, all or nothing.

        False when the source was searched here already; nothing is changed then.
        """
        for face in faces:
            check_face(face, scan.source)
        with self._transaction() as db:
            added = db.execute(
                "INSERT OR IGNORE INTO scans VALUES (?, ?, ?, ?, ?)",
                (scan.source, scan.settings, scan.next_frame, int(scan.finished), scan.warning),
            ).rowcount
            if not added:
                return False
            for face in faces:
                self._insert(db, face)
            db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(notes.items()))
        return True

    def start(self, source: str, settings: str) -> None:
        """Begin to search `source` from its first frame; what was found in it before is dropped."""
        with self._transaction() as db:
            _forget(db, source)
            db.execute("INSERT OR REPLACE INTO scans VALUES (?, ?, 0, 0, '')", (source, settings))

    def add_frames(self, source: str, faces: Sequence[Face], next_frame: int) -> list[int]:
        """Store `faces` and that the search goes on at `next_frame`, both or neither; the ids."""
        for face in faces:
            check_face(face, source)
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
            _forget(db, source)
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
        where: Selection = EVERY,
        order: str = "time",
        reverse: bool = False,
        limit: int = -1,
        offset: int = 0,
    ) -> list[Face]:
        """The faces that match, with their arrays, in one of ORDERS; `limit` -1 is all of them.

        Raises:
            CommandError: the order is unknown.
        """
        chosen = _chosen(kept, source, where)
        return [
            read_face(row, self._path)
            for row in self._query(
                *_ordered(_FACE, _WITH_ARRAYS, chosen, order, reverse, limit, offset)
            )
        ]

    def each(
        self, where: Selection = EVERY, *, order: str = "time", reverse: bool = False
    ) -> Iterator[Face]:
        """The faces that match, with their arrays, one by one; never all of them in memory."""
        statement, values = _ordered(_FACE, _WITH_ARRAYS, where, order, reverse, -1, 0)
        return (read_face(row, self._path) for row in self._each(statement, values))

    def rows(
        self,
        where: Selection = EVERY,
        *,
        order: str = "time",
        reverse: bool = False,
        limit: int = -1,
        offset: int = 0,
    ) -> Iterator[FaceRow]:
        """The faces that match without their arrays, one by one, in one of ORDERS.

        Raises:
            CommandError: the order is unknown.
        """
        statement, values = _ordered(_ROW, "faces", where, order, reverse, limit, offset)
        return (read_row(FaceRow, row, {}, self._path) for row in self._each(statement, values))

    def order(
        self,
        where: Selection = EVERY,
        *,
        by: str = "time",
        reverse: bool = False,
        group: str | None = None,
    ) -> list[tuple[int, str]]:
        """The ids of the faces that match in one of ORDERS, each with its group's name.

        With one of GROUPS as `group`, the groups follow each other in the order of `groups`, each
        ordered in itself; without, the names are "".

        Raises:
            CommandError: the order or the group is unknown.
        """
        shared = "NULL" if group is None else group_sql(group)
        found = self._query(
            f"SELECT id, {shared} FROM faces WHERE {where.sql} "
            f"ORDER BY 2 NULLS LAST, {order_sql(by, reverse)}",
            where.values,
        )
        if group is None:
            return [(identity, "") for identity, _ in found]
        return [(identity, group_name(group, value)) for identity, value in found]

    def columns(self, names: Sequence[str], where: Selection = EVERY) -> list[tuple[Any, ...]]:
        """The values of some of COLUMNS alone, in the order of the ids: for a picture of them all.

        What is not of the kind that its column has, because SQLite lets anything be written, or is
        infinite, is None, as what was not measured.
        """
        unknown = set(names) - set(NAMES)
        if unknown:
            raise ValueError(f"faces have no columns {unknown}")
        shown = ", ".join(typed_column(name) for name in names)
        return self._query(f"SELECT {shown} FROM faces WHERE {where.sql} ORDER BY id", where.values)

    def groups(self, key: str, where: Selection = EVERY) -> list[Group]:
        """The faces that match, put together by one of GROUPS, in the order of what they share.

        Raises:
            CommandError: faces cannot be put together by `key`.
        """
        shared = group_sql(key)
        found = self._query(
            # SQLite takes `id` from the row of the maximum.
            f"SELECT {shared}, COUNT(*), TOTAL(kept), id, MAX(sharpness) FROM faces "
            f"WHERE {where.sql} GROUP BY 1 ORDER BY 1 NULLS LAST",
            where.values,
        )
        return [
            Group(
                group_name(key, value),
                int(number),
                int(kept),
                int(best),
                where & Selection(f"({shared}) IS ?", (value,)),
            )
            for value, number, kept, best, _ in found
        ]

    def count(self, where: Selection = EVERY) -> int:
        """How many faces match."""
        (row,) = self._query(f"SELECT COUNT(*) FROM faces WHERE {where.sql}", where.values)
        return int(row[0])

    def face(self, identity: int) -> Face:
        """One face.

        Raises:
            CommandError: there is none of this number.
        """
        found = self.faces(where=of_ids([identity]))
        if not found:
            raise CommandError(_no_face(identity, self._path))
        return found[0]

    def judge(
        self, verdicts: Mapping[int, tuple[bool, str]], overrule: Collection[str] | None = None
    ) -> None:
        """Set kept and reason by id: all of them, or none.

        overrule: with it, faces whose reason is by now another than these are left alone, such as
        those that a person decided about meanwhile.

        Raises:
            CommandError: an id is unknown.
        """
        with self._transaction() as db:
            for identity, (kept, reason) in verdicts.items():
                if overrule is not None:
                    now = db.execute("SELECT reason FROM faces WHERE id = ?", (identity,))
                    if any(row[0] not in overrule for row in now.fetchall()):
                        continue
                done = db.execute(
                    "UPDATE faces SET kept = ?, reason = ? WHERE id = ?",
                    (int(kept), reason, identity),
                )
                if done.rowcount != 1:
                    raise CommandError(_no_face(identity, self._path))

    def decide(self, where: Selection, *, kept: bool, reason: str, what: str) -> int:
        """Set kept and reason of all faces that match, so that `undo` takes it back.

        what: the decision in words. Returns how many faces it changed; nothing is noted when none.
        """
        chosen = where & Selection("kept <> ? OR reason <> ?", (int(kept), reason))
        with self._transaction() as db:
            (newest,) = db.execute("SELECT COALESCE(MAX(id), 0) FROM decisions").fetchone()
            known = self._number(newest)
            changed = db.execute(
                f"INSERT INTO decided SELECT ?, id, kept, reason FROM faces WHERE {chosen.sql}",
                (known + 1, *chosen.values),
            ).rowcount
            if not changed:
                return 0
            db.execute("INSERT INTO decisions VALUES (?, ?, ?)", (known + 1, now(), what))
            db.execute(
                "UPDATE faces SET kept = ?, reason = ? "
                "WHERE id IN (SELECT face FROM decided WHERE decision = ?)",
                (int(kept), reason, known + 1),
            )
            for table, key in (("decisions", "id"), ("decided", "decision")):
                db.execute(f"DELETE FROM {table} WHERE {key} <= ?", (known + 1 - _DECISIONS,))
        return int(changed)

    def decisions(self) -> list[Decision]:
        """What was decided and can be undone, the last first."""
        made, what = (
            f"CASE typeof({name}) WHEN 'text' THEN substr({name}, 1, {_WORDS}) END"
            for name in ("made", "what")
        )
        found = self._query(
            f"SELECT id, (SELECT COUNT(*) FROM decided WHERE decision = decisions.id), {made}, "
            f"{what} FROM decisions ORDER BY id DESC"
        )
        if any(None in row[2:] for row in found):
            raise self._undecided("no sound words")
        return [
            Decision(self._number(row[0]), row[2], row[3], self._number(row[1])) for row in found
        ]

    def _number(self, value: object) -> int:
        """A decision's number; raises DamagedError for what none can be."""
        if type(value) is not int or not 0 <= value < _MOST_DECISIONS:
            raise self._undecided("no sound numbers")
        return value

    def _undecided(self, why: str) -> DamagedError:
        return DamagedError(
            f"{self._path} is damaged: what was decided by hand has {why}. Put back a good copy, "
            "or move it away and extract the person again."
        )

    def undo(self) -> Decision | None:
        """Put every face back to what it was before the last decision; None when there is none."""
        last = next(iter(self.decisions()), None)
        if last is None:
            return None
        with self._transaction() as db:
            db.execute(
                "UPDATE faces SET kept = decided.kept, reason = decided.reason FROM decided "
                "WHERE decided.decision = ? AND decided.face = faces.id",
                (last.id,),
            )
            db.execute("DELETE FROM decided WHERE decision = ?", (last.id,))
            db.execute("DELETE FROM decisions WHERE id = ?", (last.id,))
        return last

    def set_likeness(self, distances: Mapping[int, float]) -> None:
        """Set the distance to the person's mean embedding by id; unknown ids are passed over."""
        with self._transaction() as db:
            db.executemany(
                "UPDATE faces SET likeness = ? WHERE id = ?",
                [(distance, identity) for identity, distance in distances.items()],
            )

    def set_covered(self, shares: Mapping[int, float]) -> None:
        """Set the share of the face that is covered by id; unknown ids are passed over."""
        with self._transaction() as db:
            db.executemany(
                "UPDATE faces SET covered = ? WHERE id = ?",
                [(share, identity) for identity, share in shares.items()],
            )

    def set_geometry(self, faces: Sequence[Face], after: Callable[[], None] = lambda: None) -> None:
        """Replace everything about the faces with these ids: box, landmarks, measures, verdict.

        `after` is called before this is final: when it raises, nothing was changed.

        Raises:
            CommandError: there is no such face.
        """
        names = [name for name in COLUMNS if name != "id"]
        for face in faces:
            check_face(face, face.source)
        with self._transaction() as db:
            for face in faces:
                values = row_values(face)
                done = db.execute(
                    f"UPDATE faces SET {' = ?, '.join(names)} = ? WHERE id = ?",
                    (*values, face.id),
                )
                if done.rowcount != 1:
                    raise CommandError(_no_face(face.id, self._path))
                db.execute(
                    f"UPDATE arrays SET {' = ?, '.join(ARRAYS)} = ? WHERE face = ?",
                    (face.landmarks, face.transform, face.embedding, face.id),
                )
            after()

    def counts(self) -> FaceCounts:
        rows = self._query("SELECT kept, reason, COUNT(*) FROM faces GROUP BY kept, reason")
        rejected = [(str(reason), count) for kept, reason, count in rows if not kept]
        reasons = dict(sorted(rejected, key=lambda item: (-item[1], item[0])))
        total = sum(row[2] for row in rows)
        return FaceCounts(total, total - sum(reasons.values()), reasons)

    def crops(self) -> list[str]:
        """The names of all crops."""
        return [str(row[0]) for row in self._query("SELECT crop FROM faces")]

    def meta(self, key: str) -> str | None:
        """A note about the whole index; None when there is none."""
        rows = self._query("SELECT value FROM meta WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else None

    def notes(self, source: str) -> dict[str, str]:
        """The notes about one source and about single faces of it, by their keys."""
        found = self._query("SELECT key, value FROM meta WHERE instr(key, ?)", (f" {source[:16]}",))
        return {str(key): str(value) for key, value in found}

    def set_meta(self, key: str, value: str) -> None:
        """Write a note about the whole index."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _insert(self, db: sqlite3.Connection, face: Face) -> int:
        marks = ", ".join("?" * (len(COLUMNS) - 1))
        identity = db.execute(
            f"INSERT INTO faces VALUES (NULL, {marks})", row_values(face)
        ).lastrowid
        assert identity is not None  # an INSERT sets it
        db.execute(
            "INSERT INTO arrays VALUES (?, ?, ?, ?)",
            (identity, face.landmarks, face.transform, face.embedding),
        )
        return identity


def _ordered(
    shown: str,
    table: str,
    where: Selection,
    order: str,
    reverse: bool,
    limit: int,
    offset: int,
) -> tuple[str, tuple[Any, ...]]:
    statement = (
        f"SELECT {shown} FROM {table} WHERE {where.sql} ORDER BY {order_sql(order, reverse)} "
        "LIMIT ? OFFSET ?"
    )
    return statement, (*where.values, limit, offset)


def _chosen(kept: bool | None, source: str | None, where: Selection) -> Selection:
    if kept is not None:
        where = where & (KEPT if kept else REJECTED)
    return where if source is None else where & of_source(source)


def _forget(db: sqlite3.Connection, source: str) -> None:
    """Drop the faces of a source and all that hangs on their ids, which may be given out again."""
    theirs = "(SELECT id FROM faces WHERE source = ?)"
    db.execute(f"DELETE FROM arrays WHERE face IN {theirs}", (source,))
    db.execute(f"DELETE FROM decided WHERE face IN {theirs}", (source,))
    # What is noted of a single face (see engine.datasets.mend) is noted under its crop's name.
    db.execute("DELETE FROM meta WHERE instr(key, ?)", (f" {source[:16]}-",))
    db.execute("DELETE FROM decisions WHERE id NOT IN (SELECT decision FROM decided)")
    db.execute("DELETE FROM faces WHERE source = ?", (source,))


def _no_face(identity: int, path: Path) -> str:
    return (
        f"There is no face {identity} in {path}. Nothing was changed: list the faces to see their "
        "numbers."
    )


def _scan(row: Any, path: Path) -> ScanProgress:
    source, settings, next_frame, finished, warning = row
    if type(next_frame) is not int or not all(type(t) is str for t in (source, settings, warning)):
        raise DamagedError(
            f"{path} is damaged: how far its sources were searched is not readable. Put back a "
            "good copy, or move it away and extract the person again."
        )
    return ScanProgress(source, settings, next_frame, bool(finished), warning)
