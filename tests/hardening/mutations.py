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
_COLUMNS = (
    *("source", "frame", "time", "left", "top", "right", "bottom", "landmarks", "transform", "yaw"),
    *("pitch", "sharpness", "embedding", "crop", "kept", "reason", "id"),
)
_cells = st.one_of(
    st.sampled_from(("NULL", "1e999", "-1e999", "9223372036854775807", "-1", "''", "zeroblob(16)")),
    st.sampled_from(("zeroblob(544)", "randomblob(544)", "zeroblob(512)", "zeroblob(100000000)")),
    st.sampled_from([one for one in HOSTILE if len(one) < 100]).map(
        lambda text: "CAST(x'" + text.encode(errors="replace").hex() + "' AS TEXT)"
    ),
    st.binary(max_size=60).map(lambda data: f"x'{data.hex()}'"),
)
_statements = st.one_of(
    st.builds(
        lambda column, cell, one: f'UPDATE OR IGNORE faces SET "{column}" = {cell} WHERE {one}',
        st.sampled_from(_COLUMNS),
        _cells,
        st.sampled_from(("1", "id = 2", "id > 3")),
    ),
    st.sampled_from(
        (
            *("DROP TABLE scans", "DROP TABLE faces", "DELETE FROM scans", "DELETE FROM faces"),
            *("PRAGMA user_version = 0", "PRAGMA user_version = 99", "PRAGMA user_version = -1"),
            "CREATE TRIGGER t AFTER UPDATE ON faces BEGIN DELETE FROM faces; END",
            "ALTER TABLE faces RENAME COLUMN crop TO other",
            "DROP TABLE faces; CREATE VIEW faces AS WITH RECURSIVE n(x) AS "
            "(SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n",
            "UPDATE scans SET settings = 7, next_frame = 'x', warning = NULL",
        )
    ),
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
    """`data` with the changes made in turn. A place is in millionths of the data's length."""
    for kind, place, value in changes:
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
        case "sql", str(statement):
            return _sql(data, statement)
        case "tensor", str(how):
            return _tensor(data, place, how)
        case "bomb", str(bomb):
            return data[:at] + bomb.encode() + data[at:]
    return _text(data, kind, place, str(value))


def _sql(data: bytes, statement: str) -> bytes:
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        file.write(data)
        file.flush()
        with contextlib.closing(sqlite3.connect(file.name)) as db:
            with contextlib.suppress(sqlite3.Error):
                db.execute("PRAGMA ignore_check_constraints = 1")
                db.executescript(statement)
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
