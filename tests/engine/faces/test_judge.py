"""Which faces are kept, and the reason of each that is not."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.faces.identity import REFERENCES, References
from engine.faces.judge import BOUNDS, JudgeSettings, judge, remember_bounds
from projects.face_decisions import BY_HAND
from projects.face_query import of_ids
from projects.faces import Face, FaceIndex
from projects.people import Person

At = Callable[..., Face]
Apart = Callable[..., list[Face]]
SOURCE = "5" * 64
SETTINGS = JudgeSettings(min_size=48, min_sharpness=0.5, every=1)


@pytest.fixture
def index(ada: Person) -> Iterator[FaceIndex]:
    with FaceIndex(ada.index_path) as opened:
        opened.start(SOURCE, "")
        yield opened


def store(index: FaceIndex, *faces: Face) -> list[int]:
    return index.add_frames(SOURCE, faces, 1000)


def reasons(index: FaceIndex) -> list[str]:
    return [face.reason for face in index.faces(order="id")]


@pytest.fixture
def at(made_face: Callable[..., Face], at_distance: Callable[[float], Any]) -> At:
    """A face at a frame and a distance from the person."""
    return lambda frame, distance, **more: made_face(frame, embedding=at_distance(distance), **more)


@pytest.fixture
def apart(at: At) -> Callable[..., list[Face]]:
    """Faces at distances, ten frames apart, so that none continues another."""
    return lambda *distances: [at(10 * place, far) for place, far in enumerate(distances)]


def test_a_stranger_is_rejected_and_says_so(index: FaceIndex, apart: Apart) -> None:
    store(index, *apart(0.0, 0.1, 0.7, 0.2))
    assert judge(index, SETTINGS) == []
    assert reasons(index) == ["", "", "stranger", ""]
    assert index.counts().kept == 3


def test_one_face_only_is_kept(index: FaceIndex, apart: Apart) -> None:
    store(index, *apart(0.4))
    judge(index, SETTINGS)
    assert index.counts().kept == 1


def test_small_and_blurred_faces_are_rejected_and_do_not_decide_who_it_is(
    index: FaceIndex, apart: Apart, at: At
) -> None:
    tiny = [at(f, 0.9, width=30) for f in (100, 110, 120)]
    soft = at(130, 0.0, sharpness=0.2)
    store(index, *apart(0.0, 0.1), *tiny, soft)
    judge(index, SETTINGS)
    assert reasons(index) == ["", "", "too small", "too small", "too small", "blurred"]


def test_lower_bounds_bring_faces_back(index: FaceIndex, apart: Apart, at: At) -> None:
    store(index, *apart(0.0, 0.1), at(50, 0.0, width=30))
    judge(index, SETTINGS)
    assert index.counts().kept == 2
    judge(index, JudgeSettings(min_size=10, min_sharpness=0.5, every=1))
    assert index.counts().kept == 3


def test_what_was_decided_by_hand_stays(index: FaceIndex, apart: Apart) -> None:
    kept, rejected, named, *_ = store(index, *apart(0.9, 0.0, 0.0, 0.1, 0.0, 0.1))
    by_hand = {kept: (True, BY_HAND), rejected: (False, BY_HAND), named: (False, "blinks")}
    index.judge(by_hand)
    judge(index, SETTINGS)
    verdicts = [(face.kept, face.reason) for face in index.faces(order="id")]
    assert verdicts == [*by_hand.values(), (True, ""), (True, ""), (True, "")]


def test_what_is_decided_while_faces_are_judged_stays(
    index: FaceIndex, apart: Apart, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, tiny = store(index, *apart(0.0, 0.1), at(100, 0.0, width=30))
    judging = FaceIndex.judge

    def late(self: FaceIndex, *verdicts: Any) -> None:
        self.decide(of_ids([tiny]), kept=True, reason=BY_HAND, what="keep it")
        judging(self, *verdicts)

    monkeypatch.setattr(FaceIndex, "judge", late)
    judge(index, SETTINGS)
    face = index.face(tiny)
    assert (face.kept, face.reason) == (True, BY_HAND)


def test_a_hand_over_the_face_makes_nobody_a_stranger(index: FaceIndex, at: At) -> None:
    covered = [0.0, 0.1, 0.1, 0.55, 0.55, 0.1, 0.0]
    store(index, *(at(f, d) for f, d in enumerate(covered)))
    judge(index, SETTINGS)
    assert index.counts().reasons == {}


def test_a_track_of_a_stranger_stays_one(index: FaceIndex, apart: Apart, at: At) -> None:
    store(
        index,
        *apart(0.0, 0.0, 0.0, 0.0, 0.0),
        *(at(f, d) for f, d in ((200, 0.5), (201, 0.55), (202, 0.1))),
    )
    judge(index, SETTINGS)
    assert reasons(index)[5:] == ["stranger"] * 3, "one look that fits does not make it the person"


def test_a_rival_who_fills_a_third_of_the_faces_is_told(index: FaceIndex, apart: Apart) -> None:
    store(index, *apart(0.0, 0.0, 0.0, 0.9, 0.9))
    (warning,) = judge(index, SETTINGS)
    assert "40%" in warning
    assert "60%" in warning


def test_judging_twice_changes_nothing(index: FaceIndex, apart: Apart) -> None:
    store(index, *apart(0.0, 0.1, 0.7))
    judge(index, SETTINGS)
    before = index.faces()
    judge(index, SETTINGS)
    assert index.faces() == before


def test_a_covered_face_is_rejected_with_those_around_it(index: FaceIndex, at: At) -> None:
    shares = [0.0, 0.02, 0.1, 0.3, 0.7, 0.1, 0.02, 0.02, 0.2, *[0.0] * 7, 0.4, 0.0]
    store(index, *(replace(at(f, 0.0), track=0, covered=share) for f, share in enumerate(shares)))
    judge(index, SETTINGS)
    assert [f.frame for f in index.faces() if f.reason == "covered"] == [2, 3, 4, 5, 6, 7, 8]


def test_what_was_found_with_an_eye_off_the_frame_is_never_kept(index: FaceIndex, at: At) -> None:
    store(index, at(0, 0.0), replace(at(1, 0.0), reason="eyes off frame"))
    for _ in range(2):
        judge(index, SETTINGS)
        assert reasons(index) == ["", "eyes off frame"]


def test_a_track_that_never_shows_a_face_is_a_false_one(index: FaceIndex, at: At) -> None:
    sure = [replace(at(f, 0.0), track=0, confidence=c) for f, c in enumerate([0.05, 0.9, 0.05])]
    never = [replace(at(f, 0.0, left=400, number=1), track=1, confidence=0.04) for f in range(3)]
    store(index, *sure, *never)
    judge(index, SETTINGS)
    assert index.counts().reasons == {"false face": 3}


def test_reference_pictures_say_who_is_meant(index: FaceIndex, at: At) -> None:
    store(index, *(at(10 * f, 0.0) for f in range(6)), at(100, 0.9), at(110, 0.85))
    like = np.zeros((1, 128), np.float32)
    like[0, 0] = 0.9
    index.set_meta(REFERENCES, References(like=like).text())
    assert judge(index, SETTINGS) == []
    assert reasons(index) == ["stranger"] * 6 + [""] * 2


def test_who_looks_more_like_somebody_else_is_a_stranger(index: FaceIndex, at: At) -> None:
    store(index, *(at(10 * f, 0.0) for f in range(6)), at(100, 0.4))
    judge(index, SETTINGS)
    assert index.counts().kept == 7
    other = np.zeros((1, 128), np.float32)
    other[0, 0] = 0.5
    index.set_meta(REFERENCES, References(not_like=other).text())
    judge(index, SETTINGS)
    assert reasons(index) == [""] * 6 + ["stranger"]


def test_a_stranger_among_imported_pictures_is_one_wherever_they_lie(
    index: FaceIndex, at: At
) -> None:
    imported = [
        replace(at(frame, far), crop=f"import-{frame}.png")
        for frame, far in enumerate((0.0, 0.1, 0.55, 0.1, 0.0))
    ]
    store(index, *imported)
    judge(index, SETTINGS)
    assert reasons(index) == ["", "", "stranger", "", ""]


def test_remembered_bounds_count_where_none_are_said(
    index: FaceIndex, apart: Apart, at: At
) -> None:
    store(index, *apart(0.0, 0.1), at(50, 0.0, width=80))
    remember_bounds(index, JudgeSettings(min_size=100, min_sharpness=0.5, every=1))
    judge(index)
    assert reasons(index) == ["", "", "too small"]
    judge(index, SETTINGS)
    assert reasons(index) == ["", "", ""]


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "7", '{"min_size": "large"}'])
def test_bounds_that_cannot_be_read_are_the_usual_ones(
    index: FaceIndex, apart: Apart, at: At, text: str
) -> None:
    store(index, *apart(0.0, 0.1), at(50, 0.0, width=40))
    index.set_meta(BOUNDS, text)
    judge(index)
    assert reasons(index) == ["", "", "too small"]


def test_a_face_in_the_dark_is_rejected(index: FaceIndex, apart: Apart, at: At) -> None:
    dark, dim = (replace(at(50 + n, 0.0), brightness=light) for n, light in ((0, 0.03), (20, 0.05)))
    store(index, *apart(0.0, 0.1), dark, dim)
    judge(index, SETTINGS)
    assert reasons(index) == ["", "", "too dark", ""]
