"""Whether everything but the face is as it was: the loss outside against that of the codec alone.

The reference is the footage itself, marked and encoded as a result is, with no face swapped in it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.align import fit_transform, pixel_scale
from engine.faces.masks import face_hull_mask
from engine.media import EncodeSettings, Frame, open_frames, probe, write_converted
from engine.media.reader import open_part
from engine.quality.exact import Finds
from engine.quality.fidelity import Fidelity

FRAMES = 48
"""From the start of a clip: an encoder is only like itself over frames that follow each other."""
AROUND = 0.15
"""How far beyond the outline of a face the background begins, in sides of its chip."""

Mark = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


@dataclass(frozen=True)
class Background:
    """PSNR in decibels outside of all faces: of the result, and of the codec and mark alone."""

    result: float
    codec: float

    @property
    def loss(self) -> float:
        """Decibels by which the result is worse than codec and mark; about 0 is untouched."""
        return 0.0 if self.result == self.codec else self.codec - self.result


def measure_background(
    footage: Path,
    result: Path,
    finder: Finds,
    encode: EncodeSettings,
    mark: Mark,
    first: int = 0,
) -> Background:
    """Compare the start of both outside of the faces; that of the footage is its frame `first`.

    Raises MediaError.
    """
    changed, by_codec = Fidelity(), Fidelity()
    with ExitStack() as stack:
        footage_frames = stack.enter_context(open_part(footage, first))
        after_frames = stack.enter_context(open_frames(result))
        alone = stack.enter_context(_by_codec(footage, result, encode, mark, first))
        three = zip(footage_frames, after_frames, alone, strict=False)
        for before, after, reference in islice(three, FRAMES):
            outside = _outside(before.image, finder)
            changed += squared(after.image, before.image, outside)
            by_codec += squared(reference.image, before.image, outside)
    return Background(changed.psnr, by_codec.psnr)


def squared(
    picture: NDArray[np.uint8], truth: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> Fidelity:
    """The squared error inside a mask, bool [H, W], without SSIM; both uint8 [H, W, 3] RGB."""
    differs = cv2.absdiff(picture, truth)[mask].astype(np.float64)
    pixels = int(np.count_nonzero(mask))
    return Fidelity(float((differs**2).sum()), pixels * 3, 0.0, 0, 1)


@contextmanager
def _by_codec(
    footage: Path, result: Path, encode: EncodeSettings, mark: Mark, first: int
) -> Iterator[Iterable[Frame]]:
    """The start of the footage, marked, and for a video encoded as a result is."""
    with open_part(footage, first) as reader, ExitStack() as stack:
        marked = (replace(frame, image=mark(frame.image)) for frame in islice(reader, FRAMES))
        if probe(result).kind != "video":  # pictures are kept as they are
            yield marked
            return
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="swapdeck-codec-"))
        path = Path(folder) / f"codec{result.suffix}"
        write_converted(footage, path, marked, encode)
        yield stack.enter_context(open_frames(path))


def _outside(image: NDArray[np.uint8], finder: Finds) -> NDArray[np.bool_]:
    """bool [H, W]: where no face is, nor anything close to one."""
    inside = np.zeros(image.shape[:2], np.uint8)
    for found in finder.find(image):
        reach = max(1, round(AROUND * pixel_scale(fit_transform(found.landmarks), 1)))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        grown = cv2.dilate(face_hull_mask(found.landmarks, image.shape[:2]), disc)
        inside = np.maximum(inside, np.asarray(grown, np.uint8))
    return np.asarray(inside == 0, np.bool_)
