"""Consent on the command line: what is refused, and what becomes of work that runs."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.cli.app import run
from projects.errors import RefusedError
from projects.ledger import entries
from projects.people import add_person, get_person
from projects.swaps import get_swap
from projects.workspace import Workspace, open_workspace

Cli = Callable[..., tuple[int, list[dict[str, Any]]]]
GATED = (("train", "a-as-b"), ("convert", "a-as-b", __file__), ("swap", "export", "a-as-b", "out"))


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a verb with --json in this process; its exit code and the objects on stdout."""

    def call(*words: str) -> tuple[int, list[dict[str, Any]]]:
        capsys.readouterr()
        code = run(["--workspace", str(tmp_path / "ws"), *words, "--json"])
        printed = capsys.readouterr()
        assert printed.err == ""
        return code, [json.loads(line) for line in printed.out.splitlines()]

    return call


@pytest.fixture
def couple(cli: Cli, tmp_path: Path) -> Workspace:
    """Anna, synthetic, and Bruno, of whom there is no consent yet, and their swap."""
    cli("person", "add", "Anna", "--basis", "synthetic")
    cli("person", "add", "Bruno")
    cli("swap", "new", "a as b", "--source", "anna", "--target", "bruno")
    return open_workspace(tmp_path / "ws")


def refused(cli: Cli) -> None:
    """Every gated verb ends with 3 and says how to record or renew Bruno's consent."""
    for words in GATED:
        code, said = cli(*words)
        assert (code, said[-1]["exit_code"]) == (3, 3), (words, said)
        assert "swapdeck person consent bruno" in said[-1]["error"]


def test_without_a_record_nothing_is_made_of_a_face(cli: Cli, couple: Workspace) -> None:
    assert [row["consent"] for row in cli("person", "list")[1]] == ["valid", "missing"]
    refused(cli)
    assert list(couple.jobs.iterdir()) == [], "refused before a job is started"
    code, [said] = cli("person", "consent", "bruno", "--scope", "a film")
    assert (code, "--basis" in said["error"]) == (2, True)


def test_a_record_covers_what_it_says(cli: Cli, couple: Workspace) -> None:
    code, [row] = cli("person", "consent", "bruno", "--basis", "release", "--scope", "a film")
    assert (code, row["state"], row["uses"]) == (0, "valid", ["training", "conversion"])
    code, said = cli("swap", "export", "a-as-b", "out")
    assert code == 3 and "--use training --use conversion --use export" in said[-1]["error"]
    cli("person", "consent", "bruno", "--use", "conversion")
    assert cli("train", "a-as-b")[0] == 3
    assert cli("person", "consent", "bruno")[1][0]["uses"] == ["conversion"]


@pytest.mark.parametrize(
    ("record", "state"),
    [
        ('basis = "release"\nrecorded_at = 2025-01-01\nexpires = 2025-06-01', "expired"),
        ('basis = "release"\nrecorded_at = 2025-01-01\nwithdrawn_at = 2025-06-01', "withdrawn"),
        ('basis = "none"\nrecorded_at = 2025-01-01', "damaged"),
        ('basis = "release"\nrecorded_at = "soon"', "damaged"),
    ],
)
def test_a_record_that_does_not_hold_is_refused_until_it_is_recorded_anew(
    cli: Cli, couple: Workspace, record: str, state: str
) -> None:
    path = couple.people / "bruno" / "person.toml"
    words = 'scope = "a film"\nrecorded_by = "tests"\n'
    path.write_text(f"{path.read_text()}\n[consent]\n{words}{record}\n")
    assert cli("person", "list")[1][1]["consent"] == state
    refused(cli)
    if state == "expired":
        assert cli("person", "consent", "bruno", "--expires", "2999-01-01")[0] == 0
    else:
        assert cli("person", "consent", "bruno", "--expires", "2999-01-01")[0] == 2
        assert cli("person", "consent", "bruno", "--basis", "self")[0] == 0
    assert cli("person", "list")[1][1]["consent"] == "valid"
    assert cli("train", "a-as-b")[0] != 3


def test_a_document_is_kept_shown_and_checked(cli: Cli, couple: Workspace, tmp_path: Path) -> None:
    release = tmp_path / "release.pdf"
    release.write_bytes(b"signed")
    said = ("--basis", "release", "--scope", "film", "--document", str(release))
    _, [row] = cli("person", "consent", "bruno", *said)
    assert (row["document_is"], Path(row["document_file"]).read_bytes()) == ("stored", b"signed")
    Path(row["document_file"]).write_bytes(b"forged")
    assert cli("person", "show", "bruno")[1][0]["consent"]["document_is"] == "damaged"
    cli("person", "add", "Cy", *said)
    assert cli("person", "consent", "cy")[1][0]["document_is"] == "stored"


