"""What a training on many faces holds in memory: `swapdeck bench dataset`.

Two made-up people have half of the faces each: a few faces of the shipped, rendered clips, repeated
with noise, an index row and a stored crop for each as `extract` leaves them. A process of its own
then trains a small network on them, and measures itself.

    python -m engine.bench.dataset ROOT SIZE STEPS WHERE LIMIT
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.memory import with_large_pages
from projects import cache
from projects.consent import Consent
from projects.errors import CommandError, SwapdeckError
from projects.faces import Face, FaceIndex
from projects.people import Person, add_person, get_person
from projects.swaps import new_swap
from projects.workspace import Workspace, now, open_workspace

PRESET: Final = "bench"
BATCH: Final = 16
_SOURCE: Final = "5" * 64
_SHOTS: Final = 6
"""Rendered faces of each person that are repeated."""
_APART: Final = 15
"""Frames between two of them."""
_STORED: Final = 500
"""Faces that are written to the index at once."""


@dataclass(frozen=True)
class Figures:
    """Of the process that trained."""

    faces: int
    """Of both people together."""
    size: int
    """Side of a chip in pixels."""
    mode: str
    """Where the crops were: "device" or "stream"."""
    device: str
    batch: int
    """Chips of each person in a step."""
    steps: int
    crops: int
    """Bytes of all crops."""
    cached: int
    """Bytes of their files in the cache."""
    peak: int
    """Most bytes that were resident: VmHWM of the process, everything included, from its start to
    the last checkpoint. What the system keeps of files is not the process's."""
    limit: int | None
    """Bytes of private memory that it could have at all (RLIMIT_DATA); None without a limit."""
    loading: float
    """Seconds from the start of the training to its compilation: finding and cutting the faces."""
    rate: float
    """Steps a second."""
    stall: float
    """Share of the training in which the device waited for input."""


def run(
    faces: int,
    size: int,
    steps: int,
    where: str = "stream",
    limit: float | None = 8.0,
    folder: Path | None = None,
    tell: Callable[[str], None] = lambda words: None,
) -> Figures:
    """Make the people in a temporary folder in `folder`, train for some steps and measure.

    limit: gigabytes of private memory that the training may have; a training on a CPU fails
    beyond. Raises CommandError for a size that cannot be, SwapdeckError when the training fails.
    """
    if size % 16 or size < 32:
        raise CommandError("--size must be a multiple of 16, and 32 or more.")
    with tempfile.TemporaryDirectory(prefix="swapdeck-bench-", dir=folder) as place:
        root = Path(place) / "workspace"
        workspace = open_workspace(root, create=True)
        tell(f"Makes {faces:,} faces")
        halves = ((faces + 1) // 2, faces // 2)
        for number, (name, count) in enumerate(zip(("one", "other"), halves, strict=True)):
            make_person(workspace, name, number, count)
        tell(f"Trains on them for {steps} steps at {size} pixels")
        command = [sys.executable, "-m", "engine.bench.dataset", str(root), str(size), str(steps)]
        done = subprocess.run(
            [*command, where, str(limit or 0)],
            cwd=Path(__file__).resolve().parents[2],  # where this very package is found
            env=with_large_pages(os.environ),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SwapdeckError(
                f"The training ended with exit code {done.returncode}. What it said is above; with "
                "a limit of memory, that may be too low for the network itself."
            )
        return Figures(**json.loads(done.stdout.splitlines()[-1]))


Shot = tuple[Face, NDArray[np.uint8]]
"""A face's row, and its crop [CROP_SIZE, CROP_SIZE, 3]."""


def make_person(
    workspace: Workspace, name: str, seed: int, faces: int, shots: Sequence[Shot] = ()
) -> Person:
    """A person with so many kept faces and their stored crops.

    shots: what is repeated; some rendered faces by default.
    """
    consent = Consent("synthetic", "a benchmark", "swapdeck bench", now())
    person = add_person(workspace, name, consent)
    person.faces_dir.mkdir(exist_ok=True)
    shots = shots or rendered(seed)
    many = _many(person, shots, seed, faces)
    with FaceIndex(person.index_path) as index:
        index.start(_SOURCE, "{}")
        while stored := list(islice(many, _STORED)):
            index.add_frames(_SOURCE, stored, stored[-1].frame + 1)
    return person


def rendered(seed: int) -> list[Shot]:
    """Some faces of one of the shipped clips with their crops, uint8 [CROP_SIZE, CROP_SIZE, 3]."""
    from engine.avatars.demo import demo_clips
    from engine.datasets.describe import described
    from engine.faces.detect import FaceFinder
    from engine.faces.embed import Embedder
    from engine.media import open_frames

    clips = demo_clips()
    finder, embedder = FaceFinder(), Embedder()
    found = []
    with open_frames((clips.source_training, clips.target_training)[seed % 2]) as reader:
        for frame in islice(reader, 0, _SHOTS * _APART, _APART):
            for seen in finder.find(frame.image)[:1]:
                blank = _blank(seen.box)
                found.append(described(blank, frame.image, seen.landmarks, embedder))
    return found


def made_up(seed: int) -> list[Shot]:
    """Smooth noise in place of faces, with the landmarks of the mean face: as much to read, to
    decode and to cut, without the models that find faces."""
    import cv2

    from engine.faces.template import TEMPLATE
    from projects.face_crop import CROP_SIZE

    noise = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), np.uint8)
    picture = np.asarray(cv2.resize(noise, (CROP_SIZE, CROP_SIZE)), np.uint8)
    unit = np.array([[1 / CROP_SIZE, 0, 0], [0, 1 / CROP_SIZE, 0]])
    face = replace(
        _blank((0, 0, CROP_SIZE, CROP_SIZE)),
        landmarks=(CROP_SIZE * TEMPLATE).astype("<f4").tobytes(),
        transform=unit.astype("<f8").tobytes(),
        embedding=np.zeros(128, "<f4").tobytes(),
    )
    return [(face, picture)]


