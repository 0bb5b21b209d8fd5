"""Anonymisation: what is refused, who is recognised where, and how it is told."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from engine.conversion.settings import ConvertSettings
from engine.faces.detect import Detection
from engine.media import Frame
from engine.quality.anonymity import (
    Anonymity,
    Gallery,
    Seen,
    figures,
    judge,
    listed,
    look,
    refuse_leaks,
    spans,
    told,
)
from projects.errors import CommandError

BEN = np.eye(1, 128, 0, dtype=np.float32)[0]
ADA = np.eye(1, 128, 1, dtype=np.float32)[0]
GALLERY = Gallery(np.stack([BEN, 0.9 * BEN]), 0.95 * BEN)


@pytest.mark.parametrize(
    ("settings", "names", "sentence"),
    [
        (ConvertSettings(opacity=0.9), False, "shows through"),
        (ConvertSettings(erode=10), False, "rim of the old face"),
        (ConvertSettings(), True, "who the person is"),
    ],
)
def test_settings_by_which_somebody_could_be_told_are_refused(
    settings: ConvertSettings, names: bool, sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        refuse_leaks(settings, names=names)


def test_the_defaults_and_a_grown_mask_are_not() -> None:
    refuse_leaks(ConvertSettings(), names=False)
    refuse_leaks(ConvertSettings(erode=-20), names=False)


@dataclass
class Faces:
    """A finder and embedder in one: the faces of each frame, known by the frame's grey level."""

    of: Sequence[Sequence[np.ndarray]]

    def find(self, image: np.ndarray) -> list[Detection]:
        faces = self.of[int(image[0, 0, 0])]
        return [
            Detection((0, 0, 9, 9), np.full((68, 2), n, np.float32), 1.0) for n in range(len(faces))
        ]

    def embed(self, image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        return self.of[int(image[0, 0, 0])][int(landmarks[0, 0])]


def seen_in(faces: Sequence[Sequence[np.ndarray]]) -> list[Seen]:
    known = Faces(faces)
    frames = [Frame(n, n, n / 25, np.full((4, 4, 3), n, np.uint8)) for n in range(len(faces))]
    return look(frames, GALLERY, {"ada": ADA}, known, known)


def test_of_several_faces_the_one_that_is_most_like_them_counts() -> None:
    [one] = seen_in([[ADA, 0.7 * BEN]])
    assert one.recognised and one.first
    assert one.nearest == pytest.approx(0.2) and one.mean == pytest.approx(0.25)


def test_a_frame_counts_as_recognised_by_the_mean_or_by_one_picture() -> None:
    assert Seen(0, 0.0, nearest=0.5, mean=0.47).recognised
    assert Seen(0, 0.0, nearest=0.41, mean=0.6).recognised
    assert not Seen(0, 0.0, nearest=0.5, mean=0.6).recognised
    assert not Seen(0, 0.0).recognised


def test_a_result_in_which_nobody_is_recognised_passes() -> None:
    result = judge(seen_in([[ADA], [ADA]]), [0, 1], GALLERY, 1)
    assert result.passed
    assert (result.checked, result.first, result.within) == (2, 0.0, 0.0)
    assert told(result, "Ben") == []


def test_frames_that_show_somebody_were_left_or_cannot_be_checked_are_listed() -> None:
    faces = [[ADA], [BEN], [BEN], [], [ADA], []]
    result = judge(seen_in(faces), [0, 1, 3, 4], GALLERY, 1)
    assert result.recognised == ((1, 2),) and result.recognised_frames == 2
    assert result.unreplaced == ((2, 2), (5, 5))
    assert result.unseen == ((3, 3),)
    assert (result.closest, result.closest_frame) == (0.0, 1)
    assert result.first == pytest.approx(0.5)
    assert not result.passed
    first, second, third = told(result, "Ben")
    assert "recognised in 2 of 6 frames: 1-2." in first
    assert "2 of 6 frames: 2, 5." in second
    assert "not checked: 3." in third


def test_a_frame_without_a_new_face_does_not_pass_though_nobody_is_found_there() -> None:
    assert not judge(seen_in([[ADA], []]), [0], GALLERY, 1).passed


def test_a_result_without_any_face_says_that_nothing_was_measured() -> None:
    result = judge(seen_in([[], []]), [], GALLERY, 0)
    assert math.isnan(result.mean) and math.isnan(result.within)
    assert result.first is None and result.closest_frame == -1


def test_spans_of_frames_are_written_shortly() -> None:
    assert spans([1, 2, 3, 7, 9, 10]) == ((1, 3), (7, 7), (9, 10))
    assert listed(spans([1, 2, 3, 7])) == "1-3, 7"
    assert listed(spans(range(0, 40, 2)), most=2) == "0, 2 and 18 more stretches"


def test_what_was_found_survives_json() -> None:
    for found in (
        judge(seen_in([[ADA], [BEN], []]), [0, 1], GALLERY, 1),
        judge(seen_in([[ADA]]), [0], GALLERY, 0),
    ):
        assert Anonymity.from_dict(json.loads(json.dumps(found.as_dict()))) == found
    nothing = judge(seen_in([[]]), [], GALLERY, 0).as_dict()
    again = Anonymity.from_dict(json.loads(json.dumps(nothing).replace("NaN", "null")))
    assert math.isnan(again.mean)


def test_figures_say_what_they_were_compared_with() -> None:
    told_to = dict(figures(judge(seen_in([[ADA], [BEN]]), [0, 1], GALLERY, 1), "Ben"))
    assert told_to["recognised"] == "1 of 2 frames"
    assert told_to["nearest to Ben of all known"] == "50% of the frames, among 2 people"
    alone = dict(figures(judge(seen_in([[ADA]]), [0], GALLERY, 0), "Ben"))
    assert "nobody else is known" in alone["nearest to Ben of all known"]
