"""The faces verb, in this process: listing, choosing, keeping and rejecting, taking it back."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from engine.cli.app import run
from projects.face_query import EVERY
from projects.faces import FaceIndex
from projects.people import Person

Cli = Callable[..., Any]


@pytest.fixture
def cli(workspace, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs `faces …` with --json; the objects on stdout, or the sentence when it fails."""

    def call(*words: object, code: int = 0) -> Any:
        capsys.readouterr()
        given = ["--workspace", str(workspace.root), "faces", *map(str, words), "--json"]
        assert run(given) == code
        printed = capsys.readouterr()
        assert printed.err == ""
        lines = [json.loads(line) for line in printed.out.splitlines()]
        return lines[-1]["error"] if code else lines

    return call


@pytest.fixture
def faces(ada: Person, made_face, store):
    """Thirty faces: yaw -30, -28, …; every tenth is blurred; 3 and 4 look the same."""
    made = []
    for n in range(30):
        changes: dict[str, Any] = {"yaw": n * 2.0 - 30, "sharpness": float(n + 1)}
        if n % 10 == 0:
            changes |= {"kept": False, "reason": "blurred"}
        made.append(
            made_face(
                n, **changes, hash=99 if n in (3, 4) else made_face(n).hash, pitch=0.0, mouth=0.1
            )
        )
    return store(ada, made)


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in rows]


def test_faces_are_listed_filtered_and_sorted(cli: Cli, faces) -> None:
    assert ids(cli("ada")) == list(range(1, 31))
    assert ids(cli("ada", "--sort", "sharpness", "--limit", 3)) == [30, 29, 28]
    assert ids(cli("ada", "--sort", "yaw", "--reverse", "--limit", 2)) == [30, 29]
    assert ids(cli("ada", "--rejected")) == [1, 11, 21]
    assert ids(cli("ada", "--reason", "blurred", "--filter", "yaw>-20")) == [11, 21]
    assert ids(cli("ada", "--filter", "|yaw|<=2 and not yaw=0")) == [15, 17]
    (first,) = cli("ada", "--limit", 1)
    assert first["likeness"] == 0.2 and first["track"] == 0 and first["box"] == [100, 80, 220, 200]
    assert "not FIELD" in cli("ada", "--filter", "rm -rf", code=2)


def test_a_table_shows_a_page_and_says_so(ada, faces, workspace, capsys, monkeypatch) -> None:
    monkeypatch.setattr("engine.cli.faces.PAGE", 10)
    base = ["--workspace", str(workspace.root), "faces", "ada"]
    assert run(base) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 12 and lines[-1] == "10 of 30 faces. --limit 0 lists all."
    assert run([*base, "--limit", "0"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 31


def test_faces_are_put_together(cli: Cli, faces) -> None:
    groups = cli("ada", "--group", "yaw", "--kept")
    assert [(group["group"], group["faces"]) for group in groups] == [
        *(("-30 to -15", 7), ("-15 to 0", 6), ("0 to 15", 7), ("15 to 30", 7)),
    ]
    (same,) = cli("ada", "--group", "duplicates")
    assert (same["ids"], same["best"], same["kept"]) == ([5, 4], 5, 2)


def test_faces_are_rejected_by_number_name_and_rule(cli: Cli, faces, ada) -> None:
    (done,) = cli("reject", "ada", 2, "4-5", faces[8].crop, "sharpness<2.5 and yaw<0")
    assert (done["faces"], done["changed"]) == (5, 5)
    assert ids(cli("ada", "--rejected")) == [1, 2, 4, 5, 9, 11, 21]
    assert cli("ada", "--limit", 1)[0]["reason"] == "rule: sharpness<2.5 and yaw<0"
    cli("reject", "ada", 30, "--reason", "hair\x1b[31m over the eye")
    assert cli("ada", "--filter", "id=30")[0]["reason"] == "by hand: hair[31m over the eye"
    (kept,) = cli("keep", "ada", "reason=blurred")
    assert kept["changed"] == 2
    assert cli("ada", "--filter", "id=11")[0]["state"] == "✓ kept by hand"


def test_what_was_decided_is_taken_back_step_by_step(cli: Cli, faces) -> None:
    before = cli("ada")
    cli("reject", "ada", "yaw>0")
    between = cli("ada")
    cli("keep", "ada", "1-30")
    assert len(cli("ada", "--kept")) == 30
    (undone,) = cli("undo", "ada")
    assert (undone["undone"], undone["faces"]) == ("keep 1-30", 30)
    assert cli("ada") == between
    cli("undo", "ada")
    assert cli("ada") == before
    assert "can be taken back" in cli("undo", "ada", code=2)


def test_duplicates_and_all_but_the_best_are_rejected(cli: Cli, faces) -> None:
    (done,) = cli("dedupe", "ada")
    assert (done["rejected"], done["kept"]) == (1, 26)
    assert cli("ada", "--filter", "id=4")[0]["reason"] == "duplicate"
    chosen = cli("best", "ada", 8)
    assert len(chosen) == 8 and len(cli("ada", "--kept")) == 26
    cli("best", "ada", 8, "--reject-rest")
    assert ids(cli("ada", "--kept")) == ids(chosen)
    assert len(cli("ada", "--reason", "not among the best 8")) == 18
    cli("undo", "ada")
    cli("undo", "ada")
    assert len(cli("ada", "--kept")) == 27


@pytest.mark.parametrize("which", ["31", "nothing.png", "../../etc/passwd", "7 8"])
def test_a_face_that_is_not_there_changes_nothing(cli: Cli, faces, ada, which: str) -> None:
    assert "has no face" in cli("reject", "ada", 2, which, code=2)
    with FaceIndex(ada.index_path, readonly=True) as index:
        assert index.decisions() == [] and index.count(EVERY) == 30


def test_who_has_no_faces_hears_how_they_are_found(cli: Cli, ada) -> None:
    assert cli("ada") == []
    for words in (("undo", "ada"), ("dedupe", "ada"), ("best", "ada", 3)):
        assert "extract ada finds them" in cli(*words, code=2)
    assert not ada.index_path.exists()