def measure(root: Path, size: int, steps: int, where: str, limit: float) -> Figures:
    """Train in this process on the people under `root`, and say what it took."""
    import jax

    from engine.bench.memory_peak import process_peak
    from engine.nets import presets
    from engine.nets.light import LightConfig, LightDecoder, LightEncoder
    from engine.reporting import CollectingReporter
    from engine.training.dataset import find_dataset
    from engine.training.limits import Limits
    from engine.training.loop import train

    if limit and jax.default_backend() == "cpu":
        most = int(limit * 1e9)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    config = LightConfig(size=size, encoder=(32, 64, 96), code=128, decoder=(96, 48, 24, 16))
    presets.PRESETS[PRESET] = presets.Preset(
        PRESET,
        size,
        lambda rngs: LightEncoder(config, rngs=rngs),
        lambda rngs: LightDecoder(config, rngs=rngs),
    )
    workspace = open_workspace(root)
    people = [get_person(workspace, name) for name in ("one", "other")]
    swap = new_swap(workspace, None, *people, preset=PRESET, seed=1, settings={"batch": BATCH})
    reporter = CollectingReporter()
    start = time.time()
    rarely = 86_400.0
    limits = Limits(
        steps=steps,
        dataset=where,
        checkpoint_every=rarely,
        preview_every=rarely,
        score_every=rarely,
    )
    train(workspace, swap, limits, reporter)
    told = reporter.of("step")
    compiling = next(e for e in reporter.of("stage") if e["name"].startswith("compile"))
    passed = told[-1]["seconds"] - told[0]["seconds"]
    datasets = [find_dataset(person, size, False) for person in people]
    return Figures(
        faces=sum(len(one.faces) + len(one.held) for one in datasets),
        size=size,
        mode=reporter.of("feed")[0]["mode"],
        device=jax.local_devices()[0].device_kind,
        batch=BATCH,
        steps=steps,
        crops=sum(one.nbytes for one in datasets),
        cached=next(one.bytes for one in cache.usage(workspace) if one.kind == "crops"),
        peak=process_peak(),
        limit=int(limit * 1e9) if limit and jax.default_backend() == "cpu" else None,
        loading=compiling["at"] - start,
        rate=(told[-1]["step"] - told[0]["step"]) / passed if passed > 0 else 0.0,
        stall=told[-1]["stall"],
    )


def _many(person: Person, shots: Sequence[Shot], seed: int, count: int) -> Iterator[Face]:
    """The rows of so many faces, whose crops are written on the way."""
    random = np.random.default_rng(seed)
    frames = iter(range(count))
    with ThreadPoolExecutor() as pool:
        while some := list(islice(frames, _STORED)):
            # Coarse noise: every crop is another one, and compresses as pictures do.
            grains = random.integers(-20, 21, (len(some), 16, 16, 3), dtype=np.int16)
            rows = [
                replace(
                    shots[frame % len(shots)][0],
                    frame=frame,
                    time=frame / 25,
                    crop=f"{_SOURCE[:16]}-{frame:07d}-0.png",
                )
                for frame in some
            ]
            pictures = [shots[frame % len(shots)][1] for frame in some]
            paths = [person.faces_dir / row.crop for row in rows]
            list(pool.map(_write, paths, pictures, grains))
            yield from rows


def _write(path: Path, picture: NDArray[np.uint8], grain: NDArray[np.int16]) -> None:
    import cv2

    noise = cv2.resize(grain, picture.shape[:2], interpolation=cv2.INTER_LINEAR)
    noisy = np.clip(picture.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".png", noisy[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    path.write_bytes(data.tobytes())


def _blank(box: tuple[int, int, int, int]) -> Face:
    """A row in which nothing is measured yet."""
    return Face(
        id=0, source=_SOURCE, frame=0, time=0.0, box=box, yaw=0.0, pitch=0.0, roll=0.0,
        sharpness=1.0, crop="none.png", kept=True, reason="", landmarks=b"", transform=b"",
        embedding=b"",
    )  # fmt: skip


def main() -> None:
    """Measure in this process; the last line is the figures as JSON."""
    root, size, steps, where, limit = sys.argv[1:]
    figures: dict[str, Any] = asdict(
        measure(Path(root), int(size), int(steps), where, float(limit))
    )
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
