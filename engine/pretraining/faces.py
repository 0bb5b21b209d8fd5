"""What a base model learns from: faces of many people, and who else is seen doing the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.faces.align import fit_transform
from engine.faces.detect import FaceFinder
from engine.pretraining.crowd import Crowd, crowd_pose, render_crowd
from engine.reporting import Reporter
from engine.training.dataset import crops, find_dataset, picture_of
from projects.errors import SwapdeckError
from projects.face_crop import crop_side
from projects.people import Person
from projects.userfolders import user_cache

PEERS: Final = 4
"""Faces among which the one is drawn that the encoder is shown, for one that is wanted."""
DOES: Final = ("smile", "mouth_open", "blink_left", "brow_raise", "gaze_y", "light", "ambient")
"""What is known of a rendered face, by its names in `Pose`: what a mirrored picture has alike."""
_POSES: Final = 960
_LEAST_SIDE: Final = 205
"""Of a rendered picture: chips of 64 and of 128 pixels are taken from the same ones."""
_SIDE_A_CHIP: Final = 1.6
"""Pixels of a rendered picture for one of a chip: a face then has about as many as its chip."""


@dataclass(frozen=True)
class Faces:
    """Faces of people who are numbered from 0."""

    pixels: NDArray[np.uint8]
    """[N, R, R, 6]: red, green, blue, masks of face, eyes and mouth, as `dataset.crops` gives."""
    who: NDArray[np.int32]
    """[N]: whose face it is."""
    peers: NDArray[np.int32]
    """[N, PEERS]: faces with the same pose, expression and light, itself among them; where nobody
    else is known to have done the same, itself only."""
    does: NDArray[np.float32]
    """[N, DOES]: what each face does and in what light, with mean 0 and variance 1; NaN where
    nobody knows."""
    people: int
    """How many people there are."""


def crowd_for(people: int, size: int, seed: int) -> Crowd:
    """So many synthetic people for chips of `size` pixels.

    Few of them are seen eighty times each; of many, each is seen the less often, for it is pictures
    that take the time.
    """
    side = max(_LEAST_SIDE, round(_SIDE_A_CHIP * size))
    poses = max(people, min(20 * people, _POSES))
    return Crowd(people=people, poses=poses, seen=PEERS, side=side, seed=seed)


def crowd_cache() -> Path:
    """Where rendered crowds are kept."""
    return user_cache() / "crowds"


def crowd_faces(crowd: Crowd, size: int, reporter: Reporter) -> Faces:
    """The faces of a crowd, rendered where they are not there yet. Raises StopRequested."""
    reporter.event("stage", name="render the crowd", total=crowd.frames, unit="pictures")

    def tell(done: int) -> None:
        reporter.check()
        reporter.event("progress", stage="render the crowd", done=done, total=crowd.frames)

    pictures = render_crowd(crowd, crowd_cache(), tell)
    reporter.event("stage", name="find the crowd's faces", total=crowd.frames, unit="pictures")
    finder, side = FaceFinder(), crop_side(size)
    found: list[NDArray[np.uint8]] = []
    frames: list[int] = []
    for frame, picture in enumerate(pictures):
        faces = finder.find(picture)
        if len(faces) == 1:
            transform = fit_transform(faces[0].landmarks)
            found.append(picture_of(picture, faces[0].landmarks, transform, side))
            frames.append(frame)
        if frame % 64 == 0:
            reporter.check()
            reporter.event("progress", stage="find the crowd's faces", done=frame)
    who = np.array([crowd.who(frame) for frame in frames], np.int32)
    pose = np.array([crowd.pose(frame) for frame in frames], np.int32)
    return with_peers(np.stack(found), who, pose, _doing(crowd)[pose], crowd.people)


def _doing(crowd: Crowd) -> NDArray[np.float32]:
    """float32 [poses, DOES]: what is done in each pose."""
    poses = [crowd_pose(crowd, number) for number in range(crowd.poses)]
    known = np.array([[getattr(pose, name) for name in DOES] for pose in poses])
    return np.asarray((known - known.mean(0)) / (known.std(0) + 1e-6), np.float32)


def with_peers(
    pixels: NDArray[np.uint8],
    who: NDArray[np.int32],
    pose: NDArray[np.int32],
    does: NDArray[np.float32],
    people: int,
) -> Faces:
    """Faces [N, R, R, 6] of which those with the same number in `pose` [N] are each other's peers.

    There are PEERS at most of a pose.
    """
    peers = np.empty((len(who), PEERS), np.int32)
    for number in np.unique(pose):
        same = np.flatnonzero(pose == number)
        peers[same] = np.resize(same[:PEERS], PEERS)
    return Faces(pixels, who, peers, does, people)


def people_faces(people: Sequence[Person], size: int, reporter: Reporter) -> list[Faces]:
    """The kept faces of real people, each of whom is the only one to do what they do.

    Raises SwapdeckError for a person without faces.
    """
    found = []
    for person in people:
        dataset = find_dataset(person, size, clahe=False, side=crop_side(size))
        reporter.event("stage", name=f"load {person.name}", total=len(dataset.faces), unit="faces")
        pixels = np.stack(list(crops(dataset)))
        reporter.check()
        count = len(pixels)
        alone = np.arange(count, dtype=np.int32)
        peers = alone[:, None].repeat(PEERS, 1)
        unknown = np.full((count, len(DOES)), np.nan, np.float32)
        found.append(Faces(pixels, np.zeros(count, np.int32), peers, unknown, 1))
    return found


def together(parts: Sequence[Faces]) -> Faces:
    """Several collections as one; people and faces are numbered on. Raises SwapdeckError."""
    if not parts:
        raise SwapdeckError("There is nobody to learn from.")
    offsets = np.cumsum([0] + [len(part.who) for part in parts])
    first = np.cumsum([0] + [part.people for part in parts])
    return Faces(
        np.concatenate([part.pixels for part in parts]),
        np.concatenate([p.who + first[i] for i, p in enumerate(parts)]).astype(np.int32),
        np.concatenate([p.peers + offsets[i] for i, p in enumerate(parts)]).astype(np.int32),
        np.concatenate([part.does for part in parts]),
        int(first[-1]),
    )
