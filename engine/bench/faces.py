"""How fast a large dataset answers: `swapdeck bench faces`.

A workspace with one person of many made-up faces is written to a temporary folder; a new process
then asks what a user asks, so that its memory is that of the asking alone.

python -m engine.bench.faces INDEX
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from projects.consent import Consent
from projects.face_groups import GROUPS
from projects.face_query import EVERY, KEPT, ORDERS
from projects.face_rules import select
from projects.faces import Face, FaceIndex
from projects.people import add_person
from projects.workspace import now, open_workspace

PAGE: Final = 200
_SHOT: Final = 400
"""Faces of one shot: each is like the one before it."""
_RULES: Final = (
    "sharpness<4 and |yaw|>25",
    "not (mouth>0.2 or eyes<0.15) and brightness=0.3..0.6",
    "reason=blurred,stranger",
    "track=0..40 and likeness<0.3 and time>1:20",
)
_TIMES: Final = 3
"""A measurement is the median of so many."""


@dataclass(frozen=True)
class Measured:
    """What was asked, the slowest of its kind, and the median of its time in milliseconds."""

    what: str
    slowest: str
    milliseconds: float


@dataclass(frozen=True)
class Benchmark:
    """answers: of one process. megabytes: its peak after the lists, and after everything."""

    faces: int
    answers: tuple[Measured, ...]
    lists_megabytes: float
    megabytes: float
    command: float
    """Milliseconds of a whole `swapdeck faces PERSON`, with the start of Python."""


def run(faces: int) -> Benchmark:
    """Make a dataset of so many faces and measure it."""
    with tempfile.TemporaryDirectory(prefix="swapdeck-bench-") as folder:
        workspace = open_workspace(Path(folder) / "workspace", create=True)
        consent = Consent("synthetic", "a benchmark", "swapdeck bench", now())
        person = add_person(workspace, "bench", consent)
        with FaceIndex(person.index_path) as index:
            index.start("5" * 64, "{}")
            index.add_frames("5" * 64, list(made_up_faces(faces)), faces)
        command = [sys.executable, "-m", "engine.bench.faces", str(person.index_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
        base = [sys.executable, "-m", "engine", "--workspace", str(workspace.root), "faces"]
        rules = ["--filter", _RULES[0], "--sort", "sharpness"]
        whole = _median(lambda: _quiet([*base, "bench", *rules]))
    return Benchmark(
        faces=faces,
        answers=tuple(Measured(**answer) for answer in found["answers"]),
        lists_megabytes=found["lists_megabytes"],
        megabytes=found["megabytes"],
        command=whole,
    )


def ask(path: Path) -> dict[str, Any]:
    """Everything that is asked of an index, with its times."""
    with FaceIndex(path, readonly=True) as index:
        answers = [
            _slowest(f"first {PAGE}, sorted", _pages(index)),
            _slowest(f"first {PAGE} that meet a rule, and how many do", _filtered(index)),
            _slowest("groups with their numbers", _grouped(index)),
        ]
        lists = _megabytes()
        answers.append(_slowest("every face, one by one", {"all": lambda: _drain(index)}))
        answers += _whole(index)
    return {
        "answers": [asdict(answer) for answer in answers],
        "lists_megabytes": lists,
        "megabytes": _megabytes(),
    }


def _pages(index: FaceIndex) -> dict[str, Callable[[], object]]:
    return {
        order: lambda order=order: list(index.rows(order=order, limit=PAGE))  # type: ignore[misc]
        for order in ORDERS
    }


def _filtered(index: FaceIndex) -> dict[str, Callable[[], object]]:
    def answer(rule: str) -> object:
        chosen = select([rule])
        return index.count(chosen), list(index.rows(chosen, order="sharpness", limit=PAGE))

    return {rule: lambda rule=rule: answer(rule) for rule in _RULES}  # type: ignore[misc]


def _grouped(index: FaceIndex) -> dict[str, Callable[[], object]]:
    return {key: lambda key=key: index.groups(key, EVERY) for key in GROUPS}  # type: ignore[misc]


def _whole(index: FaceIndex) -> list[Measured]:
    """What needs every kept face in memory."""
    from engine.datasets.best import best
    from engine.datasets.coverage import pose_cells
    from engine.datasets.duplicates import duplicates
    from engine.datasets.measures import measures

    kept = measures(index, KEPT)
    return [
        _slowest("reading the measures of all", {"": lambda: measures(index, KEPT)}),
        _slowest("the best 2,000", {"": lambda: best(kept, 2000)}),
        _slowest("the map of poses", {"": lambda: pose_cells(kept)}),
        _slowest("duplicates", {"": lambda: duplicates(kept)}),
    ]


def _slowest(what: str, asked: dict[str, Callable[[], object]]) -> Measured:
    times = {name: _median(answer) for name, answer in asked.items()}
    slowest = max(times, key=lambda name: times[name])
    return Measured(what, slowest, times[slowest])


def _median(answer: Callable[[], object]) -> float:
    times = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        answer()
        times.append(1e3 * (time.perf_counter() - began))
    return sorted(times)[_TIMES // 2]


def _drain(index: FaceIndex) -> None:
    for _ in index.rows():
        pass


def _quiet(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _megabytes() -> float:
    """The most memory that this process had; what the one that started it had does not count, as it
    does in Linux's ru_maxrss."""
    status = Path("/proc/self/status")
    if status.exists():
        peak = status.read_text().split("VmHWM:")[1].split()[0]
        return int(peak) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def made_up_faces(number: int) -> Iterator[Face]:
    """Shots in which a head moves slowly: neighbours are alike, as in footage."""
    chance = random.Random(1)
    arrays = {name: chance.randbytes(size) for name, size in (("l", 544), ("t", 48), ("e", 512))}
    yaw = pitch = mouth = eyes = light = 0.0
    look = 0
    for frame in range(number):
        if frame % _SHOT == 0:
            yaw, pitch = chance.gauss(0, 20), chance.gauss(0, 10)
            mouth, eyes, light = chance.uniform(0, 0.3), 0.3, chance.uniform(0.2, 0.8)
            look = chance.getrandbits(64)
        yaw, pitch = yaw + chance.gauss(0, 1), pitch + chance.gauss(0, 0.6)
        mouth = min(0.6, max(0.0, mouth + chance.gauss(0, 0.02)))
        look ^= (1 << chance.randrange(64)) if chance.random() < 0.4 else 0
        reason = chance.choice(("blurred", "stranger", "too small")) if frame % 7 == 0 else ""
        yield Face(
            id=0,
            source="5" * 64,
            frame=frame,
            time=frame / 25,
            box=(100, 80, 220, 200),
            yaw=yaw,
            pitch=pitch,
            roll=chance.gauss(0, 5),
            sharpness=chance.uniform(0, 16),
            size=chance.uniform(60, 300),
            brightness=light,
            mouth=mouth,
            eyes=0.05 if frame % 90 < 4 else eyes,
            confidence=chance.uniform(0.5, 1),
            covered=0.0,
            track=frame // _SHOT,
            likeness=chance.uniform(0.1, 0.5),
            hash=look - 2**63,
            crop=f"{'5' * 16}-{frame:07d}-0.png",
            kept=not reason,
            reason=reason,
            landmarks=arrays["l"],
            transform=arrays["t"],
            embedding=arrays["e"],
        )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(ask(Path(sys.argv[1]))))
