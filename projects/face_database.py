"""A face index as a SQLite file: opening it, trusting it, and what its errors mean."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from projects import face_schema
from projects.errors import DamagedError, NewerVersionError, SwapdeckError
from projects.names import printable

_WAIT_SECONDS = 20.0
_BATCH = 500  # rows that are fetched at once


class FaceDatabase:
    """The database at `path`, made when it is missing. Use it in a `with` statement.

    With `readonly`, nothing is made or changed, and a missing index is an empty one.
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

    def damage(self) -> list[str]:
        """What SQLite's own check of the whole file finds wrong with it."""
        found = [printable(str(row[0])) for row in self._query("PRAGMA quick_check(5)")]
        return [] if found == ["ok"] else found

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
        if version > face_schema.VERSION:
            raise NewerVersionError(
                f"{self._path} was written by a newer swapdeck (version {version} of the format; "
                f"this one reads up to {face_schema.VERSION}). Update swapdeck; nothing was "
                "changed."
            )
        if version == face_schema.VERSION:
            return
        if self._readonly and version == 1:
            with self._errors():
                face_schema.overlay(self._open())
            return
        with self._transaction() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == face_schema.VERSION:
                return  # another process made it meanwhile
            if version == 1:
                face_schema.migrate(db)
            elif db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
                raise DamagedError(
                    f"{self._path} is a database, but not a face index of swapdeck. Move it away; "
                    "then extract the person again."
                )
            else:
                face_schema.create(db)

    def _query(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with self._errors():
            return self._open().execute(statement, values).fetchall()

    def _each(self, statement: str, values: tuple[Any, ...] = ()) -> Iterator[Any]:
        """The rows of a query one by one, without ever holding them all."""
        with self._errors():
            cursor = self._open().execute(statement, values)
        while True:
            with self._errors():
                rows = cursor.fetchmany(_BATCH)
            if not rows:
                return
            yield from rows

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
