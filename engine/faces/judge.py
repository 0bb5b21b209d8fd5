"""Which of a person's faces belong in the dataset, and why the others do not."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.faces.dataset import distinct_embeddings, embedding_of
from engine.faces.identity import FOLLOWED_THRESHOLD, IDENTITY_THRESHOLD, Identity, main_identity
from engine.faces.tracks import chains
from projects.faces import Face, FaceIndex

UNJUDGED: Final = "not judged yet"
"""The reason of faces that were found and not judged."""
BY_HAND: Final = "by hand"
"""The reason of faces that a person kept, or rejected without saying why."""
_TOO_SMALL: Final = "too small"
_BLURRED: Final = "blurred"
_STRANGER: Final = "stranger"
# Any other reason was given by a person, and is never overruled here.
_OWN_REASONS: Final = frozenset({"", UNJUDGED, _TOO_SMALL, _BLURRED, _STRANGER})
_RIVAL: Final = 0.5
"""Another cluster of this part of the main one's size is worth a warning."""


@dataclass(frozen=True)
class JudgeSettings:
    """Bounds below which a face is rejected; see `ExtractSettings`."""

    min_size: int
    min_sharpness: float
    every: int


def judge(index: FaceIndex, settings: JudgeSettings) -> list[str]:
    """Give every face its verdict, in one transaction; returns warnings.

    The main identity is that of the largest cluster among the faces that are large and sharp
    enough (among all, when none is), without those rejected by hand.
    """
    faces = index.faces()
    flaws = {face.id: _flaw(face, settings) for face in faces if face.reason in _OWN_REASONS}
    candidates = [face for face in faces if face.kept or face.id in flaws]
    if not candidates:
        return []
    good = [face for face in candidates if not flaws.get(face.id)] or candidates
    identity = main_identity(*distinct_embeddings(good))
    strange = _strangers(faces, identity, settings.every)
    verdicts: dict[int, tuple[bool, str]] = {}
    for face in faces:
        if face.id not in flaws:
            continue
        reason = flaws[face.id] or (_STRANGER if face.id in strange else "")
        if (face.kept, face.reason) != (not reason, reason):
            verdicts[face.id] = (not reason, reason)
    index.judge(verdicts)
    if identity.second_share >= _RIVAL * identity.share:
        return [
            f"Somebody else fills {identity.second_share:.0%} of the faces, against "
            f"{identity.share:.0%} of the person that was kept. Look at the faces that were kept, "
            "and remove the sources that show another person most of the time."
        ]
    return []


def _strangers(faces: list[Face], identity: Identity, every: int) -> set[int]:
    """The ids of the faces that show somebody else.

    A hand over the face or a turned head moves the embedding away; where a head can be followed
    from frame to frame and is mostly the person's, such faces are allowed more.
    """
    distances = identity.distances(np.stack([embedding_of(face) for face in faces]))
    strange: set[int] = set()
    for chain in chains(faces, every):
        own = float(np.median(distances[chain])) <= IDENTITY_THRESHOLD
        bound = FOLLOWED_THRESHOLD if own else IDENTITY_THRESHOLD
        strange.update(faces[place].id for place in chain if distances[place] > bound)
    return strange


def _flaw(face: Face, settings: JudgeSettings) -> str:
    if face.box[2] - face.box[0] < settings.min_size:
        return _TOO_SMALL
    if face.sharpness < settings.min_sharpness:
        return _BLURRED
    return ""
