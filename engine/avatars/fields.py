"""Building blocks of signed-distance shapes.

After Inigo Quilez, "Distance functions" and "Smooth minimum" (iquilezles.org). Coordinates are
arrays of one shape; a distance is negative inside.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

Vector = tuple[float | jax.Array, float | jax.Array, float | jax.Array]


class Points(NamedTuple):
    """Coordinates, float32 [N] each: x to the picture's right, y up, z towards the camera."""

    x: jax.Array
    y: jax.Array
    z: jax.Array

    @property
    def mirrored(self) -> "Points":
        """The same points folded onto the picture's right half."""
        return Points(jnp.abs(self.x), self.y, self.z)


def length(*components: jax.Array) -> jax.Array:
    """Euclidean length, with a gradient-safe floor."""
    return jnp.sqrt(sum((c * c for c in components), jnp.float32(1e-12)))


def positive(x: jax.Array | float) -> jax.Array:
    """x where it is above zero, else zero."""
    return jnp.maximum(x, 0.0)


def step(start: float, end: float, x: jax.Array) -> jax.Array:
    """Smooth step: 0 at start, 1 at end; start may lie above end."""
    t = jnp.clip((x - start) / (end - start), 0, 1)
    return t * t * (3 - 2 * t)


def bump(x: jax.Array, width: float | jax.Array) -> jax.Array:
    """Gaussian bump of height one around zero."""
    return jnp.exp(-(x * x) / (width * width))


def wave(x: jax.Array) -> jax.Array:
    """Sine within 0.001, several times faster than XLA:CPU's; for patterns."""
    turn = x * (1 / (2 * jnp.pi))
    t = 2 * (turn - jnp.round(turn))
    y = 4 * t * (1 - jnp.abs(t))
    return y + 0.225 * (y * jnp.abs(y) - y)


def angle(x: jax.Array, y: jax.Array) -> jax.Array:
    """About the arc tangent of x / y in (-pi, pi], continuous and monotonic; for patterns."""
    ratio = x / (jnp.abs(x) + jnp.abs(y) + 1e-6)
    return (jnp.pi / 2) * jnp.where(y >= 0, ratio, jnp.sign(x) * 2 - ratio)


def noise(x: jax.Array, y: jax.Array, z: jax.Array) -> jax.Array:
    """Smooth, cheap, aperiodic noise in [-1, 1] made of nested sines."""
    return (
        wave(x + 1.7 * wave(0.9 * y + 0.3))
        + wave(1.1 * y + 1.6 * wave(0.8 * z + 1.1))
        + wave(1.2 * z + 1.5 * wave(x + 2.1))
    ) / 3


def union(a: jax.Array, b: jax.Array, blend: float) -> jax.Array:
    """Both shapes, melted together over the distance blend."""
    h = positive(blend - jnp.abs(a - b)) / blend
    return jnp.minimum(a, b) - h * h * blend * 0.25


def intersection(a: jax.Array, b: jax.Array, blend: float) -> jax.Array:
    """What both shapes share, its edge rounded over the distance blend."""
    return -union(-a, -b, blend)


def ellipsoid(p: Points, centre: Vector, radii: Vector) -> jax.Array:
    """Ellipsoid with axes along the coordinates (a bound, exact near the surface)."""
    x, y, z = ((c - o) / r for c, o, r in zip(p, centre, radii, strict=True))
    scaled = length(x, y, z)
    return scaled * (scaled - 1.0) / (length(x / radii[0], y / radii[1], z / radii[2]) + 1e-6)


def sphere(p: Points, centre: Vector, radius: float | jax.Array) -> jax.Array:
    """Sphere."""
    return length(p.x - centre[0], p.y - centre[1], p.z - centre[2]) - radius


def cone(
    p: Points,
    start: Vector,
    end: Vector,
    start_radius: float | jax.Array,
    end_radius: float | jax.Array,
) -> jax.Array:
    """Rod with round ends whose radius changes from start to end."""
    axis = [b - a for a, b in zip(start, end, strict=True)]
    offset = [c - a for c, a in zip(p, start, strict=True)]
    along = offset[0] * axis[0] + offset[1] * axis[1] + offset[2] * axis[2]
    squared = axis[0] * axis[0] + axis[1] * axis[1] + axis[2] * axis[2]
    t = jnp.clip(along / squared, 0, 1)
    distance = length(*(jnp.asarray(o - t * a) for o, a in zip(offset, axis, strict=True)))
    return distance - (start_radius + (end_radius - start_radius) * t)
