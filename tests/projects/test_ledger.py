"""The ledger: tampering is found, a crash is told from it, and two writers never clash."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from projects.errors import SwapdeckError
from projects.ledger import Verification, append, entries, verify
from projects.ledgerfile import HEAD, NAME
from projects.workspace import Workspace

WRITER = """
import sys
from pathlib import Path
from projects.ledger import append
from projects.workspace import Workspace
for number in range(int(sys.argv[2])):
    append(Workspace(Path(sys.argv[1])), "test", number=number)
    print(number, flush=True)
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What this computer remembers of ledgers, in a place of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    """A ledger of six entries."""
    for number in range(6):
        append(workspace, "test", number=number)
    return workspace


def lines(workspace: Workspace) -> list[bytes]:
    return (workspace.root / NAME).read_bytes().splitlines(keepends=True)


def write(workspace: Workspace, content: list[bytes]) -> None:
    (workspace.root / NAME).write_bytes(b"".join(content))


def forge(workspace: Workspace, elsewhere: Path, count: int) -> None:
    """Replace ledger and head by those of a whole new chain, as its forger would make it."""
    other = Workspace(elsewhere)
    elsewhere.mkdir()
    (elsewhere / NAME).write_bytes(lines(workspace)[0])
    for number in range(count):
        append(other, "forged", number=number)
    for name in (NAME, HEAD):
        (workspace.root / name).write_bytes((elsewhere / name).read_bytes())


def test_what_is_appended_is_read_back_in_order(workspace: Workspace) -> None:
    odd = {"text": "Zoë \udcff\x1b[2J\n", "n": 1.5, "nothing": float("nan"), "path": Path("/a")}
    first = append(workspace, "consent", **odd)
    second = append(workspace, "training", people=["ada", "ben"])
    read = entries(workspace)
    assert read == [first, second]
    assert [entry.sequence for entry in read] == [1, 2]
    assert read[0].values == {**odd, "nothing": None, "path": "/a"}
    assert read[1].previous == read[0].sha256
    assert verify(workspace) == Verification(2, (), ())
    assert (workspace.root / NAME).read_bytes().isascii()


def test_no_ledger_yet_is_sound(workspace: Workspace) -> None:
    assert verify(workspace) == Verification(0, (), ())
    assert entries(workspace) == []


def swap_lines(content: list[bytes]) -> list[bytes]:
    return [*content[:2], content[3], content[2], *content[4:]]


def respelt(content: list[bytes]) -> list[bytes]:
    """The same values in other bytes."""
    return [content[0], (json.dumps(json.loads(content[1])) + "\n").encode(), *content[2:]]


@pytest.mark.parametrize(
    ("tamper", "sentence"),
    [
        (lambda c: [c[0], c[1].replace(b'"number":1', b'"number":7'), *c[2:]], "was changed"),
        (lambda c: [c[0], c[1].replace(b'"time":"2', b'"time":"1'), *c[2:]], "was changed"),
        (respelt, "was changed"),
        (lambda c: [*c[:2], *c[3:]], "entry 3 is missing"),
        (lambda c: c[2:], "entries 1 to 2 are missing"),
        (swap_lines, "was moved or inserted"),
        (lambda c: [*c[:3], c[1], *c[3:]], "was moved or inserted"),
        (lambda c: c[:4], "entries 5 to 6 are missing"),
        (lambda c: [], "entries 1 to 6 are missing"),
        (lambda c: [*c[:5], c[5][:40]], "was cut off after it was written"),
        (lambda c: [*c[:3], b"hello\n", *c[3:]], "not an entry"),
        (lambda c: [*c[:3], b"[" * 100_000 + b"\n", *c[3:]], "not an entry"),
        (lambda c: [*c[:3], b"x" * 3_000_000 + b"\n", *c[3:]], "not an entry"),
    ],
)
def test_tampering_is_found_and_never_mended(
    filled: Workspace, tamper: Callable[[list[bytes]], list[bytes]], sentence: str
) -> None:
    write(filled, tamper(lines(filled)))
    found = verify(filled)
    assert not found.sound
    assert any(sentence in problem for problem in found.problems), found.problems
    added = append(filled, "after", why="life goes on")
    assert added.sequence == 7
    again = verify(filled)
    assert not again.sound, "an append must not hide what was done"
    assert entries(filled)[-1] == added


