"""How far landmarks are from the truth, and how much they tremble: `swapdeck bench landmarks`.

The truth of the shipped scenes is known to a fraction of a pixel. dlib's own landmarks in the boxes
of its own detector, frame by frame, are measured beside ours: the mean over several boxes, followed
and steadied along the track.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.avatars.demo import demo_clips, load_truth
from engine.faces.dataset import landmarks_of
from engine.faces.detect import FaceFinder
from engine.faces.extract import ExtractSettings, extract_person
from engine.media import open_frames
from engine.reporting import NullReporter
from projects.consent import Consent
from projects.faces import FaceIndex
from projects.people import add_person
from projects.sources import add_source
from projects.workspace import now, open_workspace

Points = dict[int, NDArray[np.float64]]


@dataclass(frozen=True)
class Trembling:
    """Of one way of finding landmarks on one clip, in hundredths of the distance of the eyes.

    error: mean distance from the true place. jitter: mean change of that error, as a vector, from
    one frame to the next, so that true movement does not count.
    """

    error: float
    jitter: float


@dataclass(frozen=True)
class Measured:
    """frames: in which both found the face."""

    name: str
    frames: int
    raw: Trembling
    ours: Trembling


def run() -> list[Measured]:
    """Measure on both scenes whose truth is shipped."""
    clips, truth = demo_clips(), load_truth()
    scenes = ((clips.scene, truth.scene_landmarks), (clips.truth, truth.truth_landmarks))
    return [_measure(path, points.astype(np.float64)) for path, points in scenes]


def _measure(path: Path, truth: NDArray[np.float64]) -> Measured:
    raw, ours = _raw(path), _ours(path)
    common = sorted(raw.keys() & ours.keys())
    return Measured(
        name=path.stem,
        frames=len(common),
        raw=_trembling(raw, truth, common),
        ours=_trembling(ours, truth, common),
    )


def _trembling(found: Points, truth: NDArray[np.float64], frames: list[int]) -> Trembling:
    known = ~np.isnan(truth[0, :, 0])  # the jaw line has no true place
    off = []
    for frame in frames:
        true = truth[frame]
        eyes = float(np.hypot(*(true[42:48].mean(0) - true[36:42].mean(0))))
        off.append(100 * (found[frame][known] - true[known]) / eyes)
    errors = np.stack(off)
    follows = np.diff(frames) == 1
    return Trembling(
        error=float(np.linalg.norm(errors, axis=-1).mean()),
        jitter=float(np.linalg.norm(np.diff(errors, axis=0)[follows], axis=-1).mean()),
    )


def _raw(path: Path) -> Points:
    finder = FaceFinder()
    with open_frames(path) as reader:
        found = {frame.index: finder.find(frame.image) for frame in reader}
    return {frame: faces[0].landmarks.astype(np.float64) for frame, faces in found.items() if faces}


def _ours(path: Path) -> Points:
    with tempfile.TemporaryDirectory(prefix="swapdeck-bench-") as folder:
        workspace = open_workspace(Path(folder) / "workspace", create=True)
        consent = Consent("synthetic", "a benchmark", "swapdeck bench", now())
        person = add_person(workspace, "bench", consent)
        add_source(person, path, "video", str(path))
        extract_person(person, ExtractSettings(), NullReporter())
        with FaceIndex(person.index_path, readonly=True) as index:
            return {face.frame: landmarks_of(face).astype(np.float64) for face in index.faces()}
