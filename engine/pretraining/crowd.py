"""A crowd: many synthetic people, of whom several are seen in each pose, expression and light.

Nobody films two people doing exactly the same. Rendered ones do, so a network can be shown what a
face looks like as somebody else's: base models are made of that.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

import engine.avatars
from engine.avatars.identities import PEOPLE, FacePart, FramePart, Identity
from engine.avatars.parameters import Pose
from engine.avatars.performance import Manner, Performance
from engine.avatars.render import render_frame
from projects.files import replacing

Part = TypeVar("Part", FacePart, FramePart)

_BATCH: Final = 32
"""Frames of a file: what is lost when the rendering is killed."""
_APART: Final = 7.0
"""Seconds between two moments that are rendered: nothing of the one shows in the other."""
_SMOOTH: Final = 0.6
"""The share of people without a beard."""
_WIDER: Final = 0.15
"""How far a measure may lie outside of what PEOPLE span, in spans: each of them is at the end of
some, and nobody else would be like them there."""
_SHUT: Final = 0.5
"""The share of drawn expressions whose eyes are not wide open."""
_MADE_BY: Final = Path(engine.avatars.__file__).resolve().parent
_MANNERS: Final = (
    Manner(yaw=30, pitch=16, light_azimuth=(-60, 60), light_elevation=(5, 50), light=(0.7, 1.2)),
    Manner(yaw=22, pitch=12, talking=0.9, light=(0.6, 1.15), ambient=(0.7, 1.2)),
    Manner(yaw=38, pitch=20, talking=0.6, light_azimuth=(-75, 75), ambient=(0.55, 1.1)),
)


@dataclass(frozen=True)
class Crowd:
    """Who is rendered, and how often; one value always means the same pictures."""

    people: int = 480
    poses: int = 960
    seen: int = 4
    """People that are rendered in each pose, the same number for everybody in the end."""
    side: int = 200
    """Of a picture, in pixels; a face takes about half of it."""
    seed: int = 0

    @property
    def frames(self) -> int:
        """Pictures in all."""
        return self.poses * self.seen

    def who(self, frame: int) -> int:
        """The person in a frame, 0 ... people - 1."""
        pose, place = divmod(frame, self.seen)
        # A step that grows with each round pairs everybody with everybody else in time.
        start, step = pose % self.people, 1 + pose // self.people % max(1, self.people // self.seen)
        return (start + place * step) % self.people

    def pose(self, frame: int) -> int:
        """The pose in a frame, 0 ... poses - 1."""
        return frame // self.seen


def stranger(seed: int) -> Identity:
    """A person who is none of PEOPLE; the same seed gives the same person.

    Each measure is drawn by itself from the range that PEOPLE span, or from a little outside of it
    where it is no share of something. Each colour lies between those of two of them, and skin and
    neck go together.
    """
    rng = np.random.default_rng([seed, 20_261_128])
    face = _drawn([person.face for person in PEOPLE.values()], rng)
    if rng.uniform() < _SMOOTH:
        face = replace(face, beard=0.0, moustache=0.0, beard_volume=0.0)
    frame = _drawn([person.frame for person in PEOPLE.values()], rng)
    return Identity(face, replace(frame, skin=face.skin, backdrop=float(seed % 1000 + 7)))


def _drawn(parts: list[Part], rng: np.random.Generator) -> Part:
    values: dict[str, Any] = {}
    for field in fields(parts[0]):
        known = np.array([getattr(part, field.name) for part in parts], float)
        if known.ndim == 1:
            low, high = known.min(), known.max()
            outside = 0.0 if low == 0 else _WIDER * (high - low)
            values[field.name] = float(rng.uniform(low - outside, high + outside))
        else:
            first, second = rng.choice(len(known), 2, replace=False)
            weight = rng.uniform()
            mixed = (1 - weight) * known[first] + weight * known[second]
            values[field.name] = tuple(mixed.tolist())
    return replace(parts[0], **values)


def crowd_pose(crowd: Crowd, number: int) -> Pose:
    """One of the crowd's poses: a moment of a performance that nobody else sees.

    Every other one has an expression that is drawn instead: faces at work seldom smile broadly,
    frown, or have their eyes half shut, and each part of a face moves with some others only.
    """
    manner = _MANNERS[number % len(_MANNERS)]
    seed = crowd.seed * 1009 + 500 + number % len(_MANNERS)
    pose = Performance(seed, manner).pose(_APART * (1 + number))
    if number % 2 == 0:
        return pose
    rng = np.random.default_rng([crowd.seed, number])
    shut = float(rng.uniform(0, 1)) if rng.uniform() < _SHUT else 0.0
    return replace(
        pose,
        mouth_open=float(rng.uniform(0, 1)),
        smile=float(rng.uniform(-0.4, 1)),
        brow_raise=float(rng.uniform(-0.5, 1)),
        blink_left=shut,
        blink_right=shut,
    )


def render_crowd(
    crowd: Crowd,
    cache: Path,
    tell: Callable[[int], None] = lambda done: None,
    workers: int | None = None,
) -> NDArray[np.uint8]:
    """All pictures of a crowd, uint8 [frames, side, side, 3] RGB, in the order of frames.

    What was rendered before is taken from `cache`, in which files are complete or absent. `tell`
    is called with the number of frames that are there; it may raise to end the rendering.
    """
    folder = cache / f"crowd-{_digest(crowd)}"
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, crowd.frames, _BATCH)
    missing = [start for start in starts if not _file(folder, start).exists()]
    if missing:
        _render_missing(crowd, folder, missing, tell, workers or os.cpu_count() or 1)
    parts = []
    for start in starts:
        with np.load(_file(folder, start), allow_pickle=False) as packed:
            parts.append(packed["rgb"])
        tell(min(crowd.frames, start + _BATCH))
    return np.concatenate(parts)


def _render_missing(
    crowd: Crowd, folder: Path, missing: list[int], tell: Callable[[int], None], workers: int
) -> None:
    before = crowd.frames - sum(min(_BATCH, crowd.frames - start) for start in missing)
    # Processes of their own: a rendered frame is hundreds of small programs, which one Python
    # cannot start fast enough for two cores.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(missing)), mp_context=context) as pool:
        running = [pool.submit(_render_batch, crowd, folder, start) for start in missing]
        try:
            for ready in as_completed(running):
                before += ready.result()
                tell(before)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _render_batch(crowd: Crowd, folder: Path, start: int) -> int:
    frames = range(start, min(start + _BATCH, crowd.frames))
    size = (crowd.side, crowd.side)
    pictures = [
        render_frame(
            stranger(crowd.seed * 1009 + crowd.who(frame)),
            crowd_pose(crowd, crowd.pose(frame)),
            size,
            noise_seed=frame,
        ).rgb
        for frame in frames
    ]
    with replacing(_file(folder, start)) as part:
        np.savez_compressed(part, rgb=np.stack(pictures))
    return len(frames)


def _file(folder: Path, start: int) -> Path:
    return folder / f"{start:06d}.npz"


def _digest(crowd: Crowd) -> str:
    """Changes with anything that would change the pictures."""
    known = hashlib.sha256(json.dumps([asdict(crowd), _BATCH]).encode())
    for path in (Path(__file__), *sorted(_MADE_BY.glob("*.py"))):
        known.update(path.read_bytes())
    return known.hexdigest()[:16]
