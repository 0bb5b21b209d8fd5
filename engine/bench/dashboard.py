"""How fast the dashboard is, and how little it needs: `swapdeck bench tui`.

The dashboard runs as its users run it, a process on a pseudo-terminal; what is measured is what
comes out of that terminal. The workspaces are made for it: one with a little of everything, and one
with a person of many faces and a training. The training's files are written as a real one writes
them, and beside it every processor multiplies matrices, as a real one makes them do.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.bench.faces import made_up_faces
from engine.bench.terminal import Terminal
from projects import jobs
from projects.consent import Consent
from projects.faces import FaceIndex
from projects.people import Person, add_person
from projects.swaps import Swap, new_swap
from projects.texts import append_line
from projects.workspace import Workspace, now, open_workspace

EVENTS_A_SECOND = 5
STEPS = 20_000
LOAD = "import numpy as np\na = np.random.rand(512, 512).astype('f4')\nwhile True: a @ a"
CROPS = 64
"""Different pictures; the faces share them."""
PAUSE = 0.05
"""Seconds of silence before a key is pressed, so that what is drawn next is its answer."""


@dataclass(frozen=True)
class Figure:
    """One measurement. `target` is what it must stay below."""

    what: str
    value: float
    unit: str
    target: float
    about: str = ""

    @property
    def met(self) -> bool:
        return self.value < self.target


_STARTED = 6.0
"""Seconds until what a start leaves for later, such as collecting what it made, is done."""


def run(
    *, rounds: int, keys: int, faces: int, seconds: float, tell: Callable[[str], None]
) -> list[Figure]:
    """Measure everything: the start `rounds` times, `keys` keys a kind, `seconds` of listening."""
    with tempfile.TemporaryDirectory(prefix="swapdeck-bench-") as folder:
        homes = (Path(folder) / f"home{number}" for number in itertools.count())
        small = _small(Path(folder) / "small")
        large, swap = _large(Path(folder) / "large", faces)
        tell("the start")
        figures = _start(small, next(homes), rounds)
        tell("doing nothing")
        figures += _idle(small, next(homes), seconds)
        with _training(large, swap):
            tell("a running training, pictures off")
            figures += _watching(large, next(homes), seconds)
            tell("keys in a running training")
            figures += _keys(large, next(homes), keys, faces, "")
            with _load():
                tell("keys while every processor multiplies matrices")
                figures += _keys(large, next(homes), keys, faces, ", every processor busy")
    return figures


def _start(workspace: Workspace, home: Path, rounds: int) -> list[Figure]:
    frames, rows = [], []
    for number in range(rounds + 1):
        with Terminal(workspace.root, home) as terminal:
            frame = terminal.read_until(b"System")
            row = terminal.read_until(b"Chiara")
        if number:  # the first fills the caches
            frames.append(1e3 * frame)
            rows.append(1e3 * row)
    return [
        Figure("first paint", statistics.median(frames), "ms", 400, _range(frames)),
        Figure("first paint with its rows", statistics.median(rows), "ms", 400, _range(rows)),
    ]


def _idle(workspace: Workspace, home: Path, seconds: float) -> list[Figure]:
    with Terminal(workspace.root, home) as terminal:
        terminal.read_until(b"Chiara")
        terminal.settle()
        terminal.listen(_STARTED)
        before = terminal.cpu_seconds()
        written = terminal.listen(seconds)
        used = terminal.cpu_seconds() - before
    return [
        Figure("idle, of one processor", 100 * used / seconds, "%", 1),
        Figure("idle, to the terminal", written / seconds / 1000, "kB/s", 1),
    ]


def _watching(workspace: Workspace, home: Path, seconds: float) -> list[Figure]:
    with Terminal(workspace.root, home) as terminal:
        terminal.read_until(b"bench")
        terminal.type(b"P3\r")
        terminal.read_until(b"steps/s")
        terminal.listen(2.0)
        before = terminal.cpu_seconds()
        written = terminal.listen(seconds)
        used = terminal.cpu_seconds() - before
    return [
        Figure("watching a training, to the terminal", written / seconds / 1000, "kB/s", 10),
        Figure("watching a training, of one processor", 100 * used / seconds, "%", 25),
    ]


def _keys(workspace: Workspace, home: Path, keys: int, faces: int, when: str) -> list[Figure]:
    with Terminal(workspace.root, home, columns=140, lines=40) as terminal:
        terminal.read_until(b"bench")
        terminal.settle()
        listed = _answers(terminal, keys, (b"j", b"k"))
        terminal.type(b"gF")
        terminal.settle()
        gallery = _answers(terminal, keys, (b"j", b"j", b"l", b"k"))
    return [
        *_times(f"key to paint in a list{when}", listed),
        *_times(f"key to paint in a gallery of {faces:,}{when}", gallery),
    ]


def _answers(terminal: Terminal, number: int, keys: tuple[bytes, ...]) -> list[float]:
    """Milliseconds from each key to the first bytes that are drawn after it."""
    times = []
    for count in range(number):
        terminal.settle(PAUSE, most=2.0)
        began = time.perf_counter()
        terminal.type(keys[count % len(keys)])
        if terminal.read(2.0):
            times.append(1e3 * (time.perf_counter() - began))
    if len(times) < number // 2:
        raise TimeoutError(f"only {len(times)} of {number} keys were answered")
    return times


def _times(what: str, times: list[float]) -> list[Figure]:
    late = sorted(times)[math.ceil(0.95 * len(times)) - 1]
    return [
        Figure(what, statistics.median(times), "ms", 50, f"19 of 20 within {late:.0f} ms"),
    ]


def _range(values: list[float]) -> str:
    return f"{min(values):.0f} to {max(values):.0f}"


# The workspaces.


def _small(root: Path) -> Workspace:
    """A little of everything."""
    workspace = open_workspace(root, create=True)
    for name in ("Anna", "Bruno", "Chiara"):
        _person(workspace, name, 160)
    for source, target in (("anna", "bruno"), ("chiara", "anna")):
        new_swap(workspace, None, source, target, preset="light-64", seed=1, settings={})
    for name in ("anna", "bruno", "chiara"):
        jobs.write_exit(jobs.create_job(workspace, "extract", name, {}), 0, "160 faces.")
    return workspace


def _large(root: Path, faces: int) -> tuple[Workspace, Swap]:
    """A person of many faces, another one, and a swap that has been trained for a while."""
    workspace = open_workspace(root, create=True)
    for name, number in (("bench", faces), ("other", 200)):
        _person(workspace, name, number)
    swap = new_swap(workspace, None, "bench", "other", preset="light-64", seed=1, settings={})
    for step in range(100, 5000, 100):
        append_line(swap.history_path, _step(step))
    return workspace, swap


def _person(workspace: Workspace, name: str, faces: int) -> Person:
    consent = Consent("synthetic", "a benchmark", "swapdeck bench", now())
    person = add_person(workspace, name, consent)
    rows = list(made_up_faces(faces))
    with FaceIndex(person.index_path) as index:
        index.start(rows[0].source, "{}")
        index.add_frames(rows[0].source, rows, faces)
        index.finish(rows[0].source)
    for number, row in enumerate(rows):
        path = person.faces_dir / row.crop
        if number < CROPS:
            path.write_bytes(_png(number))
        else:
            os.link(person.faces_dir / rows[number % CROPS].crop, path)
    return person


def _png(seed: int, side: int = 128) -> bytes:
    """A picture of `side` x `side` pixels, by ISO/IEC 15948, that no two seeds share."""

    def row(y: int) -> bytes:
        shades = ((x * (1 + c) + y * (seed % 7) + seed * 3) for x in range(side) for c in range(3))
        return b"\0" + bytes(shade % 256 for shade in shades)

    def chunk(name: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"".join(map(row, range(side)))))
    return b"\x89PNG\r\n\x1a\n" + head + pixels + chunk(b"IEND", b"")


# The training.


@contextlib.contextmanager
def _training(workspace: Workspace, swap: Swap) -> Iterator[None]:
    """A training's job that looks alive and goes on step by step."""
    job = jobs.create_job(workspace, "train", swap.slug, {})
    ended = threading.Event()

    def go_on() -> None:
        log = jobs.EventLog(job)
        log.emit("started", title=f"train {swap.slug}")
        log.emit("stage", name="train", total=STEPS, unit="steps")
        step = 5000
        while not ended.wait(1 / EVENTS_A_SECOND):
            step += 3
            log.emit("step", **_step(step))

    thread = threading.Thread(target=go_on)
    with jobs.holding_lock(job):
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _step(step: int) -> dict[str, object]:
    loss = 0.02 + 0.2 / (1 + step / 60) + 0.004 * math.sin(step * 1.7)
    return {
        "step": step,
        "steps": STEPS,
        "loss": loss,
        "losses": {"source": loss * 0.9, "target": loss * 1.1, "mask": 0.011},
        "rate": 11.4 + math.sin(step),
        "eta": (STEPS - step) / 11.4,
        "seconds": step / 11.4,
    }


@contextlib.contextmanager
def _load() -> Iterator[None]:
    """Every processor at work, as in a training."""
    alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    running = [
        subprocess.Popen([sys.executable, "-c", LOAD], env={**os.environ, **alone})
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()
