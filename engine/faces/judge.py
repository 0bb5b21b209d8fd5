"""Which of a person's faces belong in the dataset, and why the others do not."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.faces.dataset import distinct_embeddings, embedding_of
from engine.faces.identity import (
    FOLLOWED_THRESHOLD,
    IDENTITY_THRESHOLD,
    NOT_LIKE_THRESHOLD,
    REFERENCES,
    Identity,
    References,
    main_identity,
)
from engine.faces.tracks import chains
from projects.faces import Face, FaceIndex

UNJUDGED: Final = "not judged yet"
"""The reason of faces that were found and not judged."""
EYES_OFF: Final = "eyes off frame"
"""The reason of faces with an eye beyond the frame's border; set when they are found."""
BOUNDS: Final = "bounds"
"""Under which name a face index keeps its `JudgeSettings`, as JSON."""
COVERED: Final = "covered"
STRANGER: Final = "stranger"
_TOO_SMALL: Final = "too small"
_TOO_DARK: Final = "too dark"
_BLURRED: Final = "blurred"
_FALSE: Final = "false face"
# Any other reason was given by a person, and is never overruled here.
OWN_REASONS: Final = frozenset(
    {"", UNJUDGED, EYES_OFF, COVERED, STRANGER, _TOO_SMALL, _TOO_DARK, _BLURRED, _FALSE}
)
_RIVAL: Final = 0.5
"""Another cluster of this part of the main one's size is worth a warning."""
SURELY_COVERED: Final = 0.5
"""See `engine.faces.cover`."""
_STILL_COVERED: Final = 0.08
"""A hand that was there is still there above this, and so is one that comes: measured, a fist that
just reaches the chin is at 0.1, faces without a hand are at 0.07 at most beside one."""
_GAP: Final = 6
"""Faces of a track between two that may be covered, which are taken to be so too."""
_LEAST_CONFIDENCE: Final = 0.1
"""A track in which no face is surer than this shows no face."""


@dataclass(frozen=True)
class JudgeSettings:
    """Bounds below which a face is rejected; see `ExtractSettings`."""

    min_size: int = 48
    min_sharpness: float = 0.5
    every: int = 1
    min_brightness: float = 0.04


def remember_bounds(index: FaceIndex, settings: JudgeSettings) -> None:
    """Keep the bounds that a person asked for, for whoever judges next without saying any."""
    index.set_meta(BOUNDS, json.dumps(asdict(settings)))


def remembered_bounds(index: FaceIndex) -> JudgeSettings:
    """What `remember_bounds` kept; the usual bounds from anything else."""
    try:
        found = json.loads(index.meta(BOUNDS) or "{}")
        return JudgeSettings(
            **{
                name: type(usual)(found.get(name, usual))
                for name, usual in asdict(JudgeSettings()).items()
            }
        )
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return JudgeSettings()


def judge(index: FaceIndex, settings: JudgeSettings | None = None) -> list[str]:
    """Give every face its verdict and its likeness; returns warnings.

    settings: the bounds; those that are remembered when none are given.
    The person is whom the largest cluster of embeddings shows among the faces that are large,
    light and sharp enough (among all, when none is), without those rejected by hand; or whom
    the index's reference pictures show. The identity is decided a track at a time.
    """
    settings = settings or remembered_bounds(index)
    references = References.read(index.meta(REFERENCES))
    faces = index.faces()
    tracks = _tracks(faces, settings.every)
    false = _false(faces, tracks)
    covered = _covered(faces, tracks)
    flaws = {
        face.id: _FALSE if face.id in false else _flaw(face, settings, face.id in covered)
        for face in faces
        if face.reason in OWN_REASONS
    }
    candidates = [face for face in faces if face.kept or face.id in flaws]
    if not candidates:
        return []
    good = [face for face in candidates if not flaws.get(face.id)] or candidates
    identity = main_identity(*distinct_embeddings(good), references.like)
    embeddings = np.stack([embedding_of(face) for face in faces])
    distances = identity.distances(embeddings)
    strange = _strangers(faces, tracks, distances, embeddings, references)
    verdicts: dict[int, tuple[bool, str]] = {}
    for face in faces:
        if face.id not in flaws:
            continue
        reason = flaws[face.id] or (STRANGER if face.id in strange else "")
        if (face.kept, face.reason) != (not reason, reason):
            verdicts[face.id] = (not reason, reason)
    index.judge(verdicts, OWN_REASONS)  # somebody may have decided while this was worked out
    index.set_likeness(
        {face.id: float(distance) for face, distance in zip(faces, distances, strict=True)}
    )
    return _rival(identity, references)


