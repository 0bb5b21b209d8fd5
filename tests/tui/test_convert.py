"""Converting in the dashboard: footage, a frame before and after, the cast, results and figures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from projects import jobs
from projects.consent import Consent
from projects.conversion_options import CONVERSION_OPTIONS
from projects.swaps import Swap, new_swap
from projects.workspace import Workspace
from tui.app import Dashboard
from tui.cast import CastScreen
from tui.convert import ConvertScreen
from tui.convert_forms import LABEL, NOBODY, Plan
from tui.dialogs import Confirm
from tui.filepicker import PickFiles
from tui.footage import describe
from tui.forms import Choice, Form
from tui.picture import Picture
from tui.reading import Reader
from tui.result import ResultScreen

from .conftest import NOW, listed, press, reread, screen_text, settle, told
from .workspaces import empty, face_picture, person, trained_swap

Open = Callable[[], Dashboard]
CLIPS = Path(__file__).parents[2] / "engine" / "avatars" / "clips"


@pytest.fixture
def ws(root: Path) -> Workspace:
    made = empty(root)
    person(made, "Anna", faces=1)
    person(made, "Bruno", faces=1)
    return made


@pytest.fixture
def swap(ws: Workspace) -> Swap:
    return trained_swap(ws, "anna", "bruno", 500)


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A clip of 96 frames."""
    path = tmp_path / "footage" / "scene.mp4"
    path.parent.mkdir()
    shutil.copy(CLIPS / "bruno-scene.mp4", path)
    return path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs that were started, which are made but never run here."""
    ran: list[str] = []
    monkeypatch.setattr(jobs, "launch", lambda job: ran.append(job.id))
    return ran


def record(swap: Swap, footage: Path, **more: Any) -> Path:
    """A result with its record, as a conversion leaves it."""
    output = swap.results_dir / f"{footage.stem}-{swap.slug}.mp4"
    output.write_bytes(b"video")
    values = {
        "version": 1, "input": str(footage), "output": str(output), "step": 500, "frames": 96,
        "faces": 95, "seconds": 12.0, **more,
    }  # fmt: skip
    output.with_name(f"{output.name}.conversion.json").write_text(json.dumps(values))
    return output


def report(swap: Swap, output: Path) -> None:
    """A report with figures and two worst frames, as the engine writes it."""
    folder = swap.results_dir / "report-worst"
    folder.mkdir()
    for name in ("1-000007.png", "1-000050.png"):
        face_picture(20, 0).save(folder / name)
    rows = [
        {"name": "swap", "to_source": 0.4, "flicker": None, "seam": 1.5},
        {"name": "target unchanged", "to_source": 0.62, "flicker": None, "seam": 0.0},
    ]
    worst = [
        {"frame": 7, "why": "The face flickers.", "picture": "report-worst/1-000007.png"},
        {"frame": 50, "why": "A seam is seen.", "picture": "report-worst/1-000050.png"},
        {"frame": 60, "why": "Outside.", "picture": "../../../../secret.png"},
    ]
    part = {"output": str(output), "quality": {"rows": rows}, "worst": worst}
    document = {"version": 1, "written": "2026-11-25T17:00:00+00:00", "conversions": [part]}
    (swap.results_dir / "report.json").write_text(json.dumps(document))


def drawn(swap: Swap, job: jobs.Job, footage: Path, frame: int, hue: int = 20) -> Path:
    """What a preview job leaves and says."""
    path = swap.previews_dir / "convert" / f"{footage.stem}-{frame:06d}.png"
    path.parent.mkdir(exist_ok=True)
    face_picture(hue, 0).save(path)
    log = jobs.EventLog(job)
    shown = str(path.relative_to(swap.root))
    close = path.with_name(f"{path.stem}-close.png")
    face_picture(hue, 0).save(close)
    near = str(close.relative_to(swap.root))
    log.emit("preview", path=shown, frame=frame, step=500, faces=1, close=near)
    log.emit("result", swap=swap.slug, input=str(footage), pictures=[])
    return path


async def open_with(pilot: Pilot[None], *footage: Path) -> ConvertScreen:
    """The screen of the first swap, with this footage added."""
    await press(pilot, "2", "c")
    screen = pilot.app.screen
    assert isinstance(screen, ConvertScreen)
    if footage:
        screen._add([describe(path) for path in footage])
        await settle(pilot)
    return screen


async def fill(pilot: Pilot[None], name: str, words: str) -> None:
    found = pilot.app.screen.query_one(f"#field-{name}")
    assert isinstance(found, Input | Choice)
    found.value = words
    await settle(pilot)


def arguments(ws: Workspace) -> dict[str, Any]:
    """Of the newest job."""
    found: dict[str, Any] = jobs.read_spec(jobs.list_jobs(ws)[0])["arguments"]
    return found


# Footage.


async def test_the_targets_own_sources_are_offered_first(
    ws: Workspace, swap: Swap, dashboard: Open
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await open_with(pilot)
        assert listed(pilot) == [" clip.mp4 ?  "]
        assert "Bruno becomes Anna" in screen_text(pilot)


async def test_footage_is_chosen_in_the_file_browser_by_keys(
    ws: Workspace, swap: Swap, dashboard: Open, scene: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: scene.parent)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await open_with(pilot)
        await press(pilot, "a")
        assert isinstance(pilot.app.screen, PickFiles)
        await press(pilot, "j", "enter")
        first, *_ = listed(pilot)
        assert first.split() == ["scene.mp4", "96", "4", "s"]
        assert "frame 48 of 95" in screen_text(pilot)


async def test_frames_are_stepped_through_and_stay_within_the_footage(
    ws: Workspace, swap: Swap, dashboard: Open, scene: Path
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await open_with(pilot, scene)
        await press(pilot, "right", "full_stop")
        assert "frame 53 of 95" in screen_text(pilot)
        await press(pilot, *["left"] * 14, "comma")
        assert "frame 0 of 95" in screen_text(pilot)
        await press(pilot, *["right"] * 30)
        assert "frame 95 of 95" in screen_text(pilot)


async def test_without_any_footage_it_says_how_to_choose_some(
    ws: Workspace, swap: Swap, dashboard: Open
) -> None:
    shutil.rmtree(ws.people / "bruno" / "sources")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await open_with(pilot)
        assert "No footage yet. Press a to choose some." in screen_text(pilot)
        await press(pilot, "v", "c", "L", "enter", "left", "space")
        assert not jobs.list_jobs(ws)


@pytest.mark.parametrize("kind", ["gone", "empty folder", "no video", "hostile name"])
async def test_what_cannot_be_converted_is_told_in_a_sentence(
    ws: Workspace, swap: Swap, dashboard: Open, tmp_path: Path, started: list[str], kind: str
) -> None:
    path = tmp_path / ("x\x1b[2J\u202e[red].mp4" if kind == "hostile name" else "footage.mp4")
    if kind == "empty folder":
        path.mkdir()
    elif kind != "gone":
        path.write_bytes(b"no video")
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await open_with(pilot, path)
        if kind in ("gone", "empty folder"):
            said = "cannot be read" if kind == "gone" else "holds no pictures"
            assert said in screen_text(pilot)
            await press(pilot, "v", "c")
            assert not started
        else:  # its header says nothing here; the engine looks deeper
            await press(pilot, "v")
            assert len(started) == 1
            assert "\x1b" not in screen_text(pilot)


# A frame before and after.


async def test_a_frame_is_drawn_and_drawn_anew_with_other_settings(
    ws: Workspace, swap: Swap, dashboard: Open, scene: Path, started: list[str]
) -> None:
    async with dashboard().run_test(size=(100, 30)) as pilot:
        await open_with(pilot, scene)
        assert "Press v to see what becomes of it." in screen_text(pilot)
        await press(pilot, "v")
        given = arguments(ws)
        assert (given["preview"], given["inputs"]) == ([48], [str(scene)])
        assert given["settings"] == {} and given["cast"] == []
        [job] = jobs.list_jobs(ws)
        path = drawn(swap, job, scene, 48)
        jobs.write_exit(job, 0, "Done.")
        await reread(pilot)
        assert "1 face replaced" in screen_text(pilot)
        assert pilot.app.screen.query_one(Picture).paths == (path,)
        before = pilot.app.screen.query_one(Picture)._strips
        await press(pilot, "plus")
        assert pilot.app.screen.query_one(Picture).paths[0].name == "scene-000048-close.png"
        await press(pilot, "plus")
        assert pilot.app.screen.query_one(Picture).paths == (path,)

        await press(pilot, "e")
        await fill(pilot, "feather", "40")
        await press(pilot, "ctrl+s")
        assert len(started) == 2
        assert arguments(ws)["settings"] == {"feather": 40.0}
        assert "feather 40" in screen_text(pilot)
        newest = jobs.list_jobs(ws)[0]
        drawn(swap, newest, scene, 48, hue=140)
        jobs.write_exit(newest, 0, "Done.")
        await reread(pilot)
        assert pilot.app.screen.query_one(Picture)._strips != before

        await press(pilot, "e")
        await fill(pilot, "feather", "13")
        await press(pilot, "ctrl+s")
        assert arguments(ws)["settings"] == {}


async def test_a_preview_that_waits_or_fails_says_why(
    ws: Workspace, swap: Swap, dashboard: Open, scene: Path, started: list[str]
) -> None:
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await open_with(pilot, scene)
        await press(pilot, "v")
        assert "drawing:" in screen_text(pilot)
        [job] = jobs.list_jobs(ws)
        jobs.write_exit(job, 1, "Bruno is not in frame 48. Choose another.")
        await reread(pilot)
        assert "Bruno is not in frame 48. Choose another." in screen_text(pilot)
        await press(pilot, "right")
        assert "Press v to see" in screen_text(pilot)


async def test_settings_that_cannot_be_are_refused_in_the_form(
    ws: Workspace, swap: Swap, dashboard: Open, scene: Path
) -> None:
    async with dashboard().run_test(size=(80, 40)) as pilot:
        screen = await open_with(pilot, scene)
        await press(pilot, "e")
        await fill(pilot, "smooth", "4")
        await press(pilot, "ctrl+s")
        assert "must be an odd number of frames" in screen_text(pilot)
        await fill(pilot, "smooth", "5")
        await press(pilot, "ctrl+s")
        assert screen.plan.settings == {"smooth": 5}


# The conversion.


async def test_the_marked_footage_is_converted_as_the_form_says(
    ws: Workspace, swap: Swap, dashboard: Open, scene: Path, tmp_path: Path, started: list[str]
) -> None:
    other = shutil.copy(scene, tmp_path / "footage" / "other.mp4")
    async with dashboard().run_test(size=(80, 30)) as pilot:
        await open_with(pilot, scene, Path(other))
        await press(pilot, "g", "space", "space", "c")
        assert "2 inputs" in screen_text(pilot)
        await fill(pilot, "output", str(tmp_path / "nowhere"))
        await press(pilot, "ctrl+s")
        assert "must be a folder that is there" in screen_text(pilot)
        await fill(pilot, "output", str(tmp_path))
        await fill(pilot, "anonymise", "yes")
        await fill(pilot, "names", "yes")
        await press(pilot, "ctrl+s")
        assert "Who is to be anonymous cannot be named" in screen_text(pilot)
        await fill(pilot, "names", "no")
        await fill(pilot, "label", LABEL)
        await press(pilot, "ctrl+s")
    given = arguments(ws)
    assert len(started) == 1
    assert given["inputs"] == [str(scene), str(other)]
    assert given["output"] == str(tmp_path)
    assert given["anonymise"] is True
    assert given["label"] == {"text": LABEL, "corner": "bottom-right"}
    assert "preview" not in given


async def test_a_conversion_that_runs_is_watched_and_stopped(
    ws: Workspace, swap: Swap, dashboard: Open, scene: Path
) -> None:
    job = jobs.create_job(ws, "convert", swap.slug, {})
    log = jobs.EventLog(job)
    log.emit("stage", name="convert", total=96, unit="frames")
    log.emit("progress", stage="convert", done=48, total=96, rate=12.0, eta=4.0, text="")
    with jobs.holding_lock(job):
        async with dashboard().run_test(size=(100, 30)) as pilot:
            await open_with(pilot, scene)
            text = screen_text(pilot)
            assert "● running" in text and " 50%" in text and "48 of 96 frames" in text
            await press(pilot, "p")
            assert jobs.requested(job).pause
            await press(pilot, "x")
            assert isinstance(pilot.app.screen, Confirm)
            await press(pilot, "right", "enter")
            assert jobs.requested(job).stop


async def test_without_consent_nothing_is_drawn_or_converted(
    ws: Workspace, dashboard: Open, scene: Path, started: list[str]
) -> None:
    late = Consent("release", "a film", "tests", "2026-01-01", expires="2026-02-01")
    person(ws, "Carl", late)
    new_swap(ws, "late", "anna", "carl", preset="light-64", seed=1, settings={})
    async with dashboard().run_test(size=(80, 30)) as pilot:
        await open_with(pilot, scene)
        await press(pilot, "v", "c", "ctrl+s")
        assert told(pilot).count("expired on 2026-02-01") == 2
    assert not started


def test_a_plan_tells_only_what_differs_from_the_usual() -> None:
    usual = {option.name: option.default for option in CONVERSION_OPTIONS}
    plan = Plan().with_settings({**usual, "opacity": 0.5}).with_cast("track:3", "one")
    assert plan.settings == {"opacity": 0.5}
    assert plan.with_cast("track:3", "two").cast == (("track:3", "two"),)
    assert plan.with_cast("track:3", None).cast == ()
    told_ = plan.arguments("one", [Path("/a.mp4")])
    assert told_["cast"] == [["track:3", "one"]]
    assert told_["output"] is None and told_["label"] is None
    assert plan.tracks("one", Path("/a.mp4"))["tracks"] is True


# Who is in it.


def tracked(swap: Swap, footage: Path) -> None:
    """What a search for everybody leaves."""
    folder = swap.previews_dir / "convert" / f"{footage.stem}-tracks"
    folder.mkdir(parents=True)
    face_picture(20, 0).save(folder / "track-0.png")
    rows = [
        {"name": "track:0", "track": 0, "first": 0, "last": 95, "seen": 96, "nearest": "bruno",
         "confidence": 0.97, "role": "bruno", "why": "", "picture": "track-0.png"},
        {"name": "track:1", "track": 1, "first": 10, "last": 20, "seen": 8, "nearest": None,
         "confidence": None, "role": None, "why": "a stranger", "picture": None},
        "nonsense",
    ]  # fmt: skip
    (folder / "tracks.json").write_text(json.dumps({"version": 1, "tracks": rows}))


async def test_everybody_is_looked_for_once_and_then_shown(
    ws: Workspace, swap: Swap, dashboard: Open, scene: Path, started: list[str]
) -> None:
    async with dashboard().run_test(size=(100, 30)) as pilot:
        await open_with(pilot, scene)
        await press(pilot, "L")
        assert isinstance(pilot.app.screen, CastScreen)
        assert arguments(ws)["tracks"] is True and len(started) == 1
        assert "Looking for everybody" in screen_text(pilot)
        tracked(swap, scene)
        jobs.write_exit(jobs.list_jobs(ws)[0], 0, "Done.")
        await reread(pilot)
        first, second = listed(pilot)
        assert "bruno 97% replaced, as bruno" in first
        assert "as it is: a stranger" in second
        assert pilot.app.screen.query_one(Picture).paths[0].name == "track-0.png"
        await press(pilot, "escape", "L")
        assert len(started) == 1  # what was found is known


async def test_a_track_and_a_person_are_cast_and_taken_back(
    ws: Workspace, swap: Swap, dashboard: Open, scene: Path, started: list[str]
) -> None:
    tracked(swap, scene)
    async with dashboard().run_test(size=(100, 30)) as pilot:
        screen = await open_with(pilot, scene)
        await press(pilot, "L", "j", "enter")
        assert "What becomes of track:1?" in screen_text(pilot)
        await press(pilot, "ctrl+s")
        assert screen.plan.cast == (("track:1", swap.slug),)
        assert f"● by {swap.slug}" in listed(pilot)[1]
        await press(pilot, "a", "ctrl+s")
        assert screen.plan.cast == (("track:1", swap.slug), ("bruno", swap.slug))
        await press(pilot, "backspace")
        assert screen.plan.cast == (("track:1", swap.slug),)
        await press(pilot, "enter")
        await fill(pilot, "swap", NOBODY)
        await press(pilot, "ctrl+s")
        assert screen.plan.cast == ()
        await press(pilot, "enter", "ctrl+s", "escape", "v")
        assert arguments(ws)["cast"] == [["track:1", swap.slug]]


async def test_a_cast_that_cannot_be_is_refused_before_a_job_is_made(
    ws: Workspace, swap: Swap, dashboard: Open, scene: Path, started: list[str]
) -> None:
    tracked(swap, scene)
    async with dashboard().run_test(size=(100, 30)) as pilot:
        screen = await open_with(pilot, scene)
        screen.plan = screen.plan.with_cast("anna", swap.slug)
        await press(pilot, "v")
        assert "so it cannot replace theirs" in told(pilot)
    assert not started


async def test_a_search_that_fails_says_why(
    ws: Workspace, swap: Swap, dashboard: Open, scene: Path, started: list[str]
) -> None:
    async with dashboard().run_test(size=(100, 30)) as pilot:
        await open_with(pilot, scene)
        await press(pilot, "L")
        jobs.write_exit(jobs.list_jobs(ws)[0], 1, "scene.mp4 cannot be read.")
        await reread(pilot)
        assert "scene.mp4 cannot be read." in screen_text(pilot)
        await press(pilot, "enter", "backspace")
        assert isinstance(pilot.app.screen, CastScreen)


# Results.


async def test_a_result_is_shown_measured_and_its_worst_frames_looked_at(
    ws: Workspace, swap: Swap, dashboard: Open, scene: Path, started: list[str]
) -> None:
    output = record(
        swap,
        scene,
        tracks=[{"track": 2, "role": None, "why": "a stranger"}],
        cast=[["bruno", swap.slug]],
    )
    async with dashboard().run_test(size=(100, 40)) as pilot:
        await open_with(pilot)
        await press(pilot, "j")
        assert f"✓ {output.name}" in listed(pilot)[1]
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, ResultScreen)
        text = screen_text(pilot)
        assert "96 frames, 95 faces replaced in 12 s" in text
        assert "track:2: a stranger" in text and f"bruno by {swap.slug}" in text
        assert "Not measured yet. Press n to measure it." in text
        await press(pilot, "n")
        assert jobs.list_jobs(ws)[0].verb == "report" and len(started) == 1
        report(swap, output)
        await reread(pilot)
        text = screen_text(pilot)
        assert "The face flickers." in text
        line = next(one for one in text.splitlines() if "distance to source" in one)
        assert line.split()[-2:] == ["0.400", "0.620"]
        assert "flicker  " not in text  # nothing was measured of it
        assert pilot.app.screen.query_one(Picture).paths[0].name == "1-000007.png"
        await press(pilot, "j")
        assert pilot.app.screen.query_one(Picture).paths[0].name == "1-000050.png"
        await press(pilot, "j")
        assert pilot.app.screen.query_one(Picture).paths == ()  # it led out of the workspace
        await press(pilot, "k", "enter")
        assert "distance to source" not in screen_text(pilot)
        await press(pilot, "y")
        assert f"Copied: {output}" in told(pilot)


async def test_any_frame_of_a_result_is_looked_at(
    ws: Workspace, swap: Swap, dashboard: Open, scene: Path, started: list[str]
) -> None:
    output = record(swap, scene)
    async with dashboard().run_test(size=(100, 40)) as pilot:
        await open_with(pilot)
        await press(pilot, "j", "enter", "right", "full_stop")
        assert "frame 49 of 95" in screen_text(pilot)
        await press(pilot, "v")
        assert arguments(ws) == {"swap": swap.slug, "result": output.name, "frames": [49]}
        assert "drawing:" in screen_text(pilot)
        [job] = jobs.list_jobs(ws)
        path = drawn(swap, job, scene, 49)
        jobs.write_exit(job, 0, "Done.")
        await reread(pilot)
        assert pilot.app.screen.query_one(Picture).paths == (path,)
        await press(pilot, "right")
        assert "press v to see it" in screen_text(pilot)
        await press(pilot, "v")
        jobs.write_exit(jobs.list_jobs(ws)[0], 1, "The file is cut off.")
        await reread(pilot)
        assert "The file is cut off." in screen_text(pilot)


async def test_a_result_whose_file_or_record_has_gone_says_so(
    ws: Workspace, swap: Swap, dashboard: Open, scene: Path
) -> None:
    output = record(swap, scene)
    output.unlink()
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await open_with(pilot)
        await press(pilot, "j")
        assert "! gone:" in listed(pilot)[1]
        await press(pilot, "enter")
        assert "The file is not there any more." in screen_text(pilot)
        output.with_name(f"{output.name}.conversion.json").unlink()
        await reread(pilot)
        assert "There is no record of" in screen_text(pilot)
        await press(pilot, "n", "y", "enter", "escape")
        assert not jobs.list_jobs(ws)


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"output": 3}', '{"output": "/x\\u0000y", "input": "/a\\u0000b", "cast": [3]}',
     '{"output": "/x", "tracks": {"a": 1}, "cast": "abc", "anonymity": [], "step": "x"}'],
)  # fmt: skip
async def test_damaged_records_and_reports_hide_nothing_else(
    ws: Workspace, swap: Swap, dashboard: Open, scene: Path, text: str
) -> None:
    record(swap, scene)
    (swap.results_dir / "odd.mp4.conversion.json").write_text(text)
    (swap.results_dir / "report.json").write_text('{"conversions": [{"output": 3}, null]}')
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await open_with(pilot)
        assert any("scene.mp4" in line for line in listed(pilot))


# Around it.


@pytest.mark.parametrize("keys", [(), ("j", "L"), ("j", "enter")])
async def test_a_swap_that_is_deleted_underneath_leaves_a_sentence(
    ws: Workspace, swap: Swap, dashboard: Open, scene: Path, keys: tuple[str, ...]
) -> None:
    record(swap, scene)
    tracked(swap, scene)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await open_with(pilot)
        await press(pilot, *keys)
        shutil.rmtree(swap.root)
        await reread(pilot)
        assert "This swap is not there any more." in screen_text(pilot)
        await press(pilot, "v", "c", "e", "L", "n", "y", "enter", "a", "left", "escape")
        assert not jobs.list_jobs(ws)


async def test_a_read_only_dashboard_shows_results_and_starts_nothing(
    ws: Workspace, swap: Swap, root: Path, scene: Path, started: list[str]
) -> None:
    record(swap, scene)
    app = Dashboard(Reader(root, clock=lambda: NOW), poll=None, readonly=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "c", "v", "c", "e", "a", "L")
        assert isinstance(pilot.app.screen, ConvertScreen)
        await press(pilot, "j", "right", "enter", "n")
        assert isinstance(pilot.app.screen, ResultScreen)
        assert not isinstance(pilot.app.screen, Form)
    assert not started
