"""Bases are listed and removed by name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.cli import app
from projects import checkpoints
from projects.bases import list_bases, new_base
from projects.workspace import Workspace, list_trash


def swapdeck(workspace: Workspace, *words: str) -> int:
    return app.run(["--workspace", str(workspace.root), *words])


@pytest.fixture
def crew(workspace: Workspace, ada: Any, ben: Any) -> Any:
    return new_base(
        workspace, "Crew", preset="light-64", seed=0, people=["ada", "ben"], crowd=24, steps=9
    )


def test_bases_are_listed_with_whom_they_learn_from(
    workspace: Workspace, crew: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoints.save(crew.checkpoints_dir, 7, {"state": b"w"})
    assert swapdeck(workspace, "base", "list") == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("crew", "ada, ben", "24", "7", "9"))
    assert swapdeck(workspace, "base", "list", "--json") == 0
    row = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (row["base"], row["preset"], row["step"]) == ("crew", "light-64", 7)


def test_a_workspace_without_bases_says_how_to_make_one(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert swapdeck(workspace, "base", "list") == 0
    told = capsys.readouterr()
    assert "swapdeck pretrain" in told.out + told.err


def test_a_removed_base_is_in_the_trash_and_one_that_is_not_there_is_refused(
    workspace: Workspace, crew: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert swapdeck(workspace, "base", "remove", "nobody", "--yes") == 2
    assert "There is: crew" in capsys.readouterr().err
    assert swapdeck(workspace, "base", "remove", "Crew", "--yes") == 0
    assert list_bases(workspace) == []
    assert [one.name for one in list_trash(workspace)]
