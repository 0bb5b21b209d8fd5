"""Which faces are kept, and the reason of each that is not."""

from collections.abc import Iterator

import pytest

from engine.faces.judge import BY_HAND, JudgeSettings, judge
from projects.faces import Face, FaceIndex
from projects.people import Person
from tests.engine.faces.made import SOURCE, at_distance, made_face

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


def apart(*distances: float, **more: int) -> list[Face]:
    """Faces ten frames apart, so that none continues another."""
    return [
        made_face(10 * place, embedding=at_distance(distance), **more)
        for place, distance in enumerate(distances)
    ]


def test_a_stranger_is_rejected_and_says_so(index: FaceIndex) -> None:
    store(index, *apart(0.0, 0.1, 0.7, 0.2))
    assert judge(index, SETTINGS) == []
    assert reasons(index) == ["", "", "stranger", ""]
    assert index.counts().kept == 3


def test_one_face_only_is_kept(index: FaceIndex) -> None:
    store(index, *apart(0.4))
    judge(index, SETTINGS)
    assert index.counts().kept == 1


def test_small_and_blurred_faces_are_rejected_and_do_not_decide_who_it_is(
    index: FaceIndex,
) -> None:
    tiny = [made_face(f, embedding=at_distance(0.9), width=30) for f in (100, 110, 120)]
    soft = made_face(130, embedding=at_distance(0.0), sharpness=0.2)
    store(index, *apart(0.0, 0.1), *tiny, soft)
    judge(index, SETTINGS)
    assert reasons(index) == ["", "", "too small", "too small", "too small", "blurred"]


def test_lower_bounds_bring_faces_back(index: FaceIndex) -> None:
    store(index, *apart(0.0, 0.1), made_face(50, embedding=at_distance(0.0), width=30))
    judge(index, SETTINGS)
    assert index.counts().kept == 2
    judge(index, JudgeSettings(min_size=10, min_sharpness=0.5, every=1))
    assert index.counts().kept == 3


def test_what_was_decided_by_hand_stays(index: FaceIndex) -> None:
    kept, rejected, *_ = store(index, *apart(0.9, 0.0, 0.1, 0.0, 0.1))
    index.judge({kept: (True, BY_HAND), rejected: (False, BY_HAND)})
    judge(index, SETTINGS)
    verdicts = [(face.kept, face.reason) for face in index.faces(order="id")]
    assert verdicts == [(True, BY_HAND), (False, BY_HAND), (True, ""), (True, ""), (True, "")]


def test_a_hand_over_the_face_makes_nobody_a_stranger(index: FaceIndex) -> None:
    covered = [0.0, 0.1, 0.1, 0.55, 0.55, 0.1, 0.0]
    store(index, *(made_face(f, embedding=at_distance(d)) for f, d in enumerate(covered)))
    judge(index, SETTINGS)
    assert index.counts().reasons == {}


def test_a_track_of_a_stranger_stays_one(index: FaceIndex) -> None:
    store(
        index,
        *apart(0.0, 0.0, 0.0, 0.0, 0.0),
        *(made_face(f, embedding=at_distance(d)) for f, d in ((200, 0.5), (201, 0.55), (202, 0.1))),
    )
    judge(index, SETTINGS)
    assert reasons(index)[5:] == ["stranger", "stranger", ""]


def test_a_rival_who_fills_a_third_of_the_faces_is_told(index: FaceIndex) -> None:
    store(index, *apart(0.0, 0.0, 0.0, 0.9, 0.9))
    (warning,) = judge(index, SETTINGS)
    assert "40%" in warning
    assert "60%" in warning


def test_judging_twice_changes_nothing(index: FaceIndex) -> None:
    store(index, *apart(0.0, 0.1, 0.7))
    judge(index, SETTINGS)
    before = index.faces()
    judge(index, SETTINGS)
    assert index.faces() == before