def test_removing_the_end_and_the_head_is_found_on_this_computer(filled: Workspace) -> None:
    write(filled, lines(filled)[:4])
    (filled.root / HEAD).unlink()
    assert any("entries 5 to 6" in problem for problem in verify(filled).problems)


def test_a_chain_that_was_written_anew_is_found_where_the_old_one_is_known(
    filled: Workspace, tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge(filled, tmp_path / "forger", 8)
    assert any("was rewritten" in problem for problem in verify(filled).problems)
    # The limit that the documentation states: elsewhere nobody can know.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another computer"))
    assert verify(filled).sound


def test_a_missing_head_is_found(filled: Workspace) -> None:
    (filled.root / HEAD).unlink()
    assert any(HEAD in problem for problem in verify(filled).problems)
    (filled.root / HEAD).write_text("[" * 100_000)
    assert any(HEAD in problem for problem in verify(filled).problems)


def test_entries_that_nobody_wrote_down_are_found(filled: Workspace) -> None:
    head = (filled.root / HEAD).read_bytes()
    append(filled, "one")
    append(filled, "two")
    (filled.root / HEAD).write_bytes(head)
    assert any("7 to 8" in problem for problem in verify(filled).problems)


def test_a_line_torn_by_a_crash_is_no_tampering_and_is_mended(filled: Workspace) -> None:
    whole = lines(filled)
    head = (filled.root / HEAD).read_bytes()
    append(filled, "torn", text="x" * 200)
    torn = lines(filled)[-1]
    (filled.root / HEAD).write_bytes(head)
    for length in (1, 50, len(torn) - 1):
        write(filled, [*whole, torn[:length]])
        # The crash took what this computer remembers of the seventh entry with it, too.
        for memory in Path(os.environ["XDG_STATE_HOME"]).rglob("*.json"):
            memory.write_bytes(head)
        found = verify(filled)
        assert found.sound and len(found.notes) == 1, found
    assert append(filled, "after").sequence == 7
    assert verify(filled) == Verification(7, (), ())


def test_a_crash_before_the_head_is_written_is_no_tampering(filled: Workspace) -> None:
    head = (filled.root / HEAD).read_bytes()
    append(filled, "last")
    (filled.root / HEAD).write_bytes(head)
    found = verify(filled)
    assert found.sound and "just before a crash" in found.notes[0]
    assert append(filled, "after").sequence == 8
    assert verify(filled) == Verification(8, (), ())


def test_processes_at_once_make_one_chain(workspace: Workspace) -> None:
    words = [sys.executable, "-c", WRITER, str(workspace.root), "40"]
    writers = [subprocess.Popen(words, stdout=subprocess.DEVNULL) for _ in range(4)]
    assert [writer.wait() for writer in writers] == [0] * 4
    assert verify(workspace) == Verification(160, (), ())


def test_killed_writers_leave_a_sound_ledger_with_all_they_said(workspace: Workspace) -> None:
    words = [sys.executable, "-c", WRITER, str(workspace.root), "100000"]
    said = 0
    for after in (1, 7, 20, 33, 50):
        writer = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(after):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read()
        writer.wait()
        said += after + rest.count("\n")
        found = verify(workspace)
        assert found.sound, found
        assert found.entries >= said
    append(workspace, "after")
    assert verify(workspace).notes == ()


def test_a_full_disk_leaves_the_ledger_as_it_was(filled: Workspace) -> None:
    before = lines(filled)
    script = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(b''.join(before)) + 9},) * 2)\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n" + WRITER
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(filled.root), "1"], capture_output=True, text=True
    )
    assert done.returncode == 1 and "SwapdeckError" in done.stderr
    assert lines(filled) == before
    assert verify(filled).sound


@pytest.mark.parametrize("make", [lambda p, o: p.symlink_to(o), lambda p, o: os.mkfifo(p)])
def test_a_ledger_that_is_no_file_is_refused(
    workspace: Workspace, tmp_path: Path, make: Callable[[Path, Path], None]
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    make(workspace.root / NAME, outside)
    with pytest.raises(SwapdeckError):
        append(workspace, "test")
    assert outside.read_text() == "mine"
