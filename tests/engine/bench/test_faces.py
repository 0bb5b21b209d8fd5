"""The benchmark of large datasets asks everything, of a process of its own."""

from engine.bench.faces import run
from projects.face_groups import GROUPS
from projects.face_query import ORDERS


def test_every_question_is_asked_and_answered() -> None:
    measured = run(2000)
    asked = {answer.what: answer for answer in measured.answers}
    assert len(asked) == len(measured.answers) == 8
    assert asked["first 200, sorted"].slowest in ORDERS
    assert asked["groups with their numbers"].slowest in GROUPS
    assert all(answer.milliseconds > 0 for answer in measured.answers)
    assert 0 < measured.lists_megabytes <= measured.megabytes < 500
    assert measured.faces == 2000 and measured.command > 0
