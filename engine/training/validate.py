"""How good a model is on faces that it never saw.

Three things are measured on the held-out faces: how well both people are rebuilt (SSIM inside the
face), how far the swapped face is from the source (distance of dlib's embeddings), and how far its
landmarks are from where the target's are (in eye distances). `Score.value` weighs them into the one
number by which checkpoints are compared; it has no unit, and higher is better.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from engine.faces.align import CROP_MARGIN, chip_matrix
from engine.faces.detect import FaceFinder
from engine.faces.embed import Embedder
from engine.faces.identity import IDENTITY_THRESHOLD
from engine.quality.fidelity import Fidelity, compare
from engine.quality.likeness import displacement, distance, mean, mean_length, moving_error
from engine.training.augment import hide, look_up, place
from engine.training.dataset import Held
from engine.training.model import PEOPLE, Model, Params
from engine.training.settings import Augmentation, TrainSettings

LOOKED_AT: Final = 10
"""Swapped faces that are embedded: 70 ms each."""
_SIDE: Final = 256
"""Pixels at which faces are looked at."""
_STILL: Final = Augmentation(rotate=0.0, zoom=0.0, shift=0.0, flip=0.0, warp=0.0)


@dataclass(frozen=True)
class Score:
    """How good a model was at a step."""

    step: int
    ssim: dict[str, float]
    """Of each person's rebuilt faces, inside the face; 1 is perfect. By role: those who only share
    the encoder are told, and do not count in `value`."""
    identity: float
    """Mean distance of the swapped faces to the source's mean embedding."""
    landmarks: float
    """Mean distance of the swapped faces' landmarks to the target's, in eye distances."""
    rebuilt: float
    """The same of the target's faces rebuilt as themselves: what the networks lose anyway."""
    recognised: float
    """The share of the swapped faces that are as near to the source as pictures of one person."""
    moving: float = math.nan
    """`landmarks` less what is the same in all faces, since it is the source's proportions."""
    rebuilt_moving: float = math.nan
    """The same of `rebuilt`."""

    @property
    def value(self) -> float:
        """Higher is better."""
        rebuilt = mean([self.ssim[role] for role in PEOPLE])
        return rebuilt - self.identity / 2 - self.landmarks

    def row(self) -> dict[str, Any]:
        """As a line of scores.jsonl and an event."""
        return {
            "step": self.step,
            "value": round(self.value, 5),
            "ssim": {person: round(value, 5) for person, value in self.ssim.items()},
            "identity": round(self.identity, 5),
            "landmarks": round(self.landmarks, 5),
            "rebuilt": round(self.rebuilt, 5),
            "recognised": round(self.recognised, 3),
            "moving": None if math.isnan(self.moving) else round(self.moving, 5),
            "rebuilt_moving": (
                None if math.isnan(self.rebuilt_moving) else round(self.rebuilt_moving, 5)
            ),
        }


