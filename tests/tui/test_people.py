"""What is done with people: added, merged, trashed; jobs started for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from projects import jobs
from projects.consent import Consent
from projects.people import get_person, list_people, remove_person, rename_person
from projects.sources import About, add_source, list_sources
from projects.workspace import Workspace, list_trash
from tui.advice import AdviceWindow
from tui.app import Dashboard
from tui.dialogs import Confirm
from tui.filepicker import PickFiles
from tui.forms import Form
from tui.people_faces import FacesScreen
from tui.people_sources import SourcesScreen
from tui.pose_map import pose_map
from tui.reading import Reader

from .conftest import NOW, listed, press, reread, screen_text, settle, told, write
from .workspaces import RELEASE, empty, ended_job, person

Open = Callable[[], Dashboard]


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[jobs.Job]:
    """The jobs that were started; their processes are not, which other tests are about."""
    started: list[jobs.Job] = []
    monkeypatch.setattr(jobs, "launch", started.append)
    return started


# Adding and changing.


async def test_a_person_is_added_with_their_consent_in_an_empty_place(
    root: Path, dashboard: Open
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "a")
        assert "faces of people under age" in " ".join(screen_text(pilot).split())
        await write(pilot, "Ada L")
        await press(pilot, "down", "r", "down")
        await write(pilot, "the film")
        await press(pilot, "ctrl+s")
        assert listed(pilot)[0].split()[:3] == ["Ada", "L", "release"]
        consent = get_person(Workspace(root), "ada-l").consent
        assert consent is not None
        assert (consent.basis, consent.scope) == ("release", "the film")
        assert consent.covers == ("training", "conversion")
        assert "Added Ada L" in told(pilot)
        await press(pilot, "z")
        assert listed(pilot) == []
        assert [path.name for path in list_trash(Workspace(root))] == ["ada-l"]


async def test_a_consent_that_is_incomplete_or_a_taken_name_keeps_the_form_open(
    root: Path, dashboard: Open
) -> None:
    person(empty(root), "Anna")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "a")
        await write(pilot, "anna")
        await press(pilot, "ctrl+s")
        assert "already a person called 'Anna'" in screen_text(pilot)
        await write(pilot, "s")
        await press(pilot, "down", "r", "ctrl+s")
        assert "The consent has no scope." in screen_text(pilot)
        await press(pilot, "escape", "right", "enter")
        assert len(list_people(Workspace(root))) == 1


async def test_a_person_goes_to_the_trash_and_comes_back(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    person(ws, "Anna", faces=8)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "d")
        assert "1 source and 8 faces" in screen_text(pilot)
        await press(pilot, "right", "enter")
        assert listed(pilot) == []
        await press(pilot, "z")
        assert listed(pilot)[0].split()[:5] == ["Anna", "synthetic", "1", "7", "1"]


async def test_nobody_is_trashed_under_a_job(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    anna = person(ws, "Anna")
    job = jobs.create_job(ws, "extract", "anna", {})
    with jobs.holding_lock(job) as descriptor:
        assert descriptor is not None
        jobs.record_processes(job, descriptor, None)
        async with dashboard().run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            await press(pilot, "d", "right", "enter")
            assert f"swapdeck jobs stop {job.id}" in told(pilot)
            assert anna.root.exists()


async def test_two_folders_of_one_human_are_merged_after_saying_what_will_be(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    person(ws, "Anna", RELEASE, faces=8)
    person(ws, "Anna again", Consent("release", "one film", "x", "2026-11-02"), faces=4)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "m", "enter")
        text = " ".join(screen_text(pilot).replace("│", " ").split())
        assert "Are Anna and Anna again the same human being?" in text
        assert "Anna gets 1 source of Anna again with 4 faces" in text
        await press(pilot, "enter")
        assert len(listed(pilot)) == 2
        await press(pilot, "m", "enter", "right", "enter")
        assert [row.split()[:5] for row in listed(pilot)] == [["Anna", "release", "2", "11", "1"]]
        assert "^E judges the faces together" in told(pilot)


async def test_a_merge_that_is_refused_says_why(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    person(ws, "Anna", RELEASE)
    person(ws, "Bruno")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "m", "enter")
        assert "rendered" in told(pilot)
        assert len(listed(pilot)) == 2


# Footage and faces.


async def test_footage_is_gathered_by_a_job(
    root: Path, dashboard: Open, launched: list[jobs.Job], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    ws = empty(root)
    person(ws, "Anna")
    footage = tmp_path / "my footage"
    footage.mkdir()
    (footage / "a clip.mp4").write_bytes(b"x")
    monkeypatch.chdir(footage)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "A")
        assert isinstance(pilot.app.screen, PickFiles)
        assert "a clip.mp4" in screen_text(pilot)
        await press(pilot, "j", "enter")
        assert pilot.app.screen.query_one("#field-sources", Input).value.endswith("a clip.mp4'")
        await press(pilot, *["down"] * 6)
        await write(pilot, "20")
        await press(pilot, "ctrl+s")
        [job] = launched
        assert (job.verb, job.subject) == ("gather", "anna")
        asked = jobs.read_spec(job)["arguments"]
        assert asked["paths"] == [str(footage / "a clip.mp4")]
        assert asked["settings"]["start"] == 20
        assert asked["search"] is None
        assert "Started: gather anna" in told(pilot)


async def test_links_and_a_search_need_no_file(
    root: Path, dashboard: Open, launched: list[jobs.Job]
) -> None:
    person(empty(root), "Anna")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "A", "escape", "ctrl+s")
        assert "Name a source to bring in" in screen_text(pilot)
        await write(pilot, "nowhere.mp4")
        await press(pilot, "ctrl+s")
        assert "There is no nowhere.mp4" in screen_text(pilot)
        await press(pilot, "ctrl+u", "down")
        await write(pilot, "ada lovelace")
        await press(pilot, "down", "ctrl+u")
        await write(pilot, "7")
        await press(pilot, "ctrl+s")
        asked = jobs.read_spec(launched[0])["arguments"]
        assert asked["search"] == {
            "words": "ada lovelace", "count": 7, "licence": "any", "min_width": 0, "min_size": 256,
        }  # fmt: skip


async def test_a_folder_that_is_gone_under_the_dashboard_ends_nothing(
    root: Path, dashboard: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(empty(root), "Anna")
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "A", "escape")
        await write(pilot, "*.mp4")
        await press(pilot, "ctrl+s")
        text = " ".join(screen_text(pilot).replace("│", " ").split())
        assert "The paths cannot be looked up" in text


async def test_faces_are_searched_by_a_job(
    root: Path, dashboard: Open, launched: list[jobs.Job]
) -> None:
    person(empty(root), "Anna", faces=2)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "ctrl+e", "ctrl+u", "5", "down")
        await write(pilot, "oops")
        await press(pilot, "ctrl+s")
        assert "is no range" in screen_text(pilot)
        await press(pilot, "ctrl+u", "ctrl+s")
        asked = jobs.read_spec(launched[0])["arguments"]
        assert (asked["every"], asked["min_size"], asked["rotate"]) == (5, 48, 0)
        assert asked["person"] == "anna"


async def test_a_search_without_sources_is_not_started(
    root: Path, dashboard: Open, launched: list[jobs.Job]
) -> None:
    person(empty(root), "Anna")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "ctrl+e")
        assert "has no sources yet. A brings some in." in told(pilot)
        assert launched == []


async def test_a_job_is_shown_live_with_the_person_and_can_be_paused(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    person(ws, "Anna", faces=2)
    job = jobs.create_job(ws, "extract", "anna", {})
    log = jobs.EventLog(job)
    log.emit("stage", name="faces", total=200, unit="frames")
    log.emit("progress", stage="faces", done=50, total=200, rate=10.0, eta=15.0, text="31 faces")
    with jobs.holding_lock(job) as descriptor:
        assert descriptor is not None
        async with dashboard().run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            await press(pilot, "enter")
            text = screen_text(pilot)
            assert "extract  ● running" in text
            assert " 25%" in text
            assert "faces 50 of 200 frames" in text
            await press(pilot, "p")
            assert jobs.requested(job).pause
            log.emit("progress", stage="faces", done=100, total=200, text="60 faces")
            await reread(pilot)
            assert " 50%" in screen_text(pilot)


async def test_a_job_that_failed_says_why_with_the_person(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    person(ws, "Anna")
    ended_job(ws, "gather", "anna", 1, "clip.mp4 is empty. Check that it was copied whole.")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "enter")
        assert "gather  ✗ failed" in screen_text(pilot)
        assert "clip.mp4 is empty." in screen_text(pilot)


async def test_next_goes_from_consent_to_footage_to_faces(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    anna = person(ws, "Anna")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "n")
        assert isinstance(pilot.app.screen, PickFiles)
        await press(pilot, "escape", "escape")
        (root / "clip.mp4").write_bytes(b"x")
        add_source(anna, root / "clip.mp4", "video", "/somewhere/clip.mp4")
        await reread(pilot)
        await press(pilot, "n")
        assert "Find the faces of Anna" in screen_text(pilot)
        await press(pilot, "escape")
        remove_person(ws, anna)
        person(ws, "Bea", faces=3)
        await reread(pilot)
        await press(pilot, "n")
        assert isinstance(pilot.app.screen, FacesScreen)


async def test_enter_goes_from_the_list_to_the_person_to_the_faces(
    root: Path, dashboard: Open
) -> None:
    person(empty(root), "Anna", faces=3)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "enter")
        assert "next  look at the faces" in screen_text(pilot)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, FacesScreen)
        await press(pilot, "escape", "escape")
        assert listed(pilot)[0].startswith("Anna")


# Sources, poses, advice.


async def test_sources_are_listed_with_origin_and_licence_and_taken_away(
    root: Path, dashboard: Open, tmp_path: Path
) -> None:
    ws = empty(root)
    anna = person(ws, "Anna", faces=8)
    found = tmp_path / "found.jpg"
    found.write_bytes(b"picture")
    about = About(licence="CC BY 4.0", author="A. Body", page="https://example.org/x", seconds=65.0)
    add_source(anna, found, "image", "https://example.org/x.jpg", about=about)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "o")
        assert isinstance(pilot.app.screen, SourcesScreen)
        assert "2 sources" in screen_text(pilot)
        [picture] = [row for row in listed(pilot) if "found.jpg" in row]
        assert "CC BY 4.0" in picture and "1 min 5 s" in picture
        if "found.jpg" in listed(pilot)[0]:
            await press(pilot, "j")
        assert "not known: nothing was said" in screen_text(pilot)
        await press(pilot, "d")
        assert "the faces that were found in it are rejected" in " ".join(
            screen_text(pilot).replace("│", " ").split()
        )
        await press(pilot, "right", "enter")
        assert [source.name for source in list_sources(anna)] == ["found.jpg"]
        assert "author   A. Body" in screen_text(pilot)
        await press(pilot, "escape")
        assert listed(pilot)[0].split()[:5] == ["Anna", "synthetic", "1", "0", "8"]
        await press(pilot, "z")
        assert listed(pilot)[0].split()[:5] == ["Anna", "synthetic", "2", "7", "1"]
        assert "7 faces with it" in told(pilot)


async def test_sources_of_somebody_who_is_gone_or_has_none(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    anna = person(ws, "Anna")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "o")
        assert "No sources yet." in screen_text(pilot)
        remove_person(ws, anna)
        await reread(pilot)
        assert "not there any more" in screen_text(pilot)
        await press(pilot, "d", "escape")
        assert not isinstance(pilot.app.screen, SourcesScreen)


async def test_poses_are_a_map_of_numbers(root: Path, dashboard: Open) -> None:
    person(empty(root), "Anna", faces=40)
    async with dashboard().run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        text = screen_text(pilot)
        assert "poses of the kept faces: yaw across, pitch down" in text
        [level] = [line for line in text.splitlines() if " 0°  " in line and "≤" not in line]
        numbers = [int(word) for word in level.split("0°")[-1].split() if word.isdigit()]
        assert sum(numbers) == 35


def test_a_pose_map_counts_every_face_also_beyond_its_edges() -> None:
    counts = {(0, 0): 12, (9, 0): 3, (4, 0): 1, (-2, 7): 5, (1, -1): 200_000}
    lines = pose_map(counts, 80).plain.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split()[0] == "≤-60°"
    assert lines[4].split() == ["0°", *"····", "12", *"···", "4"]
    assert lines[1].split() == ["≥+30°", "·", "·", "5", *"······"]
    assert "200k" in lines[5]
    assert len(pose_map(counts, 30).plain.splitlines()[0]) <= 30


async def test_the_doctor_is_asked_in_a_process_of_its_own(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    person(ws, "Anna", faces=16)
    person(ws, "Bruno", faces=16)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "D")
        assert isinstance(pilot.app.screen, AdviceWindow)
        text = " ".join(screen_text(pilot).replace("│", " ").split())
        assert "The doctor on Anna" in text
        assert "✗ problem Anna has 14 kept faces. That is too few" in text
        await press(pilot, "tab")
        assert "for a swap onto Bruno" in screen_text(pilot)
        await press(pilot, "escape")


async def test_what_the_doctor_cannot_read_is_a_sentence(root: Path, dashboard: Open) -> None:
    anna = person(empty(root), "Anna", faces=2)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        anna.index_path.write_bytes(b"no database" * 99)
        await press(pilot, "D")
        text = " ".join(screen_text(pilot).replace("│", " ").split())
        assert "✗ problem" in text and "is damaged" in text


# What goes wrong.


async def test_actions_on_nobody_are_hidden(root: Path, dashboard: Open) -> None:
    empty(root)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "e", "A", "ctrl+e", "F", "o", "D", "m", "W", "d", "n")
        assert "Nobody is here yet." in screen_text(pilot)
        assert not isinstance(pilot.app.screen, Form | PickFiles | Confirm)


async def test_a_damaged_person_can_only_be_looked_at_and_trashed(
    root: Path, dashboard: Open
) -> None:
    anna = person(empty(root), "Anna", faces=2)
    (anna.root / "person.toml").write_text("name = [")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "e", "A", "ctrl+e", "n")
        assert not isinstance(pilot.app.screen, Form | PickFiles)
        await press(pilot, "F")
        assert "The faces cannot be shown." in screen_text(pilot)
        await press(pilot, "escape", "o")
        assert "person.toml" in screen_text(pilot)


async def test_a_person_deleted_under_an_open_form_is_a_sentence(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    anna = person(ws, "Anna", RELEASE)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "e")
        await write(pilot, "x")
        remove_person(ws, anna)
        await press(pilot, "ctrl+s")
        assert "person.toml" in told(pilot)
        assert listed(pilot) == []


async def test_names_that_look_like_markup_or_come_from_the_right_are_harmless(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    for name in ("[red]Ann", "שרה לוי", "李明李明李明李明", "x" * 80):
        person(ws, name, RELEASE, faces=2)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert len(listed(pilot)) == 4
        assert "[red]Ann" in screen_text(pilot)
        for key in ("F", "o", "e", "d", "m", "A", "enter"):
            await press(pilot, "j", key, "escape", "escape")
        assert "\x1b" not in screen_text(pilot)


async def test_a_name_given_elsewhere_is_seen(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    anna = person(ws, "Anna", faces=2)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "F")
        rename_person(ws, anna, "Grace")
        await reread(pilot)
        await press(pilot, "escape")
        assert listed(pilot)[0].startswith("Grace")


async def test_a_read_only_dashboard_offers_nothing_that_writes(root: Path) -> None:
    ws = empty(root)
    person(ws, "Anna", faces=3)
    app = Dashboard(Reader(root, clock=lambda: NOW), poll=None, readonly=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        footer = screen_text(pilot).splitlines()[-1]
        assert "Add" not in footer
        await press(pilot, "a", "e", "A", "ctrl+e", "m", "W", "d")
        assert not isinstance(pilot.app.screen, Form | PickFiles | Confirm)
        await press(pilot, "o", "d")
        assert not isinstance(pilot.app.screen, Confirm)
        await press(pilot, "escape", "D")
        assert isinstance(pilot.app.screen, AdviceWindow)
