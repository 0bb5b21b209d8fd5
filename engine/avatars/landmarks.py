"""Where a synthetic person's landmarks truly are in the picture.

The order is that of iBUG's 68 points (Sagonas et al., "300 Faces in-the-Wild Challenge", 2013),
which dlib follows. The jaw line, 0 to 16, depends on the view and is left undefined.
"""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from engine.avatars.features import BROW_START, brow_line, brow_span, eyelids, lips
from engine.avatars.identities import Identity
from engine.avatars.parameters import (
    CAMERA_DISTANCE,
    CAMERA_HEIGHT,
    FOCAL_LENGTH,
    PIVOT,
    Pose,
    Scene,
    pack,
    scene,
    unpack,
)
from engine.avatars.render import evaluate
from engine.avatars.shapes import SKIN

FIRST_DEFINED = 17
_EYE = (-1.0, -0.36, 0.36, 1.0, 0.36, -0.36)
_OUTER_LIPS = (-1.0, -0.6, -0.27, 0.0, 0.27, 0.6, 1.0, 0.6, 0.27, 0.0, -0.27, -0.6)
_INNER_LIPS = (-0.85, -0.3, 0.0, 0.3, 0.85, 0.3, 0.0, -0.3)


def _brow_points(s: Scene) -> tuple[jax.Array, jax.Array]:
    t = jnp.array([1.0, 0.75, 0.5, 0.25, 0.0])
    x, y = BROW_START + t * brow_span(s), brow_line(t, s)
    return jnp.concatenate([-x, x[::-1]]), jnp.concatenate([y, y[::-1]])


def _nose_points(s: Scene) -> tuple[jax.Array, jax.Array]:
    m = s.measures
    across = jnp.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    x = jnp.concatenate([jnp.zeros(4), across * m.nostril_x])
    bridge = 0.04 + (m.nose_y - 0.04) * jnp.array([0.0, 1 / 3, 2 / 3, 1.0])
    base = m.nose_y - 0.115 + 0.025 * jnp.abs(across)
    return x, jnp.concatenate([bridge, base])


def _eye_points(s: Scene, side: float) -> tuple[jax.Array, jax.Array]:
    m, along = s.measures, jnp.array(_EYE)
    x = side * m.eye_x + along * m.eye_half_width
    lids = eyelids(x, jnp.zeros_like(x), s)
    height = jnp.concatenate([jnp.zeros(1), lids.upper[1:3], jnp.zeros(1), lids.lower[4:]])
    return x, height + s.face.eye_tilt * (jnp.abs(x) - m.eye_x)


def _mouth_points(s: Scene) -> tuple[jax.Array, jax.Array]:
    outer_x = jnp.array(_OUTER_LIPS) * s.measures.mouth_half_width
    outer = lips(outer_x, s)
    # The corners belong to both lips.
    y = jnp.concatenate([outer.top[:7], outer.bottom[7:]])
    y = y.at[jnp.array([0, 6])].set(outer.inner_top[jnp.array([0, 6])])
    inner_x = jnp.array(_INNER_LIPS) * s.measures.mouth_half_width
    inner = lips(inner_x, s)
    corner = 0.5 * (inner.inner_top + inner.inner_bottom)
    inner_y = jnp.concatenate(
        [corner[:1], inner.inner_top[1:4], corner[4:5], inner.inner_bottom[5:]]
    )
    return jnp.concatenate([outer_x, inner_x]), jnp.concatenate([y, inner_y])


@cache
def _compiled() -> Any:
    def curves(vector: jax.Array) -> jax.Array:
        s = unpack(vector)
        pieces = [_brow_points(s), _nose_points(s), _eye_points(s, -1.0), _eye_points(s, 1.0)]
        pieces.append(_mouth_points(s))
        return jnp.stack([jnp.concatenate([piece[i] for piece in pieces]) for i in (0, 1)])

    return jax.jit(curves)


def _to_world(points: np.ndarray[Any, Any], s: Scene) -> np.ndarray[Any, Any]:
    pivot = np.array(PIVOT)[:, None]
    shift = np.array([[s.pose.shift_x], [s.pose.shift_y], [s.pose.shift_z]])
    turned = np.array(s.measures.rotation).reshape(3, 3) @ (points - pivot)
    return np.asarray(turned + pivot + shift)


def true_landmarks(
    identity: Identity, pose: Pose, size: tuple[int, int] = (480, 360)
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Landmarks of the rendered face, float32 [68, 2], pixels (x, y), pixel centres at integers.

    Points 0 to 16 are NaN. Points that the head hides are where they would be seen through it.
    """
    # With eyes and mouth closed over, a point between the lips still lies on the face.
    s = scene(identity, pose, openings=False)
    vector = pack(s)
    cpu = jax.local_devices(backend="cpu")[0]
    flat = np.asarray(_compiled()(jax.device_put(vector, cpu)), np.float64)
    depth = np.full(flat.shape[1], 1.5)
    for _ in range(40):
        world = _to_world(np.vstack([flat, depth]), s)
        distance = evaluate("parts", world.astype(np.float32), vector)[SKIN]
        depth = np.maximum(depth - 0.8 * distance, 0.3)
        if np.abs(distance).max() < 5e-4:
            break
    x, y, z = _to_world(np.vstack([flat, depth]), s)
    width, height = size
    scale = FOCAL_LENGTH * height / (CAMERA_DISTANCE - z)
    out = np.full((68, 2), np.nan, np.float32)
    out[FIRST_DEFINED:, 0] = width / 2 + x * scale - 0.5
    out[FIRST_DEFINED:, 1] = height / 2 - (y - CAMERA_HEIGHT) * scale - 0.5
    return out
