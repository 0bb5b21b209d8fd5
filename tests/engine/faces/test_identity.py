"""The main identity among many embeddings."""

import numpy as np
from numpy.typing import NDArray

from engine.faces.identity import IDENTITY_THRESHOLD, main_identity


def person(seed: int, count: int, spread: float = 0.2) -> NDArray[np.float32]:
    """`count` embeddings about one point; points of two seeds lie about 0.8 apart."""
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=128)
    centre *= 0.57 / np.linalg.norm(centre)
    return (centre + rng.normal(0, spread / 128**0.5, (count, 128))).astype(np.float32)


def test_the_largest_cluster_is_the_person() -> None:
    everybody = np.concatenate([person(1, 5), person(2, 12), person(3, 4)])
    identity = main_identity(everybody, [1] * 21)
    near = identity.distances(everybody) <= IDENTITY_THRESHOLD
    assert near.tolist() == [False] * 5 + [True] * 12 + [False] * 4
    assert identity.share == 12 / 21
    assert identity.second_share == 5 / 21


def test_an_embedding_counts_for_all_the_faces_that_share_it() -> None:
    everybody = np.concatenate([person(1, 2), person(2, 3)])
    identity = main_identity(everybody, [50, 50, 1, 1, 1])
    assert (identity.distances(everybody) <= IDENTITY_THRESHOLD).tolist() == [True] * 2 + [
        False
    ] * 3


def test_one_face_is_the_person() -> None:
    alone = person(4, 1)
    identity = main_identity(alone, [1])
    np.testing.assert_array_equal(identity.mean, alone[0])
    assert identity.share == 1
    assert identity.second_share == 0


def test_a_person_who_falls_into_two_clusters_is_brought_together() -> None:
    # Two looks of one person, 0.46 apart: not linked, and both within reach of a common mean.
    look = np.zeros((20, 128), np.float32)
    look[:10, 0] = 0.46
    look[:, 1:] += np.random.default_rng(5).normal(0, 0.01, (20, 127)).astype(np.float32)
    identity = main_identity(look, [2] * 10 + [1] * 10)
    assert identity.share == 1


def test_more_embeddings_than_are_clustered_are_judged_all_the_same() -> None:
    everybody = np.concatenate([person(1, 1800), person(2, 1500)])
    identity = main_identity(everybody, [1] * 3300)
    near = identity.distances(everybody) <= IDENTITY_THRESHOLD
    assert near[:1800].all()
    assert not near[1800:].any()
