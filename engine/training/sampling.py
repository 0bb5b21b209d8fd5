"""Which crops are in a batch: a function of the seed and the step alone, on any device.

The draws are whole numbers from random bits, so the host finds the very crops that the device
would have drawn.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from projects.face_groups import EYES_CLOSED, MOUTH_OPEN, MOUTH_WIDE, PITCH_STEP, YAW_STEP

OFTENEST: Final = 20.0
"""How many times as often as by chance a face is drawn at most, however rare what it shows."""
_SMILE: Final = 1.08
"""How many times a person's usual width of the mouth it is at least when they smile."""
_PARTS: Final = 5
"""Kinds of chance in a batch of one person."""


class Weighted(NamedTuple):
    """All crops of a person on the device, some of which are drawn more often than others."""

    pixels: jax.Array
    """uint8 [N, R, R, 6], see `augment.sample`."""
    table: jax.Array
    """uint32 [N], or [N / 2] with twins: see `chances`."""


class Chosen(NamedTuple):
    """The crops of one batch, drawn on the host."""

    pixels: jax.Array
    """uint8 [B, R, R, 6]; of K steps [K, B, R, R, 6]."""


Crops = jax.Array | Weighted | Chosen
"""What a step draws from: a plain array is all crops of a person, drawn alike."""


def step_key(seed: int, step: jax.Array) -> jax.Array:
    """All chance in a step. step: int32 []."""
    return jax.random.fold_in(jax.random.key(seed), step)


def person_keys(key: jax.Array, number: int) -> jax.Array:
    """The chances of a step for the person `number`: keys [5]; the first one draws the crops."""
    return jax.random.split(jax.random.fold_in(key, number), _PARTS)


def choose(
    key: jax.Array, batch: int, count: int, clahe: float, table: jax.Array | None = None
) -> jax.Array:
    """Which of `count` crops: int32 [B].

    With CLAHE the twins, which are the second half, are taken that often. table: of `chances`.
    """
    faces = count // 2 if clahe else count
    k_face, k_twin = jax.random.split(key) if clahe else (key, key)
    if table is None:
        index = jax.random.randint(k_face, (batch,), 0, faces)
    else:
        bits = jax.random.bits(k_face, (batch,), jnp.uint32)
        found = jnp.searchsorted(table, bits, side="right").astype(jnp.int32)
        index = jnp.minimum(found, faces - 1)
    if not clahe:
        return index
    return index + jnp.where(jax.random.bernoulli(k_twin, clahe, (batch,)), faces, 0)


def drawn(crops: Crops, key: jax.Array, batch: int, clahe: float) -> tuple[jax.Array, jax.Array]:
    """An array of crops [N, R, R, 6], and which of them are in the batch: int32 [B]."""
    if isinstance(crops, Chosen):
        return crops.pixels, jnp.arange(crops.pixels.shape[0])
    pixels, table = crops if isinstance(crops, Weighted) else (crops, None)
    return pixels, choose(key, batch, pixels.shape[0], clahe, table)


Kinds = NDArray[np.int64]
"""[N, 2], what faces are put together by: two of one kind have the same row."""


def poses(yaw: Sequence[float], pitch: Sequence[float]) -> Kinds:
    """15 degrees of yaw by 10 of pitch; what is no number counts as straight ahead."""
    return np.stack([_steps(yaw, YAW_STEP), _steps(pitch, PITCH_STEP)], 1)


def expressions(mouth: Sequence[float], eyes: Sequence[float], width: Sequence[float]) -> Kinds:
    """Mouth closed, open, wide open; eyes open, closed; smiling or not.

    mouth, eyes, width: of `engine.faces.measure`, of all faces of one person, whose own usual width
    of the mouth a smile is compared with. What was not measured counts as at rest.
    """
    opened = np.digitize(np.nan_to_num(np.asarray(mouth, np.float64)), [MOUTH_OPEN, MOUTH_WIDE])
    closed = np.asarray(eyes, np.float64) < EYES_CLOSED
    wide = np.asarray(width, np.float64)
    known = wide[np.isfinite(wide)]
    smiling = wide > _SMILE * np.median(known) if len(known) else np.zeros(len(wide), bool)
    return np.stack([opened, closed, smiling], 1).astype(np.int64)


def chances(*wanted: tuple[Kinds, float]) -> NDArray[np.uint32] | None:
    """How often each face is drawn, as the upper ends of its share of 32 random bits.

    wanted: kinds of the N faces, and the share of the draws in which every kind that occurs is as
    likely as any other. Each has its share of what those before it leave; the last rest is alike
    for all faces. No face is drawn more than OFTENEST times as often as by chance alone.
    Returns uint32 [N] that never falls, to be searched; None when all faces are alike.
    """
    wanted = tuple(one for one in wanted if one[1])
    if not wanted:
        return None
    count, rest = len(wanted[0][0]), 1.0
    share = np.zeros(count)
    for kinds, uniform in wanted:
        _, kind, sizes = np.unique(kinds, axis=0, return_inverse=True, return_counts=True)
        share += rest * uniform / (len(sizes) * sizes[kind.reshape(-1)])
        rest *= 1 - uniform
    share += rest / count
    ends = np.cumsum(_bounded(share, OFTENEST / count)) * 2.0**32
    return np.asarray(np.minimum(ends, 2.0**32 - 1), np.uint32)


def _bounded(share: NDArray[np.float64], most: float) -> NDArray[np.float64]:
    """Shares of a whole of which none is more than `most`; what is cut off goes to the others."""
    while (over := share > most * (1 + 1e-9)).any():
        full = over | (share >= most)
        rest = share[~full]
        share = np.where(full, most, share * ((1 - most * full.sum()) / rest.sum()))
    return share


def _steps(angles: Sequence[float], step: float) -> NDArray[np.int64]:
    """Whole steps of an angle; what is no number counts as straight ahead."""
    whole = np.rint(np.nan_to_num(np.asarray(angles, np.float64), posinf=0.0, neginf=0.0) / step)
    return np.clip(whole, -360, 360).astype(np.int64)
