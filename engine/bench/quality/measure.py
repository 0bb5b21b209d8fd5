"""One converted scene against its exact truth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.bench.quality.scenes import Scene
from engine.faces.align import fit_transform, pixel_scale
from engine.faces.detect import FaceFinder
from engine.faces.embed import Embedder, distance
from engine.media import open_frames
from engine.quality.assess import spread
from engine.quality.exact import HALF, largest, load_mask
from engine.quality.fidelity import Fidelity, compare
from engine.quality.flicker import Change, Motion, change, motion, smooth_luma
from engine.quality.likeness import landmark_error
from projects.errors import SwapdeckError

EMBEDDED = 3
"""Frames of a scene that are embedded: 70 ms each."""
_EDGE = 0.04
"""Half the width of the band along the face's edge, in sides of its chip."""

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class Figures:
    """What was measured of one scene, or the mean over several.

    psnr, ssim: inside the truth's face, in place. edge: PSNR in a band along the face's outline.
    landmarks: mean distance of the 68 points from those of the truth, in eye distances. identity:
    distance of the embedding from that of the truth's frame. flicker: levels by which the error
    changes from frame to frame beyond the movement; 0 for the truth itself. target: distance of the
    embedding from that of the footage's own frame, which a small one tells who it was.
    """

    psnr: float
    ssim: float
    edge: float
    landmarks: float
    identity: float
    target: float
    flicker: float


@dataclass(frozen=True)
class _Known:
    """A frame in which the truth shows a face: its box, landmarks, masks, movement, embeddings of
    the truth and of the footage."""

    box: tuple[int, int, int, int]
    landmarks: NDArray[np.float32]
    inside: NDArray[np.bool_]
    edge: NDArray[np.bool_]
    moved: Motion | None
    embedding: NDArray[np.float32] | None
    target: NDArray[np.float32] | None


class Exact:
    """Everything about a scene's truth that every variant is compared with; computed once."""

    def __init__(self, scene: Scene, finder: FaceFinder, embedder: Embedder) -> None:
        self.frames = read(scene.clip)
        self.truth = read(scene.truth.picture)
        self.face = load_mask(scene.truth.mask)[: len(self.truth)] >= HALF
        if not len(self.frames) == len(self.truth) == len(self.face):
            raise SwapdeckError(f"{scene.clip.parent} is damaged. Delete it and measure again.")
        self._finder, self._embedder = finder, embedder
        embedded = set(spread(len(self.truth), EMBEDDED))
        self._known = [self._know(i, i in embedded) for i in range(len(self.truth))]

    def _know(self, index: int, embed: bool) -> _Known | None:
        image = self.truth[index]
        found = largest(self._finder, image)
        if found is None:
            return None
        inside = self.face[index]
        reach = _EDGE * pixel_scale(fit_transform(found.landmarks), 1)
        return _Known(
            found.box,
            found.landmarks,
            inside,
            _band(inside, max(1, round(reach))),
            motion(self.truth[index - 1], image) if index else None,
            self._embedder.embed(image, found.landmarks) if embed else None,
            self._embedded(self.frames[index], found.box) if embed else None,
        )

    def _embedded(
        self, image: NDArray[np.uint8], box: tuple[int, int, int, int]
    ) -> NDArray[np.float32]:
        return self._embedder.embed(image, self._finder.landmarks(image, box))

    def measure(self, converted: Pictures) -> Figures:
        """The figures of one result, uint8 [T, H, W, 3] RGB."""
        if converted.shape != self.truth.shape:
            raise SwapdeckError("The result has other frames than the truth.")
        inside, edge, flicker = Fidelity(), Fidelity(), Change()
        errors: list[float] = []
        identities: list[float] = []
        targets: list[float] = []
        wrong = [
            smooth_luma(a) - smooth_luma(b) for a, b in zip(converted, self.truth, strict=True)
        ]
        for index, known in enumerate(self._known):
            if known is None:
                continue
            image = converted[index]
            inside += compare(image, self.truth[index], known.inside)
            edge += compare(image, self.truth[index], known.edge)
            if known.moved is not None:
                flicker += change(wrong[index - 1], wrong[index], known.moved, known.inside)
            points = self._finder.landmarks(image, known.box)
            errors.append(landmark_error(points, known.landmarks))
            if known.embedding is not None and known.target is not None:
                embedding = self._embedder.embed(image, points)
                identities.append(distance(embedding, known.embedding))
                targets.append(distance(embedding, known.target))
        return Figures(
            inside.psnr,
            inside.ssim,
            edge.psnr,
            float(np.mean(errors)),
            float(np.mean(identities)) if identities else math.nan,
            float(np.mean(targets)) if targets else math.nan,
            flicker.mean,
        )


def mean_of(figures: Sequence[Figures]) -> Figures:
    """The mean over scenes, each counting the same."""
    names = [field.name for field in fields(Figures)]
    return Figures(*(float(np.mean([getattr(one, name) for one in figures])) for name in names))


def read(clip: Path) -> Pictures:
    """All frames of a clip: uint8 [T, H, W, 3] RGB. Raises MediaError."""
    with open_frames(clip) as reader:
        return np.stack([frame.image for frame in reader])


def _band(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    filled = mask.astype(np.uint8)
    return np.asarray(cv2.dilate(filled, disc) != cv2.erode(filled, disc), np.bool_)
