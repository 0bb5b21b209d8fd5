"""Damaged files of every kind: a sentence, in time, within memory, nothing written elsewhere.

A fixed share of what `python -m tests.hardening.fuzz` does.
"""

from __future__ import annotations

import base64
import contextlib
import json
import tempfile
from pathlib import Path

import pytest

from tests.hardening import fuzz, mutations
from tests.hardening.pool import Killable

COUNT = 8  # files of each kind
CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.json"))


def test_no_damaged_file_does_harm(good_workspace: Path) -> None:
    with contextlib.closing(fuzz.reader(good_workspace)) as pool:
        for kind in fuzz.kinds(good_workspace):
            tally = fuzz.fuzz(kind, good_workspace, COUNT, 1, pool)
            assert tally.cases >= COUNT
            assert {one.where: one.problem for one in tally.findings.values()} == {}


def test_no_case_of_the_corpus_does_harm(good_workspace: Path) -> None:
    """Files that found something once, or were thought of by somebody who wanted to do harm. Each
    says why it is there; what it holds is text, or base64."""
    assert CORPUS
    tally = fuzz.Tally()
    with contextlib.closing(fuzz.reader(good_workspace)) as pool:
        for path in CORPUS:
            case = json.loads(path.read_bytes())
            data = base64.b64decode(case["base64"]) if "base64" in case else case["text"].encode()
            fuzz.judge(pool, case["target"], good_workspace, case["file"], data, tally)
    assert {one.where: one.problem for one in tally.findings.values()} == {}


def _index(good_workspace: Path) -> bytes:
    return (good_workspace / "people" / "ada" / "faces.sqlite").read_bytes()


@pytest.mark.parametrize(("table", "column"), mutations.CELLS)
def test_every_column_of_a_face_index_can_be_damaged(
    good_workspace: Path, table: str, column: str
) -> None:
    """Each table has rows, so that nothing is changed in vain."""
    index = _index(good_workspace)
    loosened = mutations.apply(index, [("sql", 0, mutations.set_cell(table, column, column))])
    nulled = mutations.apply(index, [("sql", 0, mutations.set_cell(table, column, "NULL"))])
    assert nulled not in (index, loosened)


@pytest.mark.parametrize("statement", mutations.STATEMENTS)
def test_every_statement_damages_a_face_index(good_workspace: Path, statement: str) -> None:
    index = _index(good_workspace)
    assert mutations.apply(index, [("sql", 0, statement)]) != index


def test_damage_without_an_end_is_ended(good_workspace: Path) -> None:
    """A view that is endless, and then what copies it: that kept a run of the fuzzing for ever."""
    [endless] = [one for one in mutations.STATEMENTS if "RECURSIVE" in one]
    copied = mutations.set_cell("faces", "x", "1")
    index = _index(good_workspace)
    first = mutations.apply(index, [("sql", 0, endless)])
    assert mutations.apply(index, [("sql", 0, endless), ("sql", 0, copied)]) == first != index


def test_a_statement_for_tables_that_are_no_more_is_an_error(good_workspace: Path) -> None:
    """As those of an older version of the format were, which changed nothing and said nothing."""
    statement = mutations.set_cell("faces", "landmarks", "NULL", loose=False)
    with pytest.raises(mutations.NothingChangedError, match="no such column"):
        mutations.apply(_index(good_workspace), [("sql", 0, statement)])


@pytest.mark.slow
def test_none_of_two_thousand_damaged_files_does_harm() -> None:
    assert fuzz.main(["--count", "2100", "--seed", "7"]) == 0


@pytest.mark.parametrize(
    ("target", "seconds", "found"),
    [
        ("endless", 0.2, "hung endless"),
        ("dies", 60, "crashed dies SIGABRT"),
        ("escapes", 60, "outside: "),
        ("forgets", 60, "lost: ['person.toml']"),
        ("stumbles", 60, "KeyError: 'a'"),
    ],
)
def test_harm_is_noticed(good_workspace: Path, target: str, seconds: float, found: str) -> None:
    module = "tests.hardening.harmful"
    tally = fuzz.Tally()
    with contextlib.closing(
        Killable(module, memory=fuzz.MEMORY, seconds=seconds, cache=good_workspace)
    ) as pool:
        fuzz.judge(pool, target, good_workspace, "media/a", b"", tally)
    Path(tempfile.gettempdir(), "swapdeck-escaped").unlink(missing_ok=True)
    [finding] = tally.findings
    assert finding.startswith(found)
