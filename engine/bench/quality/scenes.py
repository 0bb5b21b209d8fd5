"""The pairs of people that choices are judged by: footage, the exact truth of its swap, its mask.

The first is shipped; the others are rendered when they are first asked for, into the user's cache.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from engine.avatars.clips import FRAME_RATE, render_clip
from engine.avatars.demo import demo_clips
from engine.avatars.identities import PEOPLE, swap
from engine.avatars.parameters import Pose
from engine.avatars.performance import BRUNO, Manner, Performance
from engine.media import open_frames
from engine.quality.exact import Truth, load_mask
from projects.errors import CommandError
from projects.files import replacing
from projects.userfolders import user_cache

FRAMES: Final = 32
SIZE: Final = (320, 240)
TRAINING_FRAMES: Final = 160
PORTRAIT_FRAMES: Final = 24
_HURRY: Final = 7.0
_CRF: Final = 6
_PERFORMED_BY: Final = Path(__file__).resolve().parents[2] / "avatars"


@dataclass(frozen=True)
class Pair:
    """Whose face goes on whom, and what they do meanwhile."""

    source: str
    target: str
    about: str
    seed: int
    manner: Manner

    @property
    def name(self) -> str:
        return f"{self.source} on {self.target}"


@dataclass(frozen=True)
class Scene:
    """One pair's files: what is converted and the exact answer."""

    pair: Pair
    clip: Path
    truth: Truth


_SHIPPED: Final = Pair("anna", "bruno", "talking, light that moves", 108, BRUNO)
PAIRS: Final = (
    _SHIPPED,
    Pair("dora", "chidi", "turning quickly", 21, Manner(pace=0.5, yaw=28, pitch=14, talking=0.5)),
    Pair(
        "emil",
        "fumi",
        "hard light from the side, wandering",
        34,
        Manner(
            pace=1.2,
            yaw=16,
            light_azimuth=(-70, 70),
            light_elevation=(0, 35),
            light=(0.95, 1.3),
            ambient=(0.45, 0.7),
        ),
    ),
    Pair("bruno", "anna", "nearly still, speaking", 55, Manner(pace=2.4, yaw=6, pitch=4)),
    Pair(
        "chidi",
        "emil",
        "looking up and down, dim",
        89,
        Manner(pace=0.8, yaw=10, pitch=18, light=(0.45, 0.7), ambient=(0.5, 0.75)),
    ),
)
"""One movement and one light each that is hard in its own way."""


def default_cache() -> Path:
    """Where rendered pairs are kept unless another folder is named."""
    return user_cache() / "bench-quality"


def pairs_named(names: Sequence[str]) -> tuple[Pair, ...]:
    """The pairs of those names, all of them for none. Raises CommandError."""
    known = {pair.name: pair for pair in PAIRS}
    for name in names:
        if name not in known:
            raise CommandError(f"There is no pair '{name}'. Name some of: {', '.join(known)}.")
    return tuple(known[name] for name in names) or PAIRS


def scene(pair: Pair, cache: Path, say: Callable[[str], None], frames: int = FRAMES) -> Scene:
    """The pair's files, rendered where they are not there yet; a clip is complete or absent."""
    folder = folder_of(pair, cache, frames)
    clip, picture, mask = (folder / name for name in ("scene.mp4", "truth.mp4", "mask.npz"))
    if pair == _SHIPPED:
        _shipped(clip, picture, mask, frames)
        return Scene(pair, clip, Truth(picture, mask))
    performance = Performance(pair.seed, pair.manner)
    target, source = PEOPLE[pair.target], PEOPLE[pair.source]
    if not clip.exists():
        say(f"rendering {pair.name}: {frames} frames")
        with replacing(clip) as part:
            render_clip(target, performance, frames, SIZE, part, crf=_CRF)
    if not (picture.exists() and mask.exists()):
        say(f"rendering {pair.name}: {frames} frames of the truth")
        with replacing(picture) as part, replacing(mask) as packed:
            exact = render_clip(swap(target, source), performance, frames, SIZE, part, crf=_CRF)
            np.savez_compressed(packed, face=exact.face)
    return Scene(pair, clip, Truth(picture, mask))


def footage(
    name: str, cache: Path, say: Callable[[str], None], frames: int = PORTRAIT_FRAMES
) -> Path:
    """A clip of one person in many poses and lights, which shows other moments than any scene."""
    clips = demo_clips()
    shipped = {_SHIPPED.source: clips.source_training, _SHIPPED.target: clips.target_training}
    if name in shipped:
        return shipped[name]
    path = _folder(cache, f"{name}-{frames}", [name, frames, _HURRY]) / f"{name}.mp4"
    if not path.exists():
        say(f"rendering {name}: {frames} frames of all poses")
        with replacing(path) as part:
            performance = _Hurried(1000 + sorted(PEOPLE).index(name))
            render_clip(PEOPLE[name], performance, frames, SIZE, part, crf=_CRF)
    return path


@dataclass(frozen=True)
class _Hurried(Performance):
    """Many poses in few frames."""

    def pose(self, t: float) -> Pose:
        return super().pose(_HURRY * t)


def folder_of(pair: Pair, cache: Path, frames: int = FRAMES) -> Path:
    """Where what belongs to a pair lies, made if it has to be."""
    name = f"{pair.source}-on-{pair.target}-{frames}"
    return _folder(cache, name, [asdict(pair), frames])


def _folder(cache: Path, name: str, what: list[Any]) -> Path:
    """A folder whose name changes with anything that would change the pictures in it."""
    known = hashlib.sha256(json.dumps([*what, SIZE, _CRF]).encode())
    for path in sorted(_PERFORMED_BY.glob("*.py")):
        known.update(path.read_bytes())
    folder = cache / f"{name}-{known.hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _shipped(clip: Path, picture: Path, mask: Path, frames: int) -> None:
    """The first frames of the shipped scene and of its truth."""
    clips = demo_clips()
    for source, path in ((clips.scene, clip), (clips.truth, picture)):
        if not path.exists():
            with replacing(path) as part:
                _first(source, part, frames)
    if not mask.exists():
        with replacing(mask) as part:
            np.savez_compressed(part, face=load_mask(clips.truth_mask)[:frames])


def _first(source: Path, path: Path, frames: int) -> None:
    with open_frames(source) as reader, av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", FRAME_RATE, options={"crf": str(_CRF)})
        stream.pix_fmt = "yuv420p"
        stream.width, stream.height = reader.info.width, reader.info.height
        for frame in islice(reader, frames):
            shown = av.VideoFrame.from_ndarray(frame.image, format="rgb24")
            shown.pts, shown.time_base = frame.index, Fraction(1, FRAME_RATE)
            container.mux(stream.encode(shown))
        container.mux(stream.encode(None))