def test_what_is_forbidden_is_said_where_a_workspace_is_made_and_only_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ws = ("--workspace", str(tmp_path / "ws"))
    assert run([*ws, "person", "add", "Ada", "--basis", "self"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "under age" in said and "sexual content" in said
    assert run([*ws, "person", "add", "Ben", "--basis", "self"]) == 0
    assert "under age" not in capsys.readouterr().out


def test_withdrawing_lists_and_deletes(cli: Cli, couple: Workspace) -> None:
    assert cli("person", "consent", "anna", "--delete", "--yes")[0] == 2, "nobody withdrew"
    code, shown = cli("person", "consent", "anna", "--withdraw")
    assert (code, shown[0]["state"]) == (0, "withdrawn")
    assert {row["kind"] for row in shown[1:]} == {"person", "swap"}
    assert cli("train", "a-as-b")[0] == 3
    code, said = cli("person", "consent", "anna", "--delete")
    assert (code, "--yes" in said[-1]["error"]) == (2, True)
    code, said = cli("person", "consent", "anna", "--delete", "--yes")
    assert (code, said[-1]["erased"]) == (0, True)
    assert not (couple.people / "anna").exists() and not (couple.swaps / "a-as-b").exists()
    assert [row["person"] for row in cli("person", "list")[1]] == ["bruno"]
    words = [f"{e.kind} {e.values.get('act')}" for e in entries(couple)]
    assert words[-3:] == ["consent withdrawn", "erasure begun", "erasure done"]


def test_a_withdrawal_that_the_ledger_does_not_know_is_told_to_it(
    cli: Cli, couple: Workspace
) -> None:
    """A crash came between the record and the ledger, or somebody wrote it by hand."""
    record = couple.people / "anna" / "person.toml"
    text = record.read_text()
    record.write_text(text.replace("[consent]", '[consent]\nwithdrawn_at = "2026-11-24"'))
    for _ in range(2):
        assert cli("person", "consent", "anna", "--withdraw")[0] == 0
    told = [e for e in entries(couple) if e.values.get("act") == "withdrawn"]
    assert [entry.values["consent"]["withdrawn_at"] for entry in told] == ["2026-11-24"]


@pytest.mark.parametrize(("answer", "there"), [("y", False), ("n", True), ("", True)])
def test_whoever_withdraws_at_a_terminal_is_offered_to_erase(
    couple: Workspace, monkeypatch: pytest.MonkeyPatch, answer: str, there: bool
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(f"{answer}\n"))
    assert run(["--workspace", str(couple.root), "person", "consent", "anna", "--withdraw"]) == 0
    assert (couple.people / "anna").exists() is there


def test_the_ledger_is_listed_and_verified(cli: Cli, couple: Workspace) -> None:
    assert [row["kind"] for row in cli("ledger", "list")[1]] == ["consent", "consent"]
    assert len(cli("ledger", "list", "bruno")[1]) == 1
    code, [found] = cli("ledger", "verify")
    assert (code, found["sound"], found["entries"]) == (0, True, 2)
    path = couple.root / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b"anna", b"hans"))
    code, [found] = cli("ledger", "verify")
    assert (code, found["sound"]) == (1, False) and "Line 1" in found["problems"][0]


def withdraw(root: Path, person: str) -> None:
    assert run(["--workspace", str(root), "person", "consent", person, "--withdraw"]) == 0


def test_a_withdrawal_stops_a_training_that_runs(trained) -> None:  # type: ignore[no-untyped-def]
    process = trained.start("train", "a-as-b", "--steps", "100000")
    shown = []
    for line in process.stdout:
        shown.append(json.loads(line))
        if shown[-1].get("kind") == "step" and sum(e.get("kind") == "step" for e in shown) == 1:
            said = trained.error("person", "remove", "bruno", "--yes", code=3)
            assert "jobs stop" in said
            withdraw(trained.root, "bruno")
    assert process.wait() == 3
    assert shown[-1]["exit_code"] == 3 and "bruno withdrew" in shown[-1]["error"]
    reached = max(event["step"] for event in shown if event.get("kind") == "step")
    workspace = open_workspace(trained.root)
    assert max(trained("swap", "show", "a-as-b")[0]["checkpoints"]) >= reached, "it was saved"
    last = [entry.values for entry in entries(workspace) if entry.kind == "training"][-1]
    assert (last["act"], last["how"]) == ("ended", "refused")
    assert set(last["datasets"]) == {"source", "target"}
    assert "person consent bruno" in trained.error("train", "a-as-b", code=3)
    trained("person", "consent", "bruno", "--delete", "--yes")
    assert not (trained.root / "swaps" / "a-as-b").exists()
    assert trained("ledger", "verify")[0]["sound"]


def test_a_job_that_starts_after_a_withdrawal_is_refused_by_itself(
    trained,
    short_clips,  # type: ignore[no-untyped-def]
) -> None:
    """As one that waited, or that the dashboard started: the command line's gate is passed."""
    from engine import verbs
    from engine.reporting import NullReporter

    withdraw(trained.root, "anna")
    workspace = open_workspace(trained.root)
    for verb in ("train", "convert"):
        arguments = {"swap": "a-as-b", "steps": 9, "inputs": [str(short_clips["scene"])]}
        with pytest.raises(RefusedError, match="anna withdrew"):
            verbs.run(workspace, verb, arguments, NullReporter())


def test_a_swap_travels_to_another_workspace_and_converts(
    trained,
    short_clips,
    tmp_path,  # type: ignore[no-untyped-def]
) -> None:
    folder, elsewhere = tmp_path / "given", type(trained)(tmp_path / "elsewhere")
    trained("swap", "export", "a-as-b", folder)
    assert "claims: basis: synthetic" in _import_into_a_new_one(elsewhere, folder)
    [made] = elsewhere("swap", "import", folder, "--basis", "synthetic")
    assert (made["swap"], made["step"]) == ("a-as-b", 6)
    events = elsewhere("convert", "a-as-b", short_clips["scene"], "-o", tmp_path / "out.mp4")
    assert [e["faces"] for e in events if e.get("kind") == "result"] == [20]
    workspace = open_workspace(elsewhere.root)
    assert get_swap(workspace, "a-as-b").fingerprints
    assert get_person(workspace, "anna").consent_state == "valid"
    assert [e.values["swap"] for e in entries(workspace) if e.kind == "import"] == ["a-as-b"]


def _import_into_a_new_one(elsewhere, folder: Path) -> str:  # type: ignore[no-untyped-def]
    workspace = open_workspace(elsewhere.root, create=True)
    add_person(workspace, "bruno", None)
    said = str(elsewhere.error("swap", "import", folder, code=3))
    elsewhere("person", "remove", "bruno", "--yes")
    return said
