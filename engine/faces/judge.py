"""Which of a person's faces belong in the dataset, and why the others do not."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.faces.dataset import distinct_embeddings, embedding_of
from engine.faces.identity import IDENTITY_THRESHOLD, main_identity
from projects.faces import Face, FaceIndex

BY_HAND: Final = "by hand"
"""The reason of faces that a person kept or rejected; it is never overruled here."""
_RIVAL_SHARE: Final = 0.3


@dataclass(frozen=True)
class JudgeSettings:
    """Bounds below which a face is rejected; see `ExtractSettings`."""

    min_size: int
    min_sharpness: float


def judge(index: FaceIndex, settings: JudgeSettings) -> list[str]:
    """Give every face its verdict, in one transaction; returns warnings.

    The main identity is that of the largest cluster among the faces that are large and sharp
    enough (among all, when none is), without those rejected by hand.
    """
    faces = index.faces()
    flaws = {face.id: _flaw(face, settings) for face in faces if face.reason != BY_HAND}
    candidates = [face for face in faces if face.kept or face.reason != BY_HAND]
    if not candidates:
        return []
    good = [face for face in candidates if not flaws.get(face.id)] or candidates
    identity = main_identity(*distinct_embeddings(good))
    distances = identity.distances(np.stack([embedding_of(face) for face in faces]))
    verdicts: dict[int, tuple[bool, str]] = {}
    for face, distance in zip(faces, distances, strict=True):
        if face.id not in flaws:
            continue
        reason = flaws[face.id] or ("stranger" if distance > IDENTITY_THRESHOLD else "")
        if (face.kept, face.reason) != (not reason, reason):
            verdicts[face.id] = (not reason, reason)
    index.judge(verdicts)
    if identity.second_share >= _RIVAL_SHARE:
        return [
            f"Somebody else fills {identity.second_share:.0%} of the faces, against "
            f"{identity.share:.0%} of the person that was kept. Look at the faces that were kept, "
            "and remove the sources that show another person most of the time."
        ]
    return []


def _flaw(face: Face, settings: JudgeSettings) -> str:
    if face.box[2] - face.box[0] < settings.min_size:
        return "too small"
    if face.sharpness < settings.min_sharpness:
        return "blurred"
    return ""
