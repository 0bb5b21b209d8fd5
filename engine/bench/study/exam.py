"""What a model can do with a rendered scene whose perfect swap is known, before any conversion.

Each frame's face goes through the model as a conversion would give it, and the answer is compared
with the chip of the perfect swap, cut by that one's own landmarks (*registered*). Landmarks are
read off the answer and off the true chip at the same size, so that neither is sharper; how far
mouth and eyes are open is read by rulers where there are `Openings`, see there. A smile is the
width of the mouth, which `swapdeck bench study "herself at 128"` found to follow at r = 0.92.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.bench.quality.scenes import Scene
from engine.bench.study.opening import Openings, opening
from engine.conversion.swapper import Swapper, face_mask
from engine.faces.align import Alignment, chip_matrix, crop, fit_transform
from engine.faces.align import apply as mapped
from engine.faces.detect import Detection, FaceFinder
from engine.faces.embed import Embedder, distance
from engine.faces.measure import eye_opening, mouth_opening, mouth_width
from engine.quality.assess import spread
from engine.quality.exact import exact_frames, largest, warp_mask
from engine.quality.fidelity import Fidelity, compare
from engine.quality.likeness import correlation, landmark_error, mean

FRAMES: Final = 48
"""Frames of the scene that are asked about, spread evenly."""
EMBEDDED: Final = 8
_SIDE: Final = 256
"""Pixels at which landmarks are read."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Marks:
    """What a model got. psnr (dB) and ssim: registered, inside the face. mouth, eyes, smile:
    Pearson's r of openings and smile with the true ones. landmarks: mean distance from the truth's,
    in eye distances. identity: mean distance of the embeddings from the truth's."""

    psnr: float
    ssim: float
    mouth: float
    eyes: float
    smile: float
    landmarks: float
    identity: float


@dataclass(frozen=True)
class _Question:
    frame: int
    chip: Picture
    mask: Picture
    truth: Picture
    inside: NDArray[np.bool_]
    box: tuple[int, int, int, int]
    landmarks: NDArray[np.float32]
    embedding: NDArray[np.float32] | None


class Exam:
    """The questions of one scene for models of one size; put to any number of them."""

    def __init__(
        self,
        scene: Scene,
        size: int,
        finder: FaceFinder,
        embedder: Embedder,
        openings: Openings | None = None,
        alignment: Alignment = Alignment.EYES_BRIDGE,
    ) -> None:
        """size: side of the models' chips in pixels. alignment: how they were cut in training.
        openings: how far mouth and eyes truly are open; without them dlib's landmarks decide."""
        self._finder, self._embedder, self._openings = finder, embedder, openings
        self._rulers = {} if openings is None else openings.rulers(size, finder, alignment)
        frames = list(exact_frames(scene.clip, scene.clip, scene.truth))
        chosen = [frames[i] for i in spread(len(frames), FRAMES)]
        embedded = set(spread(len(chosen), EMBEDDED))
        self._questions: list[_Question] = []
        for number, frame in enumerate(chosen):
            shown, exact = largest(finder, frame.target), largest(finder, frame.truth)
            if shown is None or exact is None:
                continue
            mine = fit_transform(shown.landmarks, alignment)
            theirs = fit_transform(exact.landmarks, alignment)
            truth = crop(frame.truth, theirs, size)
            box = _box(exact, theirs)
            landmarks = finder.landmarks(_enlarged(truth), box)
            self._questions.append(
                _Question(
                    frame.index,
                    crop(frame.target, mine, size),
                    face_mask(shown.landmarks, mine, size),
                    truth,
                    warp_mask(frame.mask, theirs, size),
                    box,
                    landmarks,
                    embedder.embed(_enlarged(truth), landmarks) if number in embedded else None,
                )
            )

    @property
    def frames(self) -> list[int]:
        """The frames that are asked about, by their numbers in the scene."""
        return [asked.frame for asked in self._questions]

    def marks(self, answers: Sequence[Picture]) -> Marks:
        """What the answers to all questions get, uint8 [S, S, 3] RGB each."""
        total = Fidelity()
        errors: list[float] = []
        identities: list[float] = []
        read: list[NDArray[np.float32]] = []
        for answer, asked in zip(answers, self._questions, strict=True):
            total = total + compare(answer, asked.truth, asked.inside)
            image = _enlarged(np.where(asked.inside[..., None], answer, asked.truth))
            found = self._finder.landmarks(image, asked.box)
            errors.append(landmark_error(found, asked.landmarks))
            read.append(found)
            if asked.embedding is not None:
                embedding = self._embedder.embed(image, found)
                identities.append(distance(embedding, asked.embedding))
        return Marks(
            total.psnr,
            total.ssim,
            self._follows("mouth", answers, read),
            self._follows("eyes", answers, read),
            self._smiles(read),
            mean(errors),
            mean(identities),
        )

    def ceiling(self) -> dict[str, float]:
        """How well the rulers read the truth itself: Pearson's r by part; empty without any."""
        truth = [asked.truth for asked in self._questions]
        return {part: self._follows(part, truth, []) for part in self._rulers}

    def _follows(
        self, part: str, answers: Sequence[Picture], read: list[NDArray[np.float32]]
    ) -> float:
        """Pearson's r of an opening in the answers, whose landmarks are `read`, with the truth."""
        if self._openings is None:
            measure = mouth_opening if part == "mouth" else eye_opening
            wanted = [measure(asked.landmarks) for asked in self._questions]
            return correlation([measure(points) for points in read], wanted)
        poses = [self._openings.in_scene(asked.frame) for asked in self._questions]
        true = np.array([opening(part, pose) for pose in poses])
        return self._rulers[part].follows(np.stack(answers), true)

    def _smiles(self, read: list[NDArray[np.float32]]) -> float:
        """Pearson's r of the mouths' width in the answers with the true smile."""
        if self._openings is None:
            true = [mouth_width(asked.landmarks) for asked in self._questions]
        else:
            true = [self._openings.in_scene(frame).smile for frame in self.frames]
        return correlation([mouth_width(points) for points in read], true)

    def answers(self, swapper: Swapper) -> list[Picture]:
        """A model's answers, uint8 [S, S, 3] RGB each. It must have chips of the exam's size."""
        chips = np.stack([asked.chip for asked in self._questions])
        masks = np.stack([asked.mask for asked in self._questions])
        rgb, _ = swapper.chips(chips, masks, "source")
        return list(np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8))

    def sheet(self, answers: Sequence[Picture], columns: int = 8) -> Picture:
        """A picture to look at: what was asked, answered and true, one below the other."""
        shown = spread(len(answers), columns)
        rows = [
            [self._questions[i].chip for i in shown],
            [answers[i] for i in shown],
            [self._questions[i].truth for i in shown],
        ]
        return np.concatenate([np.concatenate(row, axis=1) for row in rows])


def _box(face: Detection, transform: NDArray[np.float64]) -> tuple[int, int, int, int]:
    """The detector's box of a frame as a box of the enlarged chip."""
    left, top, right, bottom = face.box
    corners = np.array([[left, top], [right, bottom]], float)
    (x0, y0), (x1, y1) = np.rint(mapped(chip_matrix(transform, _SIDE), corners)).astype(int)
    return int(x0), int(y0), int(x1), int(y1)


def _enlarged(chip: Picture) -> Picture:
    picture = cv2.resize(chip, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    return np.asarray(picture, np.uint8)