def _rival(identity: Identity, references: References) -> list[str]:
    if len(references.like) or identity.second_share < _RIVAL * identity.share:
        return []
    return [
        f"Somebody else fills {identity.second_share:.0%} of the faces, against "
        f"{identity.share:.0%} of the person that was kept. Look at the faces that were kept; if "
        "they show the wrong person, extract with a picture of the right one: --like PICTURE."
    ]


def _tracks(faces: Sequence[Face], every: int) -> list[list[int]]:
    """The places in `faces` of those that are one head over consecutive frames."""
    found: dict[tuple[str, int], list[int]] = {}
    for place, face in enumerate(faces):
        if face.track >= 0:
            found.setdefault((face.source, face.track), []).append(place)
    loose = [place for place, face in enumerate(faces) if face.track < 0]
    chained = chains([faces[place] for place in loose], every)
    return [*found.values(), *([loose[place] for place in chain] for chain in chained)]


def _false(faces: Sequence[Face], tracks: Sequence[Sequence[int]]) -> set[int]:
    """The ids of faces in tracks that never show one; nothing is false that was not measured."""
    false: set[int] = set()
    for track in tracks:
        sure = [faces[place].confidence for place in track]
        if not any(math.isnan(one) or one >= _LEAST_CONFIDENCE for one in sure):
            false.update(faces[place].id for place in track)
    return false


def _strangers(
    faces: Sequence[Face],
    tracks: Sequence[Sequence[int]],
    distances: NDArray[np.float32],
    embeddings: NDArray[np.float32],
    references: References,
) -> set[int]:
    """The ids of the faces that show somebody else.

    A hand over the face or a turned head moves the embedding away; where most of a track is the
    person's, such faces are allowed more. All of a track that is not is a stranger's.
    """
    strange: set[int] = set()
    for track in tracks:
        places = np.asarray(track)
        own = float(np.median(distances[places]))
        bound = FOLLOWED_THRESHOLD if own <= IDENTITY_THRESHOLD else 0.0
        if len(references.not_like):
            apart = np.linalg.norm(
                embeddings[places][:, None] - references.not_like[None], axis=-1
            ).min(1)
            other = float(np.median(apart))
            if other <= NOT_LIKE_THRESHOLD and other < own:
                bound = 0.0
        strange.update(
            faces[place].id for place in track if distances[place] > bound or bound == 0.0
        )
    return strange


def _covered(faces: Sequence[Face], tracks: Sequence[Sequence[int]]) -> set[int]:
    """The ids of faces that something covers: enough of it, or some of it next to such faces."""
    covered: set[int] = set()
    for track in tracks:
        doubtful = [n for n, place in enumerate(track) if faces[place].covered > _STILL_COVERED]
        for run in _runs(doubtful):
            if max(faces[track[n]].covered for n in run) > SURELY_COVERED:
                covered.update(faces[track[n]].id for n in range(run[0], run[-1] + 1))
    return covered


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """Ascending numbers in runs that no gap of more than _GAP breaks."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number - runs[-1][-1] <= _GAP + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _flaw(face: Face, settings: JudgeSettings, covered: bool) -> str:
    if face.reason == EYES_OFF:
        return EYES_OFF
    if face.box[2] - face.box[0] < settings.min_size:
        return _TOO_SMALL
    if face.brightness < settings.min_brightness:
        return _TOO_DARK
    if face.sharpness < settings.min_sharpness:
        return _BLURRED
    return COVERED if covered else ""
