"""Which crops are drawn: by the seed and the step alone, and rare poses more often when asked."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.training.sampling import (
    OFTENEST,
    chances,
    choose,
    expressions,
    person_keys,
    poses,
    step_key,
)

FRONTAL = [0.0] * 90
ASIDE = [45.0] * 10


def drawn(table, count: int, clahe: float = 0.0) -> np.ndarray:
    given = None if table is None else jnp.asarray(table)
    return np.asarray(choose(jax.random.key(0), 20_000, count, clahe, given))


def test_without_a_wish_all_faces_are_alike_and_drawn_as_ever():
    assert chances((poses(FRONTAL, FRONTAL), 0.0)) is None
    plain = jax.random.randint(jax.random.key(0), (20_000,), 0, 90)
    np.testing.assert_array_equal(drawn(None, 90), plain)


@pytest.mark.parametrize(("uniform", "share"), [(1.0, 0.5), (0.5, 0.3)])
def test_a_rare_pose_gets_the_share_that_was_asked_for(uniform: float, share: float):
    table = chances((poses(FRONTAL + ASIDE, [0.0] * 100), uniform))
    index = drawn(table, 100)
    assert (index >= 90).mean() == pytest.approx(share, abs=0.02)
    assert set(index.tolist()) == set(range(100))


def test_a_single_odd_face_is_not_drawn_all_the_time():
    table = chances((poses([0.0] * 999 + [80.0], [0.0] * 1000), 1.0))
    index = drawn(table, 1000)
    assert (index == 999).mean() == pytest.approx(OFTENEST / 1000, rel=0.3)


def test_angles_that_are_no_numbers_count_as_straight_ahead():
    table = chances((poses([np.nan, 0.0, 45.0], [0.0, np.inf, 0.0]), 1.0))
    assert (drawn(table, 3) == 2).mean() == pytest.approx(0.5, abs=0.02)


def test_a_rare_expression_is_drawn_as_often_as_a_common_one():
    mouth = [0.02] * 60 + [0.2] * 30 + [0.5] * 8 + [0.02, np.nan]
    eyes = [0.3] * 98 + [0.1, 0.3]
    kinds = expressions(mouth, eyes, [0.8] * 100)
    assert len(np.unique(kinds, axis=0)) == 4
    assert np.array_equal(kinds[99], kinds[0])  # not measured
    index = drawn(chances((kinds, 0.8)), 100)
    shares = [np.isin(index, part).mean() for part in (range(60, 90), range(90, 98), [98])]
    assert shares == pytest.approx([0.26, 0.216, 0.2], abs=0.02)  # the one at its bound


def test_a_smile_is_a_mouth_that_is_wider_than_its_owners_usual_one():
    rest, smile = [0.8] * 7, [0.9, 0.95]
    kinds = expressions([0.0] * 10, [0.3] * 10, [*rest, *smile, np.nan])
    assert kinds[:, 2].tolist() == [0] * 7 + [1, 1, 0]
    wider = expressions([0.0] * 10, [0.3] * 10, [1.2 * w for w in (*rest, *smile, np.nan)])
    assert np.array_equal(kinds, wider)
    assert expressions([0.0], [0.3], [np.nan])[:, 2].tolist() == [0]


def test_poses_share_what_expressions_leave():
    faces = poses(FRONTAL + ASIDE, [0.0] * 100)
    same = expressions([0.0] * 100, [0.3] * 100, [0.8] * 100)
    both = drawn(chances((same, 0.5), (faces, 0.5)), 100)
    assert (both >= 90).mean() == pytest.approx(0.5 * 0.1 + 0.25 * 0.5 + 0.25 * 0.1, abs=0.02)
    assert chances((same, 0.0), (faces, 0.0)) is None


def test_the_last_face_is_drawn_at_the_very_end_of_chance():
    table = chances((poses([0.0, 30.0], [0.0, 0.0]), 1.0))
    bits = jnp.array([0, 2**31 - 1, 2**31, 2**32 - 1], jnp.uint32)
    found = jnp.minimum(jnp.searchsorted(jnp.asarray(table), bits, side="right"), 1)
    assert found.tolist() == [0, 0, 1, 1]


def test_equalised_twins_are_drawn_by_the_pose_of_their_face():
    table = chances((poses(FRONTAL + ASIDE, [0.0] * 100), 1.0))
    index = drawn(table, 200, clahe=0.25)
    assert (index >= 100).mean() == pytest.approx(0.25, abs=0.02)
    assert (index % 100 >= 90).mean() == pytest.approx(0.5, abs=0.02)


def test_everybody_has_chances_of_their_own_in_every_step():
    keys = [person_keys(step_key(3, jnp.int32(s)), n)[0] for s in (0, 1) for n in (0, 1)]
    draws = {tuple(np.asarray(choose(key, 6, 1000, 0.0)).tolist()) for key in keys}
    assert len(draws) == 4
