"""The gallery: what is in sight is drawn, and decisions are the command line's own."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.cli.app import run
from projects.face_decisions import decide
from projects.faces import FaceIndex
from projects.people import Person, remove_person
from projects.sources import list_sources
from projects.workspace import Workspace
from tui.app import Dashboard
from tui.face_window import FacePane, FacePicture, dotted
from tui.face_words import caption, clock, why
from tui.gallery import Gallery
from tui.gallery_reading import FaceReader, View
from tui.people_faces import FacesScreen
from tui.picture import Pixels
from tui.reading import Reader

from .conftest import NOW, press, reread, screen_text, settle, told, write
from .workspaces import empty, person

Open = Callable[[], Dashboard]


@pytest.fixture
def anna(root: Path) -> Person:
    """Anna with 40 faces, every eighth rejected as a stranger's."""
    return person(empty(root), "Anna", faces=40)


def gallery(pilot: Pilot[None]) -> Gallery:
    return pilot.app.screen.query_one(Gallery)


def verdict(who: Person, identity: int) -> tuple[bool, str]:
    with FaceIndex(who.index_path, readonly=True) as index:
        face = index.face(identity)
    return face.kept, face.reason


async def test_faces_are_shown_with_their_state_and_figures(anna: Person, dashboard: Open) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F")
        text = screen_text(pilot)
        assert "Anna · 35 of 40 kept · by time" in text
        assert "▀▀▀▀" in text
        assert "✓ kept" in text
        assert "clip.mp4" in text
        await press(pilot, *["l"] * 7)
        assert "8 of 40  ✗ Rejected as stranger" in screen_text(pilot)
        assert "it shows somebody else" in screen_text(pilot)


async def test_one_face_is_rejected_and_z_takes_it_back(anna: Person, dashboard: Open) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F", "l", "r")
        assert verdict(anna, 2) == (False, "by hand")
        assert gallery(pilot).face == 3  # on to the next
        assert "34 of 40 kept" in screen_text(pilot)
        await press(pilot, "z")
        assert verdict(anna, 2) == (True, "")
        assert "Taken back: reject 2" in told(pilot)
        assert "35 of 40 kept" in screen_text(pilot)


async def test_a_decision_is_taken_back_after_the_gallery_is_left(
    anna: Person, dashboard: Open
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F", "r", "escape", "z")
        assert "Taken back: reject 1" in told(pilot)
        assert verdict(anna, 1) == (True, "")


async def test_marked_faces_are_kept_together(anna: Person, dashboard: Open) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F", *["l"] * 7, "space", *["l"] * 7, "space")
        assert "● 2 marked" in screen_text(pilot)
        await press(pilot, "K")
        assert verdict(anna, 8) == verdict(anna, 16) == (True, "by hand")
        assert "2 faces kept" in told(pilot)
        assert "marked" not in screen_text(pilot)
        await press(pilot, "z")
        assert verdict(anna, 8) == verdict(anna, 16) == (False, "stranger")


async def test_all_of_a_view_are_marked_and_unmarked(anna: Person, dashboard: Open) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F", "m")
        assert "● 40 marked" in screen_text(pilot)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, FacesScreen)
        assert "marked" not in screen_text(pilot)
        await press(pilot, "m", "r")
        with FaceIndex(anna.index_path, readonly=True) as index:
            assert index.counts().kept == 0


async def test_a_rule_shows_or_decides(anna: Person, dashboard: Open) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F", "f")
        await write(pilot, "reason=stranger")
        await press(pilot, "enter")
        assert "rule: reason=stranger · 5 shown" in screen_text(pilot)
        assert len(gallery(pilot).order.ids) == 5
        await press(pilot, "f", "ctrl+u")
        await write(pilot, "frame<4")
        await press(pilot, "down", "r", "down")
        await write(pilot, "dull")
        await press(pilot, "enter")
        assert verdict(anna, 1) == (False, "by hand: dull")
        assert "4 faces rejected" in told(pilot)
        await press(pilot, "z")
        assert verdict(anna, 1) == (True, "")


