"""Rules that people write about faces, and faces put together by what they share."""

from dataclasses import replace
from pathlib import Path

import pytest

from projects.errors import CommandError
from projects.face_query import EVERY, KEPT, of_crops
from projects.face_rules import select
from projects.faces import FaceIndex
from tests.projects.test_faces import make_face

REASONS = ("", "blurred", "hand and hair", "stranger")


@pytest.fixture
def index(tmp_path: Path):
    """Twenty-four faces whose values are easily told: yaw -36, -33, …; every sixth is blurred."""
    with FaceIndex(tmp_path / "faces.sqlite") as index:
        index.start("s1", "{}")
        faces = []
        for n in range(24):
            reason = REASONS[n % 6] if n % 6 < 4 else ""
            face = replace(
                make_face(n, kept=not reason, reason=reason),
                **{"yaw": n * 3.0 - 36, "sharpness": float(n), "mouth": n / 48, "time": n * 5.0},
                **{"eyes": 0.1 if n % 4 == 0 else 0.3, "track": n // 8},
            )
            faces.append(replace(face, likeness=float("nan")) if n < 4 else face)
        index.add_frames("s1", faces, 24)
        yield index


def frames(index: FaceIndex, *rules: str) -> list[int]:
    return sorted(row.frame for row in index.rows(select(rules)))


@pytest.mark.parametrize(
    ("rule", "meets"),
    [
        ("yaw>20", lambda f: f.yaw > 20),
        ("|yaw| <= 10", lambda f: abs(f.yaw) <= 10),
        ("yaw=-10..10", lambda f: -10 <= f.yaw <= 10),
        ("sharpness < 6 and yaw > -30", lambda f: f.sharpness < 6 and f.yaw > -30),
        ("sharpness<3 or yaw>20 and eyes<0.2", lambda f: f.frame in (0, 1, 2, 20)),
        ("(sharpness<3 or yaw>20) and eyes<0.2", lambda f: f.frame in (0, 20)),
        ("NOT yaw>0 AND not(sharpness<6)", lambda f: f.yaw <= 0 and f.sharpness >= 6),
        ("reason=blurred,stranger", lambda f: f.reason in ("blurred", "stranger")),
        ("reason='hand and hair'", lambda f: f.reason == "hand and hair"),
        ("reason!=blurred", lambda f: f.reason != "blurred"),
        ("state=kept", lambda f: f.kept),
        ("time > 1:30", lambda f: f.time > 90),
        ("likeness=unknown", lambda f: f.frame < 4),
        ("not likeness<9 or not likeness>=0", lambda f: False),
        ("source=first", lambda f: True),
        ("track=0,2", lambda f: f.track in (0, 2)),
    ],
)
def test_a_rule_means_what_it_says(index: FaceIndex, rule: str, meets) -> None:
    wanted = [face.frame for face in index.faces() if meets(face)]
    assert sorted(row.frame for row in index.rows(select([rule], {"first": "s1"}))) == wanted


def test_several_rules_all_hold(index: FaceIndex) -> None:
    assert frames(index, "yaw>0", "sharpness<15 or sharpness>22") == [13, 14, 23]
    assert select([]) == EVERY


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("", "not FIELD"),
        ("rm -rf /", "not FIELD"),
        ("__import__('os')", "two conditions"),
        ("yaw>20 or", "nothing where a condition"),
        ("and", "nothing where a condition"),
        ("()", "nothing where a condition"),
        ("(yaw>3", "bracket that is not closed"),
        ("yaw>3)", "closing bracket too many"),
        ("yaw>3 (pitch>2)", "two conditions"),
        ("not " * 30 + "yaw>3", "within each other"),
        ("(" * 30 + "yaw>3" + ")" * 30, "within each other"),
        ("yaw>3 and " * 300 + "yaw>3", "2000 characters"),
        ("yaw>1;DROP TABLE faces", "does not end with a number"),
        ("yaw>nan", "does not end with a number"),
        ("crop=x", "do not have"),
        ("|yaw>3", "one bar"),
        ("reason<3", "by = or !="),
        ("state=perhaps", "kept or rejected"),
    ],
)
def test_what_is_no_rule_is_a_sentence(rule: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        select([rule])


def test_faces_are_named_by_their_crops(index: FaceIndex) -> None:
    names = [row.crop for row in index.rows() if row.frame in (3, 5)]
    chosen = of_crops([*names, "'); DROP TABLE faces; --"])
    assert [row.frame for row in index.rows(chosen)] == [3, 5]


def test_faces_are_put_together_by_what_they_share(index: FaceIndex) -> None:
    faces = index.faces()
    by_yaw = index.groups("yaw")
    assert [(group.name, group.faces) for group in by_yaw] == [
        *(("-45 to -30", 2), ("-30 to -15", 5), ("-15 to 0", 5), ("0 to 15", 5), ("15 to 30", 5)),
        ("30 to 45", 2),
    ]
    assert [group.best - 1 for group in by_yaw] == [1, 6, 11, 16, 21, 23]
    assert sum(group.kept for group in by_yaw) == sum(face.kept for face in faces)
    assert {g.name: g.faces for g in index.groups("state")} == {"kept": 12, "rejected": 12}
    assert [g.name for g in index.groups("likeness")][-1] == "not measured"
    assert [(g.name, g.faces) for g in index.groups("track", KEPT)] == [
        *(("s1 0", 4), ("s1 1", 3), ("s1 2", 5)),
    ]
    expressions = {group.name: group.faces for group in index.groups("expression")}
    assert expressions["mouth closed, eyes closed"] == 2
    assert sum(expressions.values()) == 24
    assert [g.name for g in index.groups("sharpness")][-2:] == ["8 to 16", "16 to 32"]
    with pytest.raises(CommandError, match="Use: source, track"):
        index.groups("yaw; DROP TABLE faces")


def test_faces_that_were_imported_leave_the_search_as_it_was(index: FaceIndex) -> None:
    index.add_imported("s1", [make_face(99)], "ignored")
    index.add_imported("s9", [make_face(0, "s9"), make_face(1, "s9")], "imported")
    progress = index.progress("s1")
    assert progress is not None and (progress.settings, progress.next_frame) == ("{}", 24)
    imported = index.progress("s9")
    assert imported is not None and (imported.settings, imported.finished) == ("imported", True)
    assert index.count() == 27