class Validator:
    """Scores parameters by the held-out faces of everybody who has some."""

    def __init__(
        self,
        model: Model,
        settings: TrainSettings,
        held: Mapping[str, Held],
        source_identity: NDArray[np.float32],
        landmark_model: Path | None = None,
        looked_at: int = LOOKED_AT,
    ) -> None:
        """source_identity: float32 [128], the mean embedding of the source's faces. looked_at: how
        many of the target's faces are swapped, embedded and measured, spread evenly."""
        self._size = model.preset.size
        self._chips = {role: _chips(one, self._size) for role, one in held.items()}
        self._source_identity = source_identity
        self._finder = FaceFinder(landmark_model)
        self._embedder = Embedder()
        count = len(held["target"].landmarks)
        self._looked = np.unique(np.linspace(0, count - 1, min(count, looked_at)).astype(int))
        self._places = [_enlarged_places(held["target"].landmarks[i]) for i in self._looked]
        self._boxes = [_box(points) for points in self._places]
        self._wanted = [
            self._finder.landmarks(_enlarged(self._chips["target"][i, ..., :3]), box)
            for i, box in zip(self._looked, self._boxes, strict=True)
        ]

        def answer(params: Params, chips: dict[str, jax.Array]) -> dict[str, jax.Array]:
            seen = {
                role: hide(chip[..., :3], chip[..., 3:4]) if settings.masked else chip[..., :3]
                for role, chip in chips.items()
            }
            codes = {role: model.encode(params, shown) for role, shown in seen.items()}
            rebuilt = {role: model.decode(params, role, code)[0] for role, code in codes.items()}
            swapped = model.decode(params, "source", codes["target"])[0]
            inside = chips["target"][..., 3:4]

            def pasted(face: jax.Array) -> jax.Array:
                return face * inside + chips["target"][..., :3] * (1 - inside)

            return {**rebuilt, "swapped": pasted(swapped), "itself": pasted(rebuilt["target"])}

        self._answer = jax.jit(answer)

    def score(self, params: Params, step: int) -> Score:
        """The score of these parameters."""
        given = {role: jnp.asarray(array) for role, array in self._chips.items()}
        answers = {name: np.asarray(a) for name, a in self._answer(params, given).items()}
        distances, swapped, rebuilt = [], [], []
        for number, chip in enumerate(self._looked):
            image = _enlarged(answers["swapped"][chip])
            swapped.append(self._off(image, number))
            rebuilt.append(self._off(_enlarged(answers["itself"][chip]), number))
            embedding = self._embedder.embed(image, self._places[number])
            distances.append(distance(embedding, self._source_identity))
        return Score(
            step=step,
            ssim={role: _ssim(answers[role], chips) for role, chips in self._chips.items()},
            identity=mean(distances),
            landmarks=mean([mean_length(one) for one in swapped]),
            rebuilt=mean([mean_length(one) for one in rebuilt]),
            recognised=mean([float(one <= IDENTITY_THRESHOLD) for one in distances]),
            moving=moving_error(swapped),
            rebuilt_moving=moving_error(rebuilt),
        )

    def _off(self, image: NDArray[np.uint8], number: int) -> NDArray[np.float32]:
        """How far the landmarks of an answer are from those that were asked for."""
        found = self._finder.landmarks(image, self._boxes[number])
        return displacement(found, self._wanted[number])


def _chips(held: Held, size: int) -> NDArray[np.float32]:
    """float32 [M, S, S, 6] in 0..1, unaltered."""
    count = len(held.pixels)
    field = place(jax.random.key(0), count, size, _STILL)
    chips = look_up(jnp.asarray(held.pixels), jnp.arange(count), field, CROP_MARGIN)
    return np.asarray(chips)


def _enlarged_places(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Landmarks [68, 2] of the unit chip as pixels of the enlarged one."""
    unit = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    matrix = chip_matrix(unit, _SIDE)
    return (landmarks @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def _box(points: NDArray[np.float32]) -> tuple[int, int, int, int]:
    """A square such as dlib's detector would draw around these landmarks."""
    left, top = points.min(0)
    right, bottom = points.max(0)
    middle, half = ((left + right) / 2, (top + bottom) / 2), 0.5 * max(right - left, bottom - top)
    return (
        round(middle[0] - half),
        round(middle[1] - half),
        round(middle[0] + half),
        round(middle[1] + half),
    )


def _ssim(answers: NDArray[np.float32], chips: NDArray[np.float32]) -> float:
    total = Fidelity()
    for answer, chip in zip(answers, chips, strict=True):
        total = total + compare(_bytes(answer), _bytes(chip[..., :3]), chip[..., 3] > 0.5)
    return total.ssim


def _bytes(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(np.clip(picture, 0, 1) * 255), np.uint8)


def _enlarged(chip: NDArray[np.float32]) -> NDArray[np.uint8]:
    picture = cv2.resize(_bytes(chip), (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    return np.asarray(picture, np.uint8)