async def test_a_rule_that_is_none_keeps_the_form_open(anna: Person, dashboard: Open) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F", "f")
        await write(pilot, "beauty>3")
        await press(pilot, "enter")
        assert "'beauty', which faces do not have" in screen_text(pilot)
        await press(pilot, "ctrl+u", "down", "r", "enter")  # rejecting needs a rule
        assert "is not FIELD, a comparison and a value" in screen_text(pilot)


async def test_faces_are_sorted_grouped_and_only_rejected_ones_shown(
    anna: Person, dashboard: Open
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F", "S", "s", "s", "enter")
        assert gallery(pilot).order.view.sort == "size"
        await press(pilot, "S", "down", "down", "r", "enter")
        text = screen_text(pilot)
        assert "by size · grouped by reason" in text
        assert "── kept  35 faces" in text
        await press(pilot, "G", "k")
        assert "── stranger  5 faces" in screen_text(pilot)
        await press(pilot, "S", "down", "down", "down", "r", "enter")
        assert "only rejected · 5 shown" in screen_text(pilot)
        await press(pilot, "K")
        assert "4 shown" in screen_text(pilot)


async def test_groups_by_source_carry_its_name(anna: Person, dashboard: Open) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F", "S", "down", "down", "s", "enter")
        assert "── clip.mp4  40 faces" in screen_text(pilot)


async def test_one_face_large_with_its_figures_and_landmarks(anna: Person, dashboard: Open) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F", *["l"] * 7, "enter")
        text = screen_text(pilot)
        assert "✗ stranger" in text
        assert "Rejected as stranger" in text
        assert "sharpness  12.00" in text
        assert "yaw" in text
        picture = pilot.app.screen.query_one(FacePicture)
        assert picture.size.height > 15
        plain = list(picture._strips)
        await press(pilot, "i")
        assert picture.landmarks
        await press(pilot, "l")
        assert "face 9 source clip.mp4" in " ".join(screen_text(pilot).replace("▀", "").split())
        assert plain != picture._strips
        await press(pilot, "escape")
        assert not pilot.app.screen.query_one(FacePane).display
        await press(pilot, "escape")
        assert not isinstance(pilot.app.screen, FacesScreen)


async def test_wide_terminals_show_the_face_beside_the_others(
    anna: Person, dashboard: Open
) -> None:
    async with dashboard().run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "F")
        assert "sharpness  10.00" in screen_text(pilot)
        await press(pilot, "l")
        assert "sharpness  11.00" in screen_text(pilot)


async def test_pictures_are_made_larger_and_smaller(anna: Person, dashboard: Open) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F", *["l"] * 9)
        before = gallery(pilot).columns
        await press(pilot, "plus")
        assert gallery(pilot).columns < before
        await press(pilot, "minus", "minus")
        assert gallery(pilot).columns > before
        assert gallery(pilot).face == 10


async def test_moving_goes_by_lines_and_pages_and_ends(anna: Person, dashboard: Open) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F")
        columns = gallery(pilot).columns
        await press(pilot, "j")
        assert gallery(pilot).cursor == columns
        await press(pilot, "k", "pagedown")
        assert gallery(pilot).cursor == 2 * columns
        await press(pilot, "G")
        assert gallery(pilot).face == 40
        await press(pilot, "l", "j")
        assert gallery(pilot).face == 40
        await press(pilot, "g", "h", "k")
        assert gallery(pilot).face == 1


async def test_of_20000_faces_only_those_in_sight_are_read(
    root: Path, anna: Person, dashboard: Open
) -> None:
    [source] = list_sources(anna)
    with sqlite3.connect(anna.index_path) as db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(faces)")]
        shown = ", ".join(f'"{name}"' for name in columns if name != "id")
        for _ in range(9):
            db.execute(f"INSERT INTO faces ({shown}) SELECT {shown} FROM faces")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F")
        wall = gallery(pilot)
        assert len(wall.order.ids) == 40 * 512
        await press(pilot, "G", "pageup", "g", "pagedown")
        assert len(wall.rows) < 200
        assert "✓" in screen_text(pilot)
    order = FaceReader(root, "anna").order(View(sort="sharpness", group="source"))
    assert order.groups == ((source.name, 40 * 512),)


