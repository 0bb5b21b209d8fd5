"""Model files that are missing, damaged or of another kind are errors that say what to do."""

import importlib.util
from pathlib import Path

import pytest

from engine.faces.models import ModelError, embedding_model_path, load_landmark_model


def test_a_missing_landmark_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"There is no landmark model at .*mine\.dat"):
        load_landmark_model(tmp_path / "mine.dat")


@pytest.mark.parametrize("content", [b"", b"no model at all" * 100])
def test_a_damaged_landmark_model_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "mine.dat"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=r"damaged or not a dlib model.*Give the path"):
        load_landmark_model(file)


def test_a_model_of_another_kind_is_refused() -> None:
    with pytest.raises(ModelError, match="damaged or not a dlib model"):
        load_landmark_model(embedding_model_path())


def test_a_model_with_five_points_is_refused() -> None:
    five = embedding_model_path().with_name("shape_predictor_5_face_landmarks.dat")
    with pytest.raises(ModelError, match="finds 5 points, and 68 are needed"):
        load_landmark_model(five)


def test_without_the_package_its_command_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install face_recognition_models"):
        embedding_model_path()
