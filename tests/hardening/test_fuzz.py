"""Damaged files of every kind: a sentence, in time, within memory, nothing written elsewhere.

A fixed share of what `python -m tests.hardening.fuzz` does.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest

from tests.hardening import fuzz
from tests.hardening.pool import Killable

COUNT = 8  # files of each kind


def test_no_damaged_file_does_harm(good_workspace: Path) -> None:
    with contextlib.closing(fuzz.reader(good_workspace)) as pool:
        for kind in fuzz.kinds(good_workspace):
            tally = fuzz.fuzz(kind, good_workspace, COUNT, 1, pool)
            assert tally.cases >= COUNT
            assert {one.where: one.problem for one in tally.findings.values()} == {}


@pytest.mark.slow
def test_none_of_two_thousand_damaged_files_does_harm() -> None:
    assert fuzz.main(["--count", "2000", "--seed", "7"]) == 0


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
