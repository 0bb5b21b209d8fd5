"""Damage for files, as hypothesis strategies: of any bytes, and of text that people may edit."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import struct
import tempfile
from pathlib import Path

from hypothesis import strategies as st

from projects import face_schema

NUMBERS = ("-1", "0", "1", "65536", "2147483648", "-9223372036854775809", "1e999", "nan", "inf")
HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",
    "../../../outside",
    "/etc/passwd",
    "\\u0000",
    "\\ud800",
    "[red]markup[/]",
    "\u202egpj.exe",
    "a" * 100_000,
    "",
    ".",
    "-",
    "NaN",
)
BOMBS = ("[" * 100_000, '{"a":' * 50_000, "a." * 20_000 + "b = 1", "9" * 5_000, "\n" * 100_000)
WORDS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)

_LOOKS = 300  # each after ten thousand of SQLite's instructions
_places = st.integers(0, 10**6)
_bytes = st.one_of(
    st.tuples(st.just("flip"), _places, st.integers(0, 7)),
    st.tuples(st.just("word"), _places, st.sampled_from(WORDS)),
    st.tuples(st.just("cut"), _places, st.just(0)),
    st.tuples(st.just("drop"), _places, st.integers(1, 64)),
    st.tuples(st.just("zero"), _places, st.integers(1, 4096)),
    st.tuples(st.just("repeat"), _places, st.integers(1, 4096)),
    st.tuples(st.just("insert"), _places, st.binary(min_size=1, max_size=16)),
)
_texts = st.one_of(
    st.tuples(st.just("number"), _places, st.sampled_from(NUMBERS)),
    st.tuples(st.just("text"), _places, st.sampled_from(HOSTILE)),
    st.tuples(st.just("line-out"), _places, st.just(0)),
    st.tuples(st.just("line-twice"), _places, st.just(0)),
    st.tuples(st.just("type"), _places, st.sampled_from(("[]", "{}", "true", "1", '"x"', "null"))),
    st.tuples(st.just("bomb"), _places, st.sampled_from(BOMBS)),
)


class NothingChangedError(Exception):
    """A statement that was written to damage a face index does not fit the tables it has now."""


def _tables() -> dict[str, tuple[str, ...]]:
    """The columns of each table of a face index."""
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        face_schema.create(db)
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return {
            name: tuple(row[1] for row in db.execute(f"PRAGMA table_info({name})"))
            for name in sorted(names)
        }


TABLES = _tables()
CELLS = [(table, column) for table, columns in TABLES.items() for column in columns]
_cells = st.one_of(
    st.sampled_from(("NULL", "1e999", "-1e999", "9223372036854775807", "-1", "''", "zeroblob(16)")),
    st.sampled_from(("zeroblob(544)", "randomblob(544)", "zeroblob(512)", "zeroblob(4000000)")),
    st.sampled_from([one for one in HOSTILE if len(one) < 100]).map(
        lambda text: "CAST(x'" + text.encode(errors="replace").hex() + "' AS TEXT)"
    ),
    st.binary(max_size=60).map(lambda data: f"x'{data.hex()}'"),
)


def set_cell(table: str, column: str, cell: str, which: str = "1", loose: bool = True) -> str:
    """A statement that puts `cell` (SQL) into a column. With `loose`, the table's constraints go
    first, as somebody does who wants NULL where none may be."""
    update = f'UPDATE OR IGNORE {table} SET "{column}" = {cell} WHERE {which}'
    if not loose:
        return update
    return (
        f"CREATE TABLE loose AS SELECT * FROM {table}; DROP TABLE {table}; "
        f"ALTER TABLE loose RENAME TO {table}; {update}"
    )


STATEMENTS = (
    *(f"DROP TABLE {table}" for table in TABLES),
    *(f"DELETE FROM {table}" for table in TABLES),
    *("PRAGMA user_version = 0", "PRAGMA user_version = 1", "PRAGMA user_version = 99"),
    "PRAGMA user_version = -1",
    "CREATE TRIGGER t AFTER UPDATE ON faces BEGIN DELETE FROM faces; END",
    "ALTER TABLE faces RENAME COLUMN crop TO other",
    "ALTER TABLE arrays RENAME COLUMN landmarks TO other",
    "DROP TABLE faces; CREATE VIEW faces AS WITH RECURSIVE n(x) AS "
    "(SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n",
    "UPDATE arrays SET face = face + 1000",
    "INSERT INTO meta VALUES ('before mending x', '[[[')",
    "INSERT INTO decisions VALUES (9223372036854775807, '', '')",
    "INSERT INTO decided VALUES (1, 9999, 7, 'x')",
)
_statements = st.one_of(
    st.builds(
        lambda place, cell, which: set_cell(*place, cell, which),
        st.sampled_from(CELLS),
        _cells,
        st.sampled_from(("1", "rowid % 2 = 0")),
    ),
    st.builds(
        lambda place, cell: set_cell(*place, cell, loose=False), st.sampled_from(CELLS), _cells
    ),
    st.sampled_from(STATEMENTS),
)
row_changes = st.lists(st.tuples(st.just("sql"), st.just(0), _statements), min_size=1, max_size=4)
tensor_changes = st.lists(
    st.tuples(
        st.just("tensor"),
        _places,
        st.sampled_from(("nan", "inf", "dtype", "shape", "huge", "name", "offsets", "length")),
    ),
    min_size=1,
    max_size=3,
)
byte_changes = st.lists(_bytes, min_size=1, max_size=6)
text_changes = st.lists(st.one_of(_texts, _texts, _bytes), min_size=1, max_size=4)


def apply(data: bytes, changes: list[tuple[str, int, object]]) -> bytes:
    """`data` with the changes made in turn. A place is in millionths of the data's length.

    Raises NothingChangedError when the first is a statement for other tables than there are; a
    later one may come too late, because what it is about is gone.
    """
    for number, (kind, place, value) in enumerate(changes):
        if kind == "sql":
            data = _sql(data, str(value), strict=number == 0)
        else:
            data = _one(data, kind, place, value)
    return data


def _one(data: bytes, kind: str, place: int, value: object) -> bytes:
    at = place * max(len(data) - 1, 0) // 10**6
    match kind, value:
        case "flip", int(bit) if data:
            return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
        case "word", int(word):
            order = "big" if place % 2 else "little"
            return data[:at] + word.to_bytes(4, order) + data[at + 4 :]
        case "cut", _:
            return data[:at]
        case "drop", int(size):
            return data[:at] + data[at + size :]
        case "zero", int(size):
            return data[:at] + bytes(min(size, len(data) - at)) + data[at + size :]
        case "repeat", int(size):
            return data[:at] + data[at : at + size] + data[at:]
        case "insert", bytes(more):
            return data[:at] + more + data[at:]
        case "tensor", str(how):
            return _tensor(data, place, how)
        case "bomb", str(bomb):
            return data[:at] + bomb.encode() + data[at:]
    return _text(data, kind, place, str(value))


def _sql(data: bytes, statement: str, *, strict: bool) -> bytes:
    """The database after a statement; one without an end, such as a copy of a view that has none,
    is ended, and changes nothing."""
    looks = 0

    def enough() -> bool:
        nonlocal looks
        looks += 1
        return looks > _LOOKS

    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        file.write(data)
        file.flush()
        with contextlib.closing(sqlite3.connect(file.name)) as db:
            db.set_progress_handler(enough, 10_000)
            try:
                db.executescript(statement)
            except sqlite3.Error as error:
                # A table's constraints may refuse a value; that is no fault of the statement.
                if strict and not isinstance(error, sqlite3.IntegrityError):
                    raise NothingChangedError(f"{statement}: {error}") from error
            db.commit()
        return Path(file.name).read_bytes()


def _tensor(data: bytes, place: int, how: str) -> bytes:
    """Change one tensor of a safetensors file: its values, or what the header says of it."""
    size = int.from_bytes(data[:8], "little")
    if size > len(data):
        return data
    header = json.loads(data[8 : 8 + size])
    body = data[8 + size :]
    names = sorted(name for name in header if name != "__metadata__")
    name = names[place * (len(names) - 1) // 10**6]
    start, end = header[name]["data_offsets"]
    match how:
        case "nan" | "inf":
            one = struct.pack("<f", float(how))
            body = body[:start] + one * ((end - start) // 4) + body[end:]
        case "dtype":
            kinds = ("F64", "BF16", "F8_E4M3", "I64", "BOOL", "C64", "U4")
            header[name]["dtype"] = kinds[place % len(kinds)]
        case "shape":
            header[name]["shape"] = [1, *reversed(header[name]["shape"])]
        case "huge":
            header[name]["shape"] = [2**40, 2**40]
        case "name":
            header["\x1b[2J/../" + name] = header.pop(name)
        case "offsets":
            header[name]["data_offsets"] = [end, start]
        case "length":
            size_bytes = (2**63 - 1).to_bytes(8, "little")
            return size_bytes + data[8:]
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def _text(data: bytes, kind: str, place: int, value: str) -> bytes:
    text = data.decode(errors="surrogateescape")
    patterns = {"number": r"-?\d[\d.]*", "text": r'"[^"\n]*"', "type": r"(?<=[=:] )[^\s,][^\n,]*"}
    if kind in patterns:
        found = list(re.finditer(patterns[kind], text))
        if found:
            one = found[place * (len(found) - 1) // 10**6]
            new = f'"{value}"' if kind == "text" else value
            text = text[: one.start()] + new + text[one.end() :]
    else:
        lines = text.splitlines(keepends=True)
        at = place * max(len(lines) - 1, 0) // 10**6
        lines[at : at + 1] = lines[at : at + 1] * (2 if kind == "line-twice" else 0)
        text = "".join(lines)
    return text.encode(errors="surrogateescape")