async def test_what_the_command_line_decides_is_seen_and_the_other_way(
    root: Path, anna: Person, dashboard: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F")
        decide(anna, ["1-10"], kept=False)
        await reread(pilot)
        assert "26 of 40 kept" in screen_text(pilot)
        await press(pilot, "z")  # nothing was done here yet: the last decision is taken back
        assert "35 of 40 kept" in screen_text(pilot)
        await press(pilot, "r")
    assert run(["--workspace", str(root), "--json", "faces", "undo", "anna"]) == 0
    assert '"undone": "reject 1"' in capsys.readouterr().out


async def test_a_later_decision_elsewhere_is_not_taken_back_by_z(
    anna: Person, dashboard: Open
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F", "r")
        decide(anna, ["5"], kept=False)
        await press(pilot, "z")
        assert "More was decided about Anna's faces since" in told(pilot)
        assert verdict(anna, 1) == verdict(anna, 5) == (False, "by hand")


async def test_a_number_that_another_face_has_by_now_is_not_decided_about(
    anna: Person, dashboard: Open
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F")
        with sqlite3.connect(anna.index_path) as db:
            db.execute("UPDATE faces SET crop = 'another.png' WHERE id = 1")
        await press(pilot, "r")
        assert "others have their numbers now" in told(pilot)
        assert verdict(anna, 1) == (True, "")
        assert "35 of 40 kept" in screen_text(pilot)


async def test_a_read_only_dashboard_looks_and_changes_nothing(root: Path, anna: Person) -> None:
    app = Dashboard(Reader(root, clock=lambda: NOW), poll=None, readonly=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F", "l", "r", "K")
        assert "35 of 40 kept" in screen_text(pilot)
        assert "Reject" not in screen_text(pilot).splitlines()[-1]
        await press(pilot, "f")
        assert "Do" not in screen_text(pilot).split()
        await write(pilot, "yaw>0")
        await press(pilot, "enter")
        assert "rule: yaw>0" in screen_text(pilot)


async def test_a_workspace_that_may_only_be_read_shows_its_faces(
    anna: Person,
    dashboard: Open,
    user_folder: Path,
    as_user: Callable[[], contextlib.AbstractContextManager[None]],
) -> None:
    root = user_folder / "ws"
    async with dashboard().run_test(size=(80, 24)) as pilot:  # imports what the user may not
        await settle(pilot)
        await press(pilot, "F")
    with as_user():
        shown = person(empty(root), "Anna", faces=16)
        folders = [root, shown.root, shown.faces_dir, root / "people"]
        for folder in folders:
            folder.chmod(0o555)
        shown.index_path.chmod(0o444)
        async with Dashboard(Reader(root), poll=None).run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            await press(pilot, "F")
            assert "14 of 16 kept" in screen_text(pilot)
            assert "✓" in screen_text(pilot)
            await press(pilot, "r")
            assert "14 of 16 kept" in screen_text(pilot)
        for folder in folders:
            folder.chmod(0o755)


async def test_somebody_without_faces_is_told_what_to_do(root: Path, dashboard: Open) -> None:
    person(empty(root), "Anna")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F", "l", "j", "r", "space", "m", "enter", "G")
        assert "No faces yet." in screen_text(pilot)
        await press(pilot, "escape")
        assert not isinstance(pilot.app.screen, FacesScreen)


async def test_no_face_that_meets_the_rule_is_a_sentence(anna: Person, dashboard: Open) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F", "f")
        await write(pilot, "yaw>80")
        await press(pilot, "enter")
        assert "No face is like that." in screen_text(pilot)
        await press(pilot, "f", "ctrl+u", "enter")
        assert len(gallery(pilot).order.ids) == 40


async def test_a_person_who_goes_away_meanwhile_is_a_sentence(
    root: Path, anna: Person, dashboard: Open
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F")
        remove_person(Workspace(root), anna)
        await reread(pilot)
        assert "There is no person called 'anna'" in screen_text(pilot)
        await press(pilot, "r", "l", "f", "escape", "escape")
        assert not isinstance(pilot.app.screen, FacesScreen)


@pytest.mark.parametrize("damage", ["file", "row"])
async def test_a_damaged_index_is_a_sentence(anna: Person, dashboard: Open, damage: str) -> None:
    if damage == "file":
        anna.index_path.write_bytes(b"no database at all" * 99)
    else:
        with sqlite3.connect(anna.index_path) as db:
            db.execute("UPDATE faces SET crop = '../../secret' WHERE id = 3")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F")
        text = " ".join(screen_text(pilot).split())
        assert "The faces cannot be shown." in text
        assert "is damaged" in text
        await press(pilot, "escape")
        assert not isinstance(pilot.app.screen, FacesScreen)


async def test_faces_that_could_not_be_read_are_asked_for_again(
    anna: Person, dashboard: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F")
        screen, shown = pilot.app.screen, gallery(pilot)
        assert isinstance(screen, FacesScreen)
        shown._strips.clear()  # none was read: what is wanted is what was wanted before
        asked: list[object] = []
        monkeypatch.setattr(shown, "_fetch", lambda *what: asked.append(what))
        order = screen.reader.order(View())
        screen._loaded(screen.Loaded(None, "A row is damaged."))
        screen._loaded(screen.Loaded(order, ""))  # of another reading, at the same moment
        assert asked


async def test_a_missing_or_broken_picture_is_said_in_its_place(
    anna: Person, dashboard: Open
) -> None:
    (anna.faces_dir / "000000.png").unlink()
    (anna.faces_dir / "000001.png").write_bytes(b"\x1b[2J")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F")
        assert screen_text(pilot).count("no picture") == 2
        await press(pilot, "enter")
        assert "is not there any more" in screen_text(pilot)


async def test_hostile_reasons_cannot_reach_the_terminal(anna: Person, dashboard: Open) -> None:
    with sqlite3.connect(anna.index_path) as db:
        db.execute("UPDATE faces SET kept = 0, reason = ? WHERE id = 1", ("[red]\x1b[2Jx\u202ey",))
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F", "enter", "escape", "S", "down", "down", "r", "enter")
        text = screen_text(pilot)
        assert "\x1b" not in text and "\u202e" not in text
        assert "[red][2Jxy" in text


def test_every_reason_is_explained_with_its_figure(anna: Person) -> None:
    with FaceIndex(anna.index_path, readonly=True) as index:
        row = index.face(8)
    for reason, words in (
        ("blurred", "Rejected as blurred (sharpness 12.00): it is not sharp enough."),
        ("too small", "Rejected as too small (80 px)"),
        ("covered", "Rejected as covered (covered -)"),
        ("by hand", "Rejected by hand."),
        ("by hand: blinks", "Rejected by hand: blinks"),
        ("rule: yaw>3", "Rejected by the rule: yaw>3"),
        ("moon", "Rejected as moon."),
    ):
        assert why(type(row)(**{**vars(row), "reason": reason})).startswith(words)
    assert why(type(row)(**{**vars(row), "kept": True})) == ""
    assert caption(row, "size") == "80 px"
    assert clock(3725.4) == "1:02:05"
    assert clock(float("nan")) == "-"


def test_landmarks_that_are_no_numbers_are_not_drawn() -> None:
    points = [(float("nan"), 0.5), (float("inf"), 0.0), (-3.0, 2.0), (0.5, 0.5)]
    marked = dotted(Pixels(2, 2, bytes(12)), points, (9, 9, 9))
    assert marked.rgb == bytes(9) + b"\t\t\t"


async def test_any_walk_through_groups_stays_on_the_faces(anna: Person, dashboard: Open) -> None:
    draw = random.Random(3)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F", "S", "down", "down", "e", "enter")
        wall = gallery(pilot)
        wall.show(replace(wall.order, groups=(("a", 1), ("b", 7), ("c", 32))))
        for _ in range(30):
            before = wall.cursor
            key = draw.choice("hjkl")
            await pilot.press(key)
            moved = wall.cursor - before
            assert 0 <= wall.cursor < 40
            assert moved in {"h": (-1, 0), "l": (1, 0)}.get(key, range(-9, 10))
            assert not (key == "j" and moved < 0) and not (key == "k" and moved > 0)
