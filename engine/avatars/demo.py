"""The clips that ship with swapdeck: two synthetic people, and the exact truth of one swap."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
_FOLDER = Path(__file__).parent / "clips"


@dataclass(frozen=True)
class DemoClips:
    """Paths of the shipped files. The source is anna, the target bruno."""

    source_training: Path
    target_training: Path
    scene: Path  # bruno, held out: the shot to convert
    truth: Path  # the same shot with anna's face
    truth_mask: Path
    landmarks: Path


@dataclass(frozen=True)
class DemoTruth:
    """The exact answer for the scene, frame by frame."""

    frames: Array  # uint8 [T, H, W, 3], RGB, the swap as it should be
    face: Array  # uint8 [T, H, W], share of each pixel that shows the face, 0 … 255
    scene_landmarks: Array  # float32 [T, 68, 2], pixels (x, y), bruno's; the jaw line is NaN
    truth_landmarks: Array  # float32 [T, 68, 2], of anna's face in the truth


def demo_clips(folder: Path = _FOLDER) -> DemoClips:
    """The shipped clips, or those that engine.avatars.clips rendered into another folder."""
    return DemoClips(
        source_training=folder / "anna.mp4",
        target_training=folder / "bruno.mp4",
        scene=folder / "bruno-scene.mp4",
        truth=folder / "bruno-scene-truth.mp4",
        truth_mask=folder / "bruno-scene-mask.npz",
        landmarks=folder / "bruno-scene-landmarks.json",
    )


def load_truth(clips: DemoClips | None = None) -> DemoTruth:
    """Everything that is known about the scene."""
    clips = clips or demo_clips()
    with av.open(str(clips.truth)) as container:
        frames = np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])
    with np.load(clips.truth_mask, allow_pickle=False) as packed:
        face = packed["face"]
    points = json.loads(clips.landmarks.read_text())
    scene, truth = (_points(points[name]) for name in ("scene", "truth"))
    return DemoTruth(frames, face, scene, truth)


def _points(listed: list[list[list[float] | None]]) -> Array:
    undefined = [float("nan")] * 2
    return np.array([[p or undefined for p in frame] for frame in listed], np.float32)
