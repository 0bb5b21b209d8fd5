"""Finding faces and their landmarks in a frame.

Histogram of oriented gradients with a sliding window (N. Dalal, B. Triggs, CVPR 2005) as trained
in dlib: frontal faces of about 80 pixels and more; then 68 landmarks by an ensemble of regression
trees (V. Kazemi, J. Sullivan, CVPR 2014).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.faces.detectors import Hog
from engine.faces.landmarks import RegressionTrees

SMALL_FRAME: Final = 640 * 480
"""A frame of at most this many pixels gets a second look at twice its size (about 0.1 s)."""


@dataclass(frozen=True)
class Detection:
    """One face in a frame."""

    box: tuple[int, int, int, int]
    """Left, top, right, bottom in frame pixels; may reach beyond the frame's border."""
    landmarks: NDArray[np.float32]
    """float32 [68, 2] frame pixels (x, y), in the order of iBUG 300-W."""
    score: float
    """The detector's confidence, above 0; no probability."""


class FaceFinder:
    """Finds every face of a frame. One finder serves one thread; it releases the GIL."""

    def __init__(self, landmark_model: Path | None = None, upsample: int = 0) -> None:
        """landmark_model: a dlib 68-point file instead of the installed one.

        upsample: how many times frames are doubled before the search, for faces smaller than
        80 pixels; each time costs four times as much. Raises ModelError.
        """
        self._detector = Hog()
        self._landmarks = RegressionTrees(landmark_model)
        self._upsample = upsample

    def find(self, image: NDArray[np.uint8]) -> list[Detection]:
        """The faces of a frame, the surest first.

        image: uint8 [H, W, 3] RGB. When a small frame shows none at first, it is looked at once
        more at twice the size.
        """
        image = np.ascontiguousarray(image)
        found = self.search(image, self._upsample)
        if not found and image.shape[0] * image.shape[1] <= SMALL_FRAME:
            found = self.search(image, self._upsample + 1)
        return found

    def landmarks(
        self, image: NDArray[np.uint8], box: tuple[int, int, int, int]
    ) -> NDArray[np.float32]:
        """The landmarks of the face in `box` (left, top, right, bottom): float32 [68, 2]."""
        return self._landmarks.place(np.ascontiguousarray(image), box).astype(np.float32)

    def search(self, image: NDArray[np.uint8], upsample: int = 0) -> list[Detection]:
        """The faces that one look finds, after doubling the frame `upsample` times."""
        found = [
            Detection(one.box, self.landmarks(image, one.box), one.score)
            for one in self._detector.find(image, upsample)
        ]
        return sorted(found, key=lambda detection: -detection.score)
