"""What places landmarks in a face's box: the 68 points of iBUG 300-W.

dlib's ensemble of regression trees (V. Kazemi, J. Sullivan, CVPR 2014) is what is installed; any
other is one more class with this method.
"""

from pathlib import Path
from typing import Protocol

import dlib
import numpy as np
from numpy.typing import NDArray

from engine.faces.models import load_landmark_model


class LandmarkModel(Protocol):
    """Places the landmarks of one face."""

    def place(self, luma: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.float64]:
        """float64 [68, 2] (x, y) in the pixels of `luma`, uint8 [H, W]. box: left, top, right,
        bottom, as dlib's detector draws it; may reach beyond the picture."""


class RegressionTrees:
    """dlib's shape predictor."""

    def __init__(self, file: Path | None = None) -> None:
        """file: a .dat file with 68 points instead of the installed one. Raises ModelError."""
        self._model = load_landmark_model(file)

    def place(self, luma: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.float64]:
        """See `LandmarkModel`."""
        shape = self._model(luma, dlib.rectangle(*box))
        return np.array([(point.x, point.y) for point in shape.parts()], np.float64)
