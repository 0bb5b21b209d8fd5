"""What comes back out of the trash is where it was, and the ledger says so."""

from __future__ import annotations

import json

from projects import ledger
from projects.people import Person, load_person, remove_person
from projects.trash import restore
from projects.workspace import Workspace, list_trash, move_to_trash


def kinds(workspace: Workspace) -> list[str]:
    lines = (workspace.root / "ledger.jsonl").read_text().splitlines()
    return [json.loads(line)["kind"] for line in lines]


def test_a_persons_return_is_in_the_ledger_after_their_removal(
    workspace: Workspace, ada: Person
) -> None:
    assert restore(workspace, remove_person(workspace, ada)) == ada.root
    assert load_person(ada.root).name == "Ada"
    assert kinds(workspace)[-2:] == ["removal", "restoration"]
    assert ledger.verify(workspace).problems == ()


def test_what_is_no_person_and_no_swap_comes_back_without_an_entry(
    workspace: Workspace, ada: Person
) -> None:
    (ada.faces_dir / "a.png").touch()
    before = kinds(workspace)
    restore(workspace, move_to_trash(workspace, ada.faces_dir / "a.png"))
    assert (ada.faces_dir / "a.png").exists()
    assert kinds(workspace) == before
    assert list_trash(workspace) == []
