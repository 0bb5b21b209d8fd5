"""A codec that crashes or hangs costs one file, which is named, and not the job.

The supervisor, the worker and the verbs are the real ones, in processes of their own. Only the
library is made to fail, in the worker's process: it dies by the signal, or never comes back, on
files with certain names.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import av
import numpy as np
import pytest

from engine import blackbox
from projects.jobs import Job, create_job, read_events, state
from projects.people import Person
from projects.sources import list_sources
from projects.workspace import Workspace, open_workspace

SUPERVISOR = """
    import sys
    from pathlib import Path
    from engine.supervisor import supervise
    from projects.jobs import load_job
    worker = [sys.executable, "-c", sys.argv[1]]
    patience = float(sys.argv[3])
    raise SystemExit(supervise(load_job(Path(sys.argv[2])), worker, lambda: None, patience))
"""
WORKER = """
    import os, signal, sys
    from pathlib import Path
    import av
    from PIL import Image

    def failing(real):
        def open(path, *args, **options):
            name = Path(str(path)).name
            for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE):
                if name.startswith(number.name):
                    os.kill(os.getpid(), number)
            while name.startswith("endless"):
                signal.pause()
            return real(path, *args, **options)
        return open

    av.open, Image.open = failing(av.open), failing(Image.open)
    from engine.worker import main
    raise SystemExit(main(Path(sys.argv[1])))
"""


def run(job: Job, patience: float = blackbox.PATIENCE) -> int:
    sources = [textwrap.dedent(SUPERVISOR), textwrap.dedent(WORKER)]
    command = [sys.executable, "-c", *sources, str(job.root), str(patience)]
    with job.output_path.open("ab") as log:
        return subprocess.run(command, stdout=log, stderr=log, timeout=120).returncode


def warnings(job: Job) -> list[str]:
    return [event["text"] for event in read_events(job)[0] if event["kind"] == "warning"]


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    """A folder with one good video."""
    folder = tmp_path / "footage"
    folder.mkdir()
    rng = np.random.default_rng(1)
    with av.open(str(folder / "good.mp4"), "w") as container:
        stream = container.add_stream("libx264", 25)
        stream.width, stream.height = 64, 48
        for _ in range(3):
            noise = rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise, format="rgb24")))
        container.mux(stream.encode(None))
    return folder


def gathering(workspace: Workspace, footage: Path) -> Job:
    return create_job(workspace, "gather", "ada", {"person": "ada", "paths": [str(footage)]})


def test_a_file_that_crashes_its_decoder_is_named_and_the_others_come_in(
    workspace: Workspace, ada: Person, footage: Path
) -> None:
    for name in ("SIGSEGV.mp4", "SIGABRT.mkv", "SIGFPE.png"):
        shutil.copy(footage / "good.mp4", footage / name)
    job = gathering(workspace, footage)
    assert run(job) == 1
    assert [source.name for source in list_sources(ada)] == ["good.mp4"]
    for name in ("SIGSEGV.mp4", "SIGABRT.mkv", "SIGFPE.png"):
        assert any(name in text and "crashed its decoder" in text for text in warnings(job))
    found = state(job)
    assert (found.name, found.exit_code) == ("failed", 1)
    assert "All but this was done" in found.detail
    assert "2 others" in found.detail


def test_a_file_that_hangs_its_decoder_is_ended_and_named(
    workspace: Workspace, ada: Person, footage: Path
) -> None:
    shutil.copy(footage / "good.mp4", footage / "endless.mp4")
    job = gathering(workspace, footage)
    assert run(job, patience=1.5) == 1
    assert [source.name for source in list_sources(ada)] == ["good.mp4"]
    assert any("endless.mp4" in text and "without end" in text for text in warnings(job))


def test_a_name_that_is_no_text_is_left_out_as_well(
    workspace: Workspace, ada: Person, footage: Path
) -> None:
    name = b"SIGSEGV-\xff\x1b[2J.mp4".decode(errors="surrogateescape")
    shutil.copy(footage / "good.mp4", footage / name)
    job = gathering(workspace, footage)
    assert run(job) == 1
    assert [source.name for source in list_sources(ada)] == ["good.mp4"]
    assert state(job).detail.isprintable()


def test_the_inputs_around_a_crash_are_converted_once_each(
    trained, short_clips: dict[str, Path], tmp_path: Path
) -> None:
    first, bad, last = (tmp_path / name for name in ("first.mp4", "SIGSEGV.mp4", "last.mp4"))
    for path in (first, bad, last):
        shutil.copy(short_clips["scene"], path)
    workspace = open_workspace(trained.root)
    inputs = [str(path) for path in (first, bad, last)]
    job = create_job(workspace, "convert", "a-as-b", {"swap": "a-as-b", "inputs": inputs})
    assert run(job) == 1
    results = [event for event in read_events(job)[0] if event["kind"] == "result"]
    assert [Path(result["input"]).name for result in results] == ["first.mp4", "last.mp4"]
    made = workspace.swaps / "a-as-b" / "results"
    assert sorted(path.name for path in made.glob("*.mp4")) == [
        "first-a-as-b.mp4",
        "last-a-as-b.mp4",
    ]
    assert "SIGSEGV.mp4" in state(job).detail


def test_a_crash_that_no_file_can_be_blamed_for_ends_the_job(workspace: Workspace) -> None:
    job = create_job(workspace, "no-such-verb", "x", {})
    worker = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    command = [sys.executable, "-c", textwrap.dedent(SUPERVISOR), worker, str(job.root), "60"]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 139
    assert "crashed (Segmentation fault)" in state(job).detail


def test_a_file_that_was_left_out_and_crashes_again_ends_the_job(
    workspace: Workspace, tmp_path: Path
) -> None:
    """As when something reads it without asking whether it may."""
    job = create_job(workspace, "gather", "x", {})
    worker = """
    import os, signal, sys
    from pathlib import Path
    from engine import blackbox
    blackbox.install(Path(sys.argv[1]))
    with blackbox.reading(Path("/media/a.mp4")) as noted, noted.busy():
        os.kill(os.getpid(), signal.SIGBUS)
    """
    sources = [textwrap.dedent(SUPERVISOR), textwrap.dedent(worker)]
    command = [sys.executable, "-c", *sources, str(job.root), "60"]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 135
    assert len(warnings(job)) == 1
