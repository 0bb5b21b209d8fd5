"""Checkpoints are listed with what is known of them, chosen, put away, and gone back to."""

from __future__ import annotations

from pathlib import Path

import pytest

from projects import checkpoints
from projects.checkpoint_rows import go_back, list_checkpoints, trash_checkpoint
from projects.errors import CommandError, RefusedError
from projects.files import locked
from projects.people import Person
from projects.swaps import Swap, new_swap
from projects.texts import append_line
from projects.workspace import Workspace, restore_from_trash


@pytest.fixture
def swap(workspace: Workspace, ada: Person, ben: Person) -> Swap:
    """Checkpoints of steps 10, 20 and 30, of which 20 has the best score."""
    made = new_swap(workspace, None, ada, ben, preset="light-64", seed=1, settings={})
    for step, score in ((10, 0.2), (20, 0.4), (30, 0.3)):
        checkpoints.save(made.checkpoints_dir, step, {"state.safetensors": b"w" * step})
        append_line(made.history_path, {"step": step - 1, "loss": 1 / step})
        row = {"step": step, "value": score, "ssim": {"source": 0.9}, "identity": 0.4}
        append_line(made.root / "scores.jsonl", {**row, "landmarks": 0.05})
    checkpoints.mark_best(made.checkpoints_dir, 20, 0.4)
    return made


def test_checkpoints_are_listed_with_their_figures(swap: Swap) -> None:
    rows = list_checkpoints(swap)
    assert [row.step for row in rows] == [30, 20, 10]
    assert [row.score for row in rows] == [0.3, 0.4, 0.2]
    assert [row.newest for row in rows] == [True, False, False]
    assert [row.used for row in rows] == [False, True, False]
    best = rows[1]
    assert (best.ssim, best.identity, best.landmarks) == ((("source", 0.9),), 0.4, 0.05)
    assert best.loss == 1 / 20
    assert best.size > 20


def test_one_that_was_never_scored_has_no_figures(swap: Swap) -> None:
    (swap.root / "scores.jsonl").write_text('{"step": 99, "value": 1}\nnot json\n{"step": "x"}\n')
    swap.history_path.unlink()
    assert {(row.score, row.loss, row.ssim) for row in list_checkpoints(swap)} == {(None, None, ())}


def test_the_chosen_one_is_used_and_kept_until_the_choice_is_taken_back(swap: Swap) -> None:
    folder = swap.checkpoints_dir
    checkpoints.choose(folder, 10)
    path, warnings = checkpoints.best(folder)
    assert path is not None and (path.name, warnings) == ("00000010", [])
    checkpoints.save(folder, 40, {"state.safetensors": b"w"}, keep=1)
    assert checkpoints.steps(folder) == [10, 20, 40]
    checkpoints.choose(folder, None)
    assert checkpoints.used_step(folder) == 20
    with pytest.raises(CommandError, match="There are: 10, 20, 40"):
        checkpoints.choose(folder, 15)


def test_a_choice_that_cannot_be_read_counts_as_none(swap: Swap) -> None:
    for text in ("{", "[]", '{"version": 2, "step": true}', '{"version": 2, "step": 999}'):
        (swap.checkpoints_dir / checkpoints.CHOSEN).write_text(text)
        assert checkpoints.used_step(swap.checkpoints_dir) == 20


def test_going_back_puts_newer_ones_away_and_restoring_undoes_it(
    workspace: Workspace, swap: Swap
) -> None:
    trashed = go_back(workspace, swap, 10)
    assert checkpoints.steps(swap.checkpoints_dir) == [10]
    assert [path.name for path in trashed] == ["00000030", "00000020"]
    assert checkpoints.used_step(swap.checkpoints_dir) == 10
    for path in trashed:
        restore_from_trash(workspace, path)
    assert checkpoints.steps(swap.checkpoints_dir) == [10, 20, 30]
    assert checkpoints.used_step(swap.checkpoints_dir) == 20


def test_going_back_to_the_newest_or_to_none_is_refused(workspace: Workspace, swap: Swap) -> None:
    with pytest.raises(CommandError, match="newest"):
        go_back(workspace, swap, 30)
    with pytest.raises(CommandError, match="no checkpoint of step 15"):
        go_back(workspace, swap, 15)


def test_a_single_checkpoint_can_be_put_away_and_restored(workspace: Workspace, swap: Swap) -> None:
    place: Path = trash_checkpoint(workspace, swap, 20)
    assert checkpoints.steps(swap.checkpoints_dir) == [10, 30]
    restore_from_trash(workspace, place)
    assert checkpoints.steps(swap.checkpoints_dir) == [10, 20, 30]


def test_nothing_is_taken_from_a_training_that_runs(workspace: Workspace, swap: Swap) -> None:
    with locked(swap.checkpoints_dir) as held:
        assert held
        for act in (go_back, trash_checkpoint):
            with pytest.raises(RefusedError, match="is being trained now"):
                act(workspace, swap, 10)
    assert checkpoints.steps(swap.checkpoints_dir) == [10, 20, 30]
