"""Whether the background was touched, told apart from what codec and mark do to it."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.avatars.demo import demo_clips
from engine.faces.detect import FaceFinder
from engine.media import EncodeSettings, Frame, open_frames, write_converted
from engine.quality.background import Background, measure_background

ENCODE = EncodeSettings(preset="ultrafast")
Image = np.ndarray


def converted(path: Path, change: Callable[[Image], Image]) -> Path:
    """The first frames of the shipped scene, each changed."""
    clip = demo_clips().scene
    with open_frames(clip) as reader:
        frames: list[Frame] = [replace(f, image=change(f.image)) for f in islice(reader, 6)]
    write_converted(clip, path, frames, ENCODE)
    return path


def measured(result: Path, mark: Callable[[Image], Image] = lambda image: image) -> Background:
    return measure_background(demo_clips().scene, result, FaceFinder(), ENCODE, mark)


def test_only_the_codec_is_to_blame_where_nothing_was_touched(tmp_path: Path) -> None:
    found = measured(converted(tmp_path / "same.mp4", lambda image: image))
    assert found.result > 35
    assert found.loss == pytest.approx(0, abs=0.01)


def test_a_touched_background_loses_more_than_the_codec(tmp_path: Path) -> None:
    def touched(image: Image) -> Image:
        return cv2.rectangle(image.copy(), (0, 0), (60, 60), (255, 0, 0), -1)

    assert measured(converted(tmp_path / "touched.mp4", touched)).loss > 5


def test_what_the_mark_costs_is_not_counted(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 9, (360, 480, 3))

    def mark(image: Image) -> Image:
        return np.clip(image + noise, 0, 255).astype(np.uint8)

    found = measured(converted(tmp_path / "marked.mp4", mark), mark)
    assert found.result < 40
    assert abs(found.loss) < 0.5


def test_pictures_are_kept_bit_for_bit(tmp_path: Path) -> None:
    clip = demo_clips().scene
    with open_frames(clip) as reader:
        picture = next(iter(reader)).image
    cv2.imwrite(str(tmp_path / "a.png"), picture[..., ::-1])
    found = measure_background(
        tmp_path / "a.png", tmp_path / "a.png", FaceFinder(), ENCODE, lambda image: image
    )
    assert math.isinf(found.result) and found.loss == 0
