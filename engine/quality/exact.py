"""A swap against its exact ground truth, which only rendered footage has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.conversion.swapper import Swapper, face_mask
from engine.faces.align import Alignment, chip_matrix, crop, fit_transform
from engine.faces.detect import Detection
from engine.media.reader import open_frames
from engine.quality.fidelity import Fidelity, compare
from projects.errors import DamagedError, SwapdeckError

HALF = 128


class Finds(Protocol):
    """Finds the faces of a frame, uint8 [H, W, 3] RGB; `FaceFinder` is one."""

    def find(self, image: NDArray[np.uint8]) -> list[Detection]: ...


@dataclass(frozen=True)
class Truth:
    """The exact answer for a clip.

    `picture`: a video of what a perfect swap shows, frame by frame; `mask`: an .npz file whose
    array `face`, uint8 [T, H, W], is the share of each pixel that shows the face.
    """

    picture: Path
    mask: Path


@dataclass(frozen=True)
class ExactFrame:
    """One frame of all four, uint8 [H, W, 3] RGB; `mask` bool [H, W]."""

    index: int
    target: NDArray[np.uint8]
    converted: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class Exact:
    """Sums for the swap and for the target left unchanged; frames: PSNR in place by index."""

    registered: Fidelity
    registered_unchanged: Fidelity
    in_place: Fidelity
    in_place_unchanged: Fidelity
    frames: dict[int, float] = field(default_factory=dict)


def exact_frames(target: Path, converted: Path, truth: Truth) -> Iterator[ExactFrame]:
    """The frames that have a truth, in order.

    Raises SwapdeckError when their sizes differ: the truth then belongs to something else.
    """
    with ExitStack() as stack:
        clips = (target, converted, truth.picture)
        readers = [stack.enter_context(open_frames(clip)) for clip in clips]
        for one, other, exact, share in zip(*readers, load_mask(truth.mask), strict=False):
            shapes = {frame.image.shape[:2] for frame in (one, other, exact)} | {share.shape}
            if len(shapes) != 1:
                raise SwapdeckError(
                    f"The truth {truth.picture} and {target} are not the same size. "
                    "Give the truth that was rendered for this clip."
                )
            yield ExactFrame(one.index, one.image, other.image, exact.image, share >= HALF)


def load_mask(path: Path) -> NDArray[np.uint8]:
    """uint8 [T, H, W]: how much of each pixel shows the face. Raises DamagedError."""
    try:
        with np.load(path, allow_pickle=False) as packed:
            return np.asarray(packed["face"], dtype=np.uint8)
    except (OSError, KeyError, ValueError) as error:
        raise DamagedError(f"{path} holds no face mask. Install swapdeck again.") from error


def compare_exactly(
    frames: Iterator[ExactFrame],
    finder: Finds,
    swapper: Swapper,
    alignment: Alignment,
) -> Exact:
    """Sum the errors of all frames in which a face is found in the target and in the truth."""
    total = Exact(Fidelity(), Fidelity(), Fidelity(), Fidelity())
    by_frame: dict[int, float] = {}
    for frame in frames:
        in_target, in_truth = largest(finder, frame.target), largest(finder, frame.truth)
        if in_target is None or in_truth is None:
            continue
        size = swapper.size
        mine = fit_transform(in_target.landmarks, alignment)
        theirs = fit_transform(in_truth.landmarks, alignment)
        chip = crop(frame.target, mine, size)
        exact_chip = crop(frame.truth, theirs, size)
        inside = warp_mask(frame.mask, theirs, size)
        decoded = _decode(swapper, chip, face_mask(in_target.landmarks, mine, size))
        in_place = compare(frame.converted, frame.truth, frame.mask)
        by_frame[frame.index] = in_place.psnr
        total = Exact(
            total.registered + compare(decoded, exact_chip, inside),
            total.registered_unchanged + compare(chip, exact_chip, inside),
            total.in_place + in_place,
            total.in_place_unchanged + compare(frame.target, frame.truth, frame.mask),
        )
    return replace(total, frames=by_frame)


def _decode(
    swapper: Swapper, chip: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """The network's own answer to one chip, before any blending: uint8 [S, S, 3] RGB."""
    rgb, _ = swapper.chips(chip[None], mask[None], "source")
    return np.asarray(np.rint(np.clip(rgb[0], 0.0, 1.0) * 255.0), dtype=np.uint8)


def warp_mask(
    mask: NDArray[np.bool_], transform: NDArray[np.float64], size: int
) -> NDArray[np.bool_]:
    """A frame's mask, bool [H, W], as the chip sees it: bool [size, size]; nothing lies outside."""
    warped = cv2.warpAffine(
        mask.astype(np.float32),
        chip_matrix(transform, size),
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0.0,
    )
    return np.asarray(warped >= 0.5, dtype=np.bool_)


def largest(finder: Finds, image: NDArray[np.uint8]) -> Detection | None:
    """The largest face in a frame, None when there is none. `image`: uint8 [H, W, 3] RGB."""
    found = finder.find(image)
    return max(found, key=lambda face: face.box[2] - face.box[0], default=None)
