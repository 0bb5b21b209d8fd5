from pathlib import Path
from typing import Any

import pytest

from projects.errors import CommandError, DamagedError, SwapdeckError
from projects.people import Person
from projects.swaps import (
    Swap,
    get_swap,
    list_swaps,
    new_swap,
    remove_swap,
    swaps_of,
    update_swap,
)
from projects.workspace import Workspace, restore_from_trash


@pytest.fixture
def swap(workspace: Workspace, ada: Person, ben: Person) -> Swap:
    return new_swap(
        workspace, None, "Ada", ben, preset="light-64", seed=7, settings={"loss": {"eyes": 3.0}}
    )


def test_a_swap_is_named_after_its_people(workspace: Workspace, swap: Swap) -> None:
    assert (swap.name, swap.source, swap.target) == ("ada-as-ben", "ada", "ben")
    assert get_swap(workspace, "Ada as Ben") == swap
    assert list_swaps(workspace) == [swap]
    for folder in (swap.checkpoints_dir, swap.previews_dir, swap.results_dir):
        assert folder.is_dir()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"target": "Ada"}, "needs two people"),
        ({"source": "Zoe"}, "no person called 'Zoe'"),
        ({"name": "../x"}, "holds a slash"),
        ({"name": "-rf"}, "looks like an option"),
        ({"seed": -1}, "out of range"),
    ],
)
def test_a_swap_that_cannot_be_made_leaves_nothing(
    workspace: Workspace, ada: Person, ben: Person, change: dict[str, Any], sentence: str
) -> None:
    asked = {"name": None, "source": "ada", "target": "ben", "seed": 1, **change}
    with pytest.raises(CommandError, match=sentence):
        new_swap(workspace, **asked, preset="light-64", settings={})
    assert list(workspace.swaps.iterdir()) == []


def test_two_swaps_cannot_have_one_name(workspace: Workspace, swap: Swap) -> None:
    with pytest.raises(CommandError, match="already a swap in the folder 'ada-as-ben'"):
        new_swap(workspace, "ADA as Ben", "ben", "ada", preset="x", seed=1, settings={})
    assert get_swap(workspace, "ada-as-ben") == swap


def test_an_unknown_swap_says_which_there_are(workspace: Workspace, swap: Swap) -> None:
    with pytest.raises(CommandError, match="There is: ada-as-ben"):
        get_swap(workspace, "nothing")


def test_an_update_keeps_comments_and_drops_what_is_gone(workspace: Workspace, swap: Swap) -> None:
    path = swap.root / "swap.toml"
    text = path.read_text().replace("eyes = 3.0", "eyes = 3.0 # blinks were lost with 1")
    path.write_text("# for the trailer\n" + text)
    changed = update_swap(
        swap, settings={"loss": {"eyes": 3.0, "mouth": None}, "warp": True}, fingerprints={"a": "f"}
    )
    assert changed == get_swap(workspace, "ada-as-ben")
    assert changed.settings == {"loss": {"eyes": 3.0}, "warp": True}
    assert path.read_text().startswith("# for the trailer\n")
    assert "eyes = 3.0 # blinks were lost with 1" in path.read_text()
    assert update_swap(changed, settings={}).settings == {}
    assert get_swap(workspace, "ada-as-ben").settings == {}


def test_what_a_swap_is_about_cannot_be_changed(swap: Swap) -> None:
    with pytest.raises(ValueError, match="source"):
        update_swap(swap, source="ben")


def test_a_damaged_swap_names_the_field_and_does_not_hide_others(
    workspace: Workspace, swap: Swap
) -> None:
    path = swap.root / "swap.toml"
    path.write_text(path.read_text().replace("seed = 7", 'seed = "seven"'))
    with pytest.raises(DamagedError, match="'seed': it must be a whole number"):
        get_swap(workspace, swap.slug)
    problems: list[SwapdeckError] = []
    assert list_swaps(workspace, problems) == [] and len(problems) == 1


def test_a_link_out_of_a_swap_is_refused(workspace: Workspace, swap: Swap, tmp_path: Path) -> None:
    swap.results_dir.rmdir()
    swap.results_dir.symlink_to(tmp_path)
    with pytest.raises(CommandError, match="leads out of"):
        get_swap(workspace, swap.slug)


@pytest.mark.parametrize("name", ["history.jsonl", "scores.jsonl", "runs.jsonl", "tensorboard"])
def test_what_a_training_adds_may_not_lead_out_of_a_swap(
    workspace: Workspace, swap: Swap, tmp_path: Path, name: str
) -> None:
    (swap.root / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CommandError, match="leads out of"):
        get_swap(workspace, swap.slug)


def test_a_removed_swap_can_be_restored(workspace: Workspace, swap: Swap, ada: Person) -> None:
    assert swaps_of(workspace, ada) == [swap]
    trashed = remove_swap(workspace, swap)
    assert list_swaps(workspace) == [] and swaps_of(workspace, ada) == []
    restore_from_trash(workspace, trashed)
    assert list_swaps(workspace) == [swap]
