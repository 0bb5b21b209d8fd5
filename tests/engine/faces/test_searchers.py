"""Searching in several processes: the same faces, and no process that stays behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.faces.extract import ExtractSettings, SearchEndedError, extract_person
from engine.faces.lending import Lender, borrowed
from engine.reporting import CollectingReporter, NullReporter
from projects.consent import Consent
from projects.faces import Face, FaceIndex
from projects.people import Person, add_person
from projects.sources import add_source
from projects.workspace import open_workspace

Frames = list[NDArray[np.uint8]]
Write = Callable[[Path, Frames], Path]
FRAMES = 150


@pytest.fixture(scope="module")
def walk(write_clip: Write, long_frames: Frames, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More than three stretches of a search."""
    images = [*long_frames, *long_frames][:FRAMES]
    return write_clip(tmp_path_factory.mktemp("walk") / "walk.mp4", images)


@pytest.fixture(scope="module")
def by_one(walk: Path, consent: Consent, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Somebody whose faces one process has found."""
    workspace = open_workspace(tmp_path_factory.mktemp("one") / "workspace", create=True)
    eve = add_person(workspace, "Eve", consent)
    add_source(eve, walk, "video", str(walk))
    result = extract_person(eve, ExtractSettings(workers=1), NullReporter())
    assert result.faces == FRAMES
    return eve


def stored(person: Person) -> list[Face]:
    with FaceIndex(person.index_path) as index:
        return index.faces()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_several_processes_find_what_one_finds(ada: Person, by_one: Person, walk: Path) -> None:
    add_source(ada, walk, "video", str(walk))
    result = extract_person(ada, ExtractSettings(workers=2), NullReporter())
    assert result.faces == FRAMES
    assert stored(ada) == stored(by_one)
    crops = [sorted(path.read_bytes() for path in p.faces_dir.iterdir()) for p in (ada, by_one)]
    assert crops[0] == crops[1]


def test_a_process_that_is_killed_is_told_and_the_next_run_goes_on(
    ada: Person, by_one: Person, walk: Path
) -> None:
    import multiprocessing

    add_source(ada, walk, "video", str(walk))

    def kill_one(event: object) -> None:
        children = multiprocessing.active_children()
        if children and reporter.of("progress"):
            os.kill(children[0].pid or 0, signal.SIGKILL)

    reporter = CollectingReporter(kill_one)
    with pytest.raises(SearchEndedError, match=r"Run the same command again.*--workers 1"):
        extract_person(ada, ExtractSettings(workers=2), reporter)
    extract_person(ada, ExtractSettings(workers=2), NullReporter())
    assert stored(ada) == stored(by_one)


def test_processes_end_when_the_one_that_asks_is_killed_and_the_next_run_goes_on(
    ada: Person, by_one: Person, walk: Path
) -> None:
    add_source(ada, walk, "video", str(walk))
    code = f"""
import multiprocessing, os, signal
from pathlib import Path
from engine.faces.extract import ExtractSettings, extract_person
from engine.reporting import CollectingReporter
from projects.people import load_person

def show(event):
    if event["kind"] == "progress":
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

extract_person(
    load_person(Path({str(ada.root)!r})), ExtractSettings(workers=2), CollectingReporter(show)
)
"""
    killed = subprocess.run(
        [sys.executable, "-c", code], cwd=Path.cwd(), stdout=subprocess.PIPE, text=True
    )
    assert killed.returncode == -signal.SIGKILL
    pids = [int(word) for word in killed.stdout.split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 60
    while any(map(alive, pids)):
        assert time.monotonic() < deadline, "the processes stay behind"
        time.sleep(0.05)

    so_far = len(stored(ada))
    assert 0 < so_far < FRAMES
    result = extract_person(ada, ExtractSettings(workers=2), NullReporter())
    assert result.frames == FRAMES - so_far
    assert stored(ada) == stored(by_one)


def test_what_is_lent_is_seen_and_used_again() -> None:
    lender = Lender()
    chance = np.random.default_rng(3)
    pictures = [chance.integers(0, 255, shape, np.uint8) for shape in ((4, 6, 3), (5, 7), (2, 3))]
    lent = lender.lend(pictures)
    if lent is None:
        pytest.skip("this system lends no memory")
    assert all((a == b).all() for a, b in zip(borrowed(lent), pictures, strict=True))
    lender.give_back(lent)
    again = lender.lend(pictures[:1])
    assert again is not None and again.block == lent.block
    larger = lender.lend([np.zeros((100, 100), np.uint8)])
    assert larger is not None and larger.block != lent.block
    assert (borrowed(again)[0] == pictures[0]).all()
    lender.close()


def test_where_nothing_can_be_lent_frames_are_sent(
    ada: Person, clip: Callable[..., Path], long_frames: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    add_source(ada, clip("short.mp4", long_frames[:60]), "video", "short")
    assert extract_person(ada, ExtractSettings(workers=2), NullReporter()).faces == 60
