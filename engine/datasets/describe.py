"""A face's row made anew from a picture and its landmarks: for what people mend and bring in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.faces import measure
from engine.faces.align import (
    CROP_MARGIN,
    CROP_SIZE,
    Alignment,
    apply,
    chip_matrix,
    crop,
    fit_transform,
)
from engine.faces.embed import Embedder
from engine.faces.pose import head_pose
from engine.faces.sharpness import sharpness
from projects.errors import CommandError
from projects.faces import Face

_LEAST = 4.0  # frame pixels between the corners of the eyes


def described(
    face: Face,
    image: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    embedder: Embedder,
    *,
    alignment: Alignment = Alignment.EYES_BRIDGE,
) -> tuple[Face, NDArray[np.uint8]]:
    """`face` with everything that is measured made anew, and its crop.

    image: uint8 [H, W, 3] RGB, the frame, turned where it lay on its side: the pose is that of the
    landmarks as they are here. landmarks: float32 [68, 2] in its pixels. What is not
    measured from them (source, frame, box, track, likeness, verdict) is taken over. Returns the
    crop as uint8 [CROP_SIZE, CROP_SIZE, 3].

    Raises:
        CommandError: no face can have these landmarks.
    """
    check_landmarks(landmarks, image.shape[1], image.shape[0])
    transform = fit_transform(landmarks, alignment)
    picture = crop(image, transform, CROP_SIZE, CROP_MARGIN)
    inside = apply(chip_matrix(transform, CROP_SIZE, CROP_MARGIN), landmarks)
    pose = head_pose(landmarks)
    made = replace(
        face,
        yaw=pose.yaw,
        pitch=pose.pitch,
        roll=pose.roll,
        sharpness=sharpness(picture),
        size=measure.face_size(landmarks),
        brightness=measure.brightness(picture, landmarks, transform),
        mouth=measure.mouth_opening(landmarks),
        eyes=measure.eye_opening(landmarks),
        hash=measure.difference_hash(picture),
        landmarks=landmarks.astype("<f4").tobytes(),
        transform=transform.astype("<f8").tobytes(),
        embedding=embedder.embed(picture, inside).astype("<f4").tobytes(),
    )
    return made, picture


def check_landmarks(landmarks: NDArray[np.floating], width: int, height: int) -> None:
    """Raise CommandError for landmarks that no face in a frame of this size can have."""
    if landmarks.shape != (68, 2) or not np.isfinite(landmarks).all():
        raise CommandError("Landmarks are 68 pairs of numbers, x and y in pixels.")
    reach = 2.0 * max(width, height)
    if float(np.abs(landmarks).max()) > reach:
        raise CommandError(
            f"These landmarks lie far outside the picture of {width}x{height} pixels. Are they in "
            "pixels of another picture?"
        )
    if float(np.hypot(*(landmarks[45] - landmarks[36]))) < _LEAST:
        raise CommandError("These landmarks have both eyes in one place. Correct them.")


def box_of(landmarks: NDArray[np.floating]) -> tuple[int, int, int, int]:
    """The square, in frame pixels, that a detector would draw: from the brows to the chin."""
    low, high = landmarks.min(0).astype(np.float64), landmarks.max(0).astype(np.float64)
    centre, half = (low + high) / 2, float((high - low).max()) / 2
    left, top = np.rint(centre - half).astype(int).tolist()
    right, bottom = np.rint(centre + half).astype(int).tolist()
    return left, top, right, bottom
