"""What a person sees and does: the lists, the details, the requests to running jobs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.content import Content
from textual.fuzzy import Matcher
from textual.widgets import Input

from projects import jobs
from projects.consent import Consent
from projects.people import remove_person
from projects.swaps import new_swap
from tui.app import Dashboard
from tui.curve import Curve
from tui.dialogs import Confirm, Help
from tui.picture import Picture

from .conftest import listed, press, reread, screen_text, settle, type_ahead
from .workspaces import (
    empty,
    ended_job,
    person,
    preview,
    running_job,
    step_event,
    trained_swap,
)

Open = Callable[[], Dashboard]


async def test_people_show_what_their_files_say(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    person(ws, "Anna", faces=16)
    person(ws, "Bruno", Consent("release", "one film", "tests", "2026-01-01", expires="2026-02-01"))
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        anna, bruno = listed(pilot)
        assert anna.split()[:5] == ["Anna", "synthetic", "1", "14", "2"]
        assert bruno.split()[:5] == ["Bruno", "!", "expired", "0", "0"]
        await press(pilot, "j", "enter")
        assert "The consent expired on 2026-02-01." in screen_text(pilot)
        assert "swapdeck gather bruno" in screen_text(pilot)
        await press(pilot, "escape", "k", "enter")
        text = screen_text(pilot)
        assert "stranger" in text
        assert "clip.mp4" in text
        assert len(pilot.app.screen.query_one(Picture).paths) == 4


async def test_swaps_show_people_steps_checkpoint_and_results(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    person(ws, "Anna", faces=1)
    person(ws, "Bruno", faces=1)
    swap = trained_swap(ws, "anna", "bruno", 500)
    new_swap(ws, "plain", "bruno", "anna", preset="classic-64", seed=1, settings={})
    async with dashboard().run_test(size=(140, 40)) as pilot:
        await press(pilot, "2")
        trained, plain = listed(pilot)
        assert trained.split()[:5] == ["Anna", "→", "Bruno", swap.slug, "light-64"]
        assert "500" in trained
        assert plain.split()[:5] == ["Bruno", "→", "Anna", "plain", "classic-64"]
        text = screen_text(pilot)
        assert "step 500" in text
        assert "bruno-anna-as-bruno.mp4" in text
        assert "4.2 MB" in text
        assert len(pilot.app.screen.query_one(Curve).points) == 50
        assert pilot.app.screen.query_one(Picture).size.height > 5


async def test_a_running_training_moves_when_events_are_appended(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    person(ws, "Anna")
    person(ws, "Bruno")
    swap = new_swap(ws, None, "anna", "bruno", preset="light-64", seed=1, settings={})
    job, log = running_job(ws, swap)
    with jobs.holding_lock(job) as descriptor:
        assert descriptor is not None
        async with dashboard().run_test(size=(80, 24)) as pilot:
            await press(pilot, "3", "enter")
            assert "● running" in screen_text(pilot)
            for step in range(20, 520, 20):
                log.emit("step", **step_event(step, 2000))
            await reread(pilot)
            text = screen_text(pilot)
            assert "step 500 of 2,000" in text
            assert " 25%" in text
            assert "11.4 steps/s" in text
            assert "2 min 12 s left" in text
            assert "mask 0.0110" in text
            assert len(pilot.app.screen.query_one(Curve).points) == 25
            log.emit("preview", step=500, path=str(preview(swap, 500)))
            job.output_path.write_text("compiling\r\x1b[2Kcompiled\n")
            await reread(pilot)
            assert "newest preview, step 500" in screen_text(pilot)
            await press(pilot, "G")
            assert "[2Kcompiled" in screen_text(pilot)
    jobs.write_exit(job, 0, "2,000 steps in 3 min.")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "3")
        assert listed(pilot)[0].startswith("✓ done")


async def test_stopping_asks_first_and_cancel_has_the_focus(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    person(ws, "Anna")
    person(ws, "Bruno")
    swap = new_swap(ws, None, "anna", "bruno", preset="light-64", seed=1, settings={})
    job, _ = running_job(ws, swap)
    with jobs.holding_lock(job):
        async with dashboard().run_test(size=(80, 24)) as pilot:
            await press(pilot, "3", "x")
            assert isinstance(pilot.app.screen, Confirm)
            assert pilot.app.focused is not None
            assert pilot.app.focused.id == "cancel"
            assert "swapdeck train anna-as-bruno" in screen_text(pilot)
            await press(pilot, "enter")
            assert not jobs.requested(job).stop
            await press(pilot, "x", "right", "enter")
            assert jobs.requested(job).stop
            assert "◐ stopping" in listed(pilot)[0]


async def test_pause_save_and_preview_are_asked_without_a_question(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    person(ws, "Anna")
    person(ws, "Bruno")
    swap = new_swap(ws, None, "anna", "bruno", preset="light-64", seed=1, settings={})
    job, log = running_job(ws, swap)
    with jobs.holding_lock(job):
        async with dashboard().run_test(size=(80, 24)) as pilot:
            await press(pilot, "2", "s", "v", "p")  # in the swap's own mode
            asked = jobs.requested(job)
            assert (asked.save, asked.preview, asked.pause) == (1, 1, True)
            log.emit("request", what="pause", answered=True)
            await press(pilot, "3")
            assert listed(pilot)[0].startswith("‖ paused")
            await press(pilot, "p")
            assert not jobs.requested(job).pause


async def test_a_finished_job_offers_no_requests_and_says_why_it_failed(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    job = ended_job(ws, "convert", "ada-as-ben", 1, "clip.mp4 has no video stream. Choose another.")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "3")
        assert listed(pilot)[0].startswith("✗ failed")
        footer = screen_text(pilot).splitlines()[-1]
        assert "Stop" not in footer
        assert "Pause" not in footer
        await press(pilot, "x", "p", "enter")
        assert not jobs.requested(job).stop
        assert "clip.mp4 has no video stream. Choose another." in screen_text(pilot)


async def test_an_empty_workspace_says_what_to_do_next(root: Path, dashboard: Open) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        text = screen_text(pilot)
        assert "swapdeck demo" in text
        assert "swapdeck person add" in text
        assert not root.exists()
        for mode, words in (("2", "swapdeck swap new"), ("3", "swapdeck train")):
            await press(pilot, mode)
            assert words in screen_text(pilot)
        await press(pilot, "1")
        person(empty(root), "Anna")
        await reread(pilot)
        assert listed(pilot)[0].startswith("Anna")


async def test_a_newer_workspace_is_a_sentence(root: Path, dashboard: Open) -> None:
    empty(root)
    (root / "swapdeck.toml").write_text("version = 99\n")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "newer swapdeck" in screen_text(pilot)


async def test_one_damaged_person_hides_nobody_else(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    person(ws, "Anna", faces=3)
    (person(ws, "Bruno").root / "person.toml").write_text("name = [")
    (person(ws, "Carla", faces=3).root / "faces.sqlite").write_bytes(b"nothing like SQLite" * 99)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert [row.split()[0] for row in listed(pilot)] == ["Anna", "bruno", "Carla"]
        await press(pilot, "j", "enter")
        assert "person.toml" in screen_text(pilot)
        await press(pilot, "escape", "j", "enter")
        assert "faces.sqlite" in screen_text(pilot)


async def test_hostile_names_cannot_reach_the_terminal(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    nasty = "Eve \x1b]0;owned\x07\x1b[31m\u202e[b]x[/b]"
    toml = (person(ws, "Eve", faces=1).root / "person.toml").read_text()
    escaped = nasty.encode("unicode_escape").decode().replace("\\x", "\\u00")
    (ws.people / "eve" / "person.toml").write_text(
        toml.replace('name = "Eve"', f'name = "{escaped}"')
    )
    job = ended_job(ws, "extract", "eve", 1, nasty)
    job.output_path.write_text(nasty)
    async with dashboard().run_test(size=(140, 30)) as pilot:
        for mode in ("1", "2", "3"):
            await press(pilot, mode)
            strips = pilot.app.screen._compositor.render_strips()
            shown = "".join(strip.text for strip in strips)
            assert not set(shown) & {"\x1b", "\x07", "\u202e"}
        await press(pilot, "1")
        assert "[b]x[/b]" in listed(pilot)[0]  # shown, not obeyed


async def test_markup_in_a_name_is_shown_and_not_obeyed(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    name = "Eve [@click=app.quit]x[red]"
    person(ws, name, faces=1)
    ended_job(ws, "extract", "eve", 1, "[broken] [b]no[/b] [/nope] sentence")
    async with dashboard().run_test(size=(140, 40)) as pilot:
        await press(pilot, "1")
        assert name in screen_text(pilot)
        await press(pilot, "3", "enter")
        assert "[broken] [b]no[/b] [/nope] sentence" in screen_text(pilot)
        matcher = Matcher("eve")
        for command in pilot.app.get_system_commands(pilot.app.screen):
            assert "[" not in command.help
            shown = [Content.from_markup(command.title).plain, matcher.highlight(command.title)]
            if "Eve" in command.title:
                assert [str(one) for one in shown] == [f"Person {name}"] * 2


async def test_the_filter_narrows_the_list_and_escape_drops_it(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    for name in ("Anna", "Bruno", "Carla"):
        person(ws, name)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "slash", "r", "L", "enter")
        assert [row.split()[0] for row in listed(pilot)] == ["Carla"]
        await press(pilot, "slash", "x", "enter")
        assert listed(pilot) == []
        assert "no line has these words" in screen_text(pilot)
        await press(pilot, "enter", "escape")
        assert len(listed(pilot)) == 3
        assert pilot.app.screen.query_one("#filter", Input).value == ""


async def test_words_typed_right_behind_the_slash_are_words_and_no_commands(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    for name in ("Anna", "Bruno", "Dora"):
        person(ws, name)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await type_ahead(pilot, "/dora")
        assert pilot.app.screen.query_one("#filter", Input).value == "dora"
        assert [row.split()[0] for row in listed(pilot)] == ["Dora"]


async def test_the_cursor_stays_on_its_row_when_others_come_and_go(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    people = [person(ws, name) for name in ("Anna", "Bruno", "Carla")]
    async with dashboard().run_test(size=(140, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "j")
        remove_person(ws, people[0])
        person(ws, "Aaron")
        person(ws, "Abel")
        await reread(pilot)
        assert pilot.app.screen.key == "bruno"
        remove_person(ws, people[1])
        await reread(pilot)
        assert pilot.app.screen.key == "carla"


async def test_help_lists_every_action_and_keys_go_both_ways(root: Path, dashboard: Open) -> None:
    async with dashboard().run_test(size=(120, 60)) as pilot:
        await press(pilot, "question_mark")
        assert isinstance(pilot.app.screen, Help)
        text = screen_text(pilot)
        assert "Close the dashboard; every job goes on" in text
        assert "Save a checkpoint at the next step" in text
        await press(pilot, "question_mark")
        assert not isinstance(pilot.app.screen, Help)


async def test_the_palette_finds_a_person_by_name(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    person(ws, "Anna")
    person(ws, "Bruno")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "3")
        commands = list(pilot.app.get_system_commands(pilot.app.screen))
        assert not any(command.title == "Stop" for command in commands)
        (found,) = (command for command in commands if command.title == "Person Bruno")
        await found.callback()
        await settle(pilot)
        assert pilot.app.screen.key == "bruno"


async def test_quitting_leaves_a_running_job_alone(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    person(ws, "Anna")
    person(ws, "Bruno")
    swap = new_swap(ws, None, "anna", "bruno", preset="light-64", seed=1, settings={})
    job, _ = running_job(ws, swap)
    with jobs.holding_lock(job):
        app = dashboard()
        async with app.run_test(size=(80, 24)) as pilot:
            await press(pilot, "3", "q")
        assert app.return_code == 0
        assert not jobs.requested(job).stop
        assert jobs.state(job).name == "running"
