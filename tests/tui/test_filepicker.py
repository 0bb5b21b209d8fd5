"""Choosing footage by keys: folders, marks, typed paths, and what cannot be chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from tui.app import Dashboard
from tui.filepicker import PickFiles
from tui.folders import MOST_ENTRIES, list_folder
from tui.rows import Rows

from .conftest import listed, press, screen_text, settle, type_ahead
from .workspaces import empty

Open = Callable[[], Dashboard]


class Answer:
    """What was chosen."""

    paths: tuple[Path, ...] | None = (Path("nothing yet"),)

    def take(self, paths: tuple[Path, ...] | None) -> None:
        self.paths = paths


async def show(pilot: Pilot[None], picker: PickFiles) -> Answer:
    answer = Answer()
    pilot.app.push_screen(picker, answer.take)
    await settle(pilot)
    return answer


def footage(root: Path) -> Path:
    folder = root.parent / "footage"
    (folder / "day2").mkdir(parents=True)
    for name in ("take10.mp4", "take9.mp4", "still.png", "notes.txt", "day2/b.mov"):
        (folder / name).write_bytes(b"x" * 2000)
    (folder / ".hidden.mp4").touch()
    return folder


async def test_a_file_is_chosen_by_going_through_folders(root: Path, dashboard: Open) -> None:
    empty(root)
    folder = footage(root)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        answer = await show(pilot, PickFiles("Footage", folder))
        names = [row.split()[0] for row in listed(pilot)]
        assert names == ["..", "day2/", "notes.txt", "still.png", "take9.mp4", "take10.mp4"]
        await press(pilot, "j", "enter", "j", "enter")
        assert answer.paths == (folder / "day2" / "b.mov",)


async def test_several_are_marked_and_chosen_together(root: Path, dashboard: Open) -> None:
    empty(root)
    folder = footage(root)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        answer = await show(pilot, PickFiles("Footage", folder, many=True))
        await press(pilot, "G", "space", "k", "space")
        assert "2 files marked" in screen_text(pilot)
        await press(pilot, "g", "j", "enter", "j", "space", "ctrl+s")
        assert answer.paths == (
            folder / "take10.mp4",
            folder / "take9.mp4",
            folder / "day2" / "b.mov",
        )


async def test_what_is_not_wanted_cannot_be_chosen(root: Path, dashboard: Open) -> None:
    empty(root)
    folder = footage(root)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        answer = await show(pilot, PickFiles("Footage", folder, ("video",)))
        await press(pilot, "j", "j", "enter")
        assert "That cannot be chosen here. Wanted: video." in screen_text(pilot)
        await press(pilot, "g", "ctrl+s")
        assert "That cannot be chosen here." in screen_text(pilot)
        await press(pilot, "escape")
        assert answer.paths is None
        answer = await show(pilot, PickFiles("Footage", folder, ("video", "folder")))
        await press(pilot, "ctrl+s")
        assert answer.paths == (folder,)


async def test_a_path_can_be_typed_and_words_narrow_the_list(root: Path, dashboard: Open) -> None:
    empty(root)
    folder = footage(root)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        answer = await show(pilot, PickFiles("Footage", root / "not" / "there"))
        await press(pilot, "slash")
        for character in f"{folder}/take9.mp4":
            await pilot.press(
                {"/": "slash", "-": "minus", "_": "underscore", ".": "full_stop"}.get(
                    character, character
                )
            )
        await press(pilot, "enter")
        assert pilot.app.screen.query_one(Rows).key == "take9.mp4"
        await press(pilot, "slash", "t", "a", "k", "e", "enter")
        assert len(listed(pilot)) == 2
        await press(pilot, "enter")
        assert answer.paths == (folder / "take9.mp4",)
        answer = await show(pilot, PickFiles("Footage", folder))
        await press(pilot, "slash", "x", "slash", "y", "enter")
        assert "There is no" in screen_text(pilot)
        await press(pilot, "escape", "escape")
        assert answer.paths is None


def test_a_folder_is_bounded_and_says_why_it_cannot_be_read(tmp_path: Path) -> None:
    assert "cannot be read" in list_folder(tmp_path / "nowhere").problem
    for number in range(MOST_ENTRIES + 3):
        (tmp_path / f"{number}.png").touch()
    found = list_folder(tmp_path)
    assert (len(found.entries), found.more) == (MOST_ENTRIES, 3)
    assert found.entries[2].name == "2.png"


def test_links_that_lead_out_are_only_named(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "real").mkdir()
    (inside / "good").symlink_to(inside / "real")
    (inside / "bad").symlink_to(outside)
    (inside / "round").symlink_to(inside / "round")
    kinds = {entry.name: entry.kind for entry in list_folder(inside, inside).entries}
    assert kinds == {"real": "folder", "good": "folder", "bad": "link", "round": "link"}


async def test_a_path_that_is_typed_at_once_is_taken_whole(root: Path, dashboard: Open) -> None:
    empty(root)
    folder = footage(root)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        answer = await show(pilot, PickFiles("Footage", folder))
        await type_ahead(pilot, "/day2/b.mov\r")
        await press(pilot, "enter")
        assert answer.paths == (folder / "day2" / "b.mov",)
