import errno
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from projects.errors import CommandError, DamagedError, NewerVersionError, SwapdeckError
from projects.people import Person, get_person, remove_person
from projects.workspace import (
    Workspace,
    default_root,
    list_trash,
    move_to_trash,
    open_workspace,
    restore_from_trash,
)

AsUser = Callable[[], AbstractContextManager[None]]


def test_a_workspace_is_made_once_and_opened_again(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "w"
    made = open_workspace(root, create=True)
    assert open_workspace(root) == made
    assert {e.name for e in root.iterdir()} == {
        "swapdeck.toml",
        "people",
        "swaps",
        "bases",
        "jobs",
        "trash",
    }


def test_folders_that_were_deleted_by_hand_come_back(workspace: Workspace) -> None:
    workspace.jobs.rmdir()
    assert open_workspace(workspace.root).jobs.is_dir()


def test_a_creation_that_was_interrupted_is_completed(tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()
    assert open_workspace(tmp_path, create=True).swaps.is_dir()


def test_no_workspace_there_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="swapdeck person add"):
        open_workspace(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("create", [False, True])
def test_a_folder_of_other_things_is_not_taken_for_a_workspace(
    tmp_path: Path, create: bool
) -> None:
    (tmp_path / "holiday.jpg").write_text("x")
    with pytest.raises(CommandError, match="not a workspace"):
        open_workspace(tmp_path, create=create)
    assert [e.name for e in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_file_is_not_a_workspace(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    with pytest.raises(CommandError, match="not a folder"):
        open_workspace(tmp_path / "f", create=True)


def test_a_newer_workspace_says_update(workspace: Workspace) -> None:
    (workspace.root / "swapdeck.toml").write_text("version = 99\n")
    with pytest.raises(NewerVersionError, match="Update swapdeck"):
        open_workspace(workspace.root)


def test_a_damaged_workspace_file_names_the_line(workspace: Workspace) -> None:
    (workspace.root / "swapdeck.toml").write_text("version = 1\n[settings\n")
    with pytest.raises(DamagedError, match=r"swapdeck.toml is damaged.*line 2"):
        open_workspace(workspace.root)


@pytest.mark.parametrize(
    ("mode", "sentence"), [(0o000, "locked"), (0o555, "read-only for you.*chmod")]
)
def test_a_locked_or_read_only_workspace_is_a_sentence(
    user_folder: Path, as_user: AsUser, mode: int, sentence: str
) -> None:
    with as_user():
        root = open_workspace(user_folder / "w", create=True).root
        root.chmod(mode)
        try:
            with pytest.raises(SwapdeckError, match=sentence):
                open_workspace(root)
        finally:
            root.chmod(0o755)


def test_a_locked_folder_inside_is_a_sentence(user_folder: Path, as_user: AsUser) -> None:
    with as_user():
        ws = open_workspace(user_folder / "w", create=True)
        ws.people.chmod(0o000)
        try:
            with pytest.raises(SwapdeckError, match=r"no permission to use .*people"):
                open_workspace(ws.root)
        finally:
            ws.people.chmod(0o755)


def test_a_folder_that_links_out_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    workspace.people.rmdir()
    workspace.people.symlink_to(tmp_path)
    with pytest.raises(CommandError, match="leads out of"):
        open_workspace(workspace.root)


def test_the_default_place_is_the_variable_or_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SWAPDECK_WORKSPACE", "~/w")
    assert default_root() == tmp_path / "w"
    monkeypatch.delenv("SWAPDECK_WORKSPACE")
    assert default_root() == tmp_path / "swapdeck"


def test_what_is_removed_can_be_restored(workspace: Workspace, ada: Person) -> None:
    trashed = remove_person(workspace, ada)
    assert not ada.root.exists()
    assert list_trash(workspace) == [trashed]
    assert restore_from_trash(workspace, trashed) == ada.root
    assert get_person(workspace, "Ada") == ada
    assert list_trash(workspace) == []
    assert list(workspace.trash.iterdir()) == []


def test_restoring_never_overwrites(workspace: Workspace, ada: Person) -> None:
    trashed = remove_person(workspace, ada)
    ada.root.mkdir()
    with pytest.raises(CommandError, match="exists again"):
        restore_from_trash(workspace, trashed)
    assert trashed.exists()


def test_two_things_of_one_name_can_be_in_the_trash(workspace: Workspace) -> None:
    for _ in range(3):
        (workspace.people / "x").mkdir()
        move_to_trash(workspace, workspace.people / "x")
    assert len(list_trash(workspace)) == 3


@pytest.mark.parametrize("path", ["/etc", "people", "people/../../x", "trash/x", "people/none"])
def test_only_things_of_the_workspace_can_be_removed(workspace: Workspace, path: str) -> None:
    with pytest.raises(CommandError):
        move_to_trash(workspace, workspace.root / path)


def test_removing_that_fails_leaves_everything_where_it_was(
    workspace: Workspace, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(SwapdeckError, match="disk is full"):
        remove_person(workspace, ada)
    assert get_person(workspace, "ada") == ada
    assert list(workspace.trash.iterdir()) == []
