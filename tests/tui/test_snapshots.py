"""What each mode looks like, as text: compared with what was looked at and found good.

    SWAPDECK_NEW_SNAPSHOTS=1 python -m pytest tests/tui/test_snapshots.py

writes them anew; look at the difference before it is committed. Clock, ids, paths and the machine
are the same everywhere and always.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from projects import jobs
from projects.swaps import new_swap
from tui import machine
from tui.actions import MODES
from tui.app import Dashboard
from tui.reading import Reader
from tui.snapshot import SystemDetail

from .conftest import NOW, press, screen_text, settle
from .workspaces import empty, ended_job, person, running_job, step_event, trained_swap

FOLDER = Path(__file__).parent / "snapshots"
SIZES = ((80, 24), (140, 40))
STEPS = 1500
MACHINE = SystemDetail(
    (
        ("workspace", (("folder", "~/ws"), ("disk", "75 GB free of 271 GB"))),
        ("machine", (("name", "box"), ("processors", "2, load 0.3"))),
        ("program", (("swapdeck", "0.1.0"), ("textual", "8.2.8"))),
    )
)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with something of everything, whose every time is known."""
    monkeypatch.setattr(machine, "read_system", lambda root: MACHINE)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    root = tmp_path / "ws"
    ws = empty(root)
    person(ws, "Anna", faces=16)
    person(ws, "Bruno", faces=12)
    person(ws, "Carla")
    trained_swap(ws, "anna", "bruno", STEPS)
    swap = new_swap(ws, None, "bruno", "anna", preset="classic-64", seed=1, settings={})
    ended = [
        ended_job(ws, "extract", "anna", 0, "16 faces."),
        ended_job(ws, "convert", "anna-as-bruno", 1, "clip.mp4 has no picture. Choose another."),
    ]
    job, log = running_job(ws, swap)
    for step in range(10, STEPS, 10):
        log.emit("step", **step_event(step, 2000))
    for number, one in enumerate([*ended, job]):
        _freeze(one, number)
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            os.utime(Path(folder, name), (NOW - 7200, NOW - 7200))
    return root


def _freeze(job: jobs.Job, number: int) -> None:
    spec = json.loads(job.spec_path.read_text())
    job.spec_path.write_text(json.dumps({**spec, "created": "2027-01-15T07:00:00+00:00"}))
    events = [json.loads(line) for line in job.events_path.read_text().splitlines()]
    lines = [json.dumps({**event, "at": NOW - 30}) for event in events]
    job.events_path.write_text("".join(f"{line}\n" for line in lines))
    if job.exit_path.exists():
        end = json.loads(job.exit_path.read_text())
        job.exit_path.write_text(json.dumps({**end, "ended": "2027-01-15T07:10:00+00:00"}))
    job.root.rename(job.root.with_name(f"20270115-07000{number}-{job.verb}-{job.subject}"))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("mode", MODES)
async def test_a_mode_looks_as_it_did(world: Path, mode: str, size: tuple[int, int]) -> None:
    job = jobs.load_job(next(path for path in (world / "jobs").iterdir() if "-train-" in path.name))
    with jobs.holding_lock(job):
        os.utime(job.lock_path, (NOW, NOW))
        app = Dashboard(Reader(world, clock=lambda: NOW), poll=None)
        async with app.run_test(size=size) as pilot:
            await press(pilot, str(list(MODES).index(mode) + 1))
            await settle(pilot)
            assert not any(field.display for field in app.screen.query("#filter"))
            compare(f"{mode}-{size[0]}x{size[1]}", screen_text(pilot))


def compare(name: str, shown: str) -> None:
    path = FOLDER / f"{name}.txt"
    if os.environ.get("SWAPDECK_NEW_SNAPSHOTS"):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(shown + "\n")
    assert shown.splitlines() == path.read_text().splitlines()


def test_no_snapshot_is_left_of_a_mode_that_is_gone() -> None:
    known = {f"{mode}-{width}x{height}" for mode in MODES for width, height in SIZES}
    assert {path.stem for path in FOLDER.iterdir()} == known
