"""Whose faces these are: the person's main identity, and who is a stranger to it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import dlib
import numpy as np
from numpy.typing import NDArray

IDENTITY_THRESHOLD: Final = 0.48
"""A face further than this from the mean of the person's embeddings is a stranger.

Measured with dlib's embedding: a person's own faces lie at most 0.27 (synthetic) and 0.46 (a real
woman with her hands over her face) from their mean; the nearest stranger to any mean was at 0.50
(two synthetic people), real strangers at 0.65 and more.
"""
FOLLOWED_THRESHOLD: Final = 0.6
"""The same for a face in a track that is mostly the person's: dlib's own bound for one person."""
LINK_THRESHOLD: Final = 0.42
"""Faces nearer than this are linked when clusters are formed; pairs of two people start at 0.45.
One person may fall into several clusters by it, which the mean then brings together again."""
NOT_LIKE_THRESHOLD: Final = 0.48
"""A track within this of somebody whom it must not show, and nearer to them than to the person, is
a stranger's."""
_MOST_CLUSTERED: Final = 1500
"""Links grow with the square of the number; more embeddings than this are sampled evenly."""


REFERENCES: Final = "references"
"""Under which name a face index keeps its `References`, as text."""
_NOBODY: Final = np.zeros((0, 128), np.float32)


@dataclass(frozen=True)
class References:
    """Embeddings, float32 [N, 128], of pictures that show the person, and that show others."""

    like: NDArray[np.float32] = field(default_factory=lambda: _NOBODY)
    not_like: NDArray[np.float32] = field(default_factory=lambda: _NOBODY)

    def text(self) -> str:
        """As JSON."""
        return json.dumps({"like": self.like.tolist(), "not_like": self.not_like.tolist()})

    @classmethod
    def read(cls, text: str | None) -> "References":
        """From `text()`; none from anything else."""
        try:
            found = json.loads(text or "{}")
            both = [
                np.array(found.get(name, []), np.float32).reshape(-1, 128)
                for name in ("like", "not_like")
            ]
        except (ValueError, TypeError, AttributeError):
            return cls()
        return cls(*both)


@dataclass(frozen=True)
class Identity:
    """The person that most of the faces show."""

    mean: NDArray[np.float32]
    """float32 [128], the mean embedding of those within IDENTITY_THRESHOLD."""
    share: float
    """The part of all faces that belong to it, 0 to 1."""
    second_share: float
    """The part of all faces in the largest cluster among those that do not."""

    def distances(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """How far each of `embeddings` [N, 128] is from the mean: float32 [N]."""
        return np.asarray(np.linalg.norm(embeddings - self.mean, axis=1), np.float32)


def main_identity(
    embeddings: NDArray[np.float32], weights: Sequence[int], like: NDArray[np.float32] = _NOBODY
) -> Identity:
    """The identity of the largest cluster, or of those who look like `like`.

    embeddings: float32 [N, 128], N >= 1. weights: how many faces each stands for. like: float32
    [M, 128] of reference pictures.
    Clusters by Chinese whispers (C. Biemann, TextGraphs 2006). Deterministic.
    """
    counts = np.asarray(weights, np.float64)
    labels = _cluster(embeddings)
    if len(like):
        mean = like.mean(0)
    else:
        largest = int(np.argmax(np.bincount(labels.clip(0), weights=counts * (labels >= 0))))
        members = labels == largest
        mean = np.average(embeddings[members], axis=0, weights=counts[members])
    near = np.linalg.norm(embeddings - mean, axis=1) <= IDENTITY_THRESHOLD
    if near.any():
        mean = np.average(embeddings[near], axis=0, weights=counts[near])
        near = np.linalg.norm(embeddings - mean, axis=1) <= IDENTITY_THRESHOLD
    others = np.bincount(labels.clip(0), weights=counts * ((labels >= 0) & ~near))
    sampled = counts[labels >= 0].sum()
    return Identity(
        mean=mean.astype(np.float32),
        share=float(counts[near].sum() / counts.sum()),
        second_share=float(others.max() / sampled),
    )


def _cluster(embeddings: NDArray[np.float32]) -> NDArray[np.intp]:
    """A cluster's number for each embedding, -1 for those that were not sampled."""
    labels = np.full(len(embeddings), -1, np.intp)
    step = max(1, -(-len(embeddings) // _MOST_CLUSTERED))
    sampled = np.arange(0, len(embeddings), step)
    vectors = [dlib.vector(row.tolist()) for row in embeddings[sampled].astype(np.float64)]
    labels[sampled] = np.asarray(dlib.chinese_whispers_clustering(vectors, LINK_THRESHOLD), np.intp)
    return labels
