"""Where the features of a face are: eyelids, lips, brows and beard.

Shape, shading and landmarks all read these curves, so that what is drawn and what is reported as
the truth cannot differ. Points are in the head's frame: y = 0 at the eyes.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.avatars.fields import Points, bump, positive, step, wave
from engine.avatars.parameters import Scene


class Eyelids(NamedTuple):
    """An eye's opening; heights are above the line through the eye's corners."""

    opening: jax.Array  # > 0 between the lids
    along: jax.Array  # -1 at the inner corner, 1 at the outer
    height: jax.Array  # of the point itself
    upper: jax.Array  # edge of the upper lid
    lower: jax.Array  # edge of the lower lid
    crease: jax.Array  # edge of the upper lid were the eye open


def eyelids(x: jax.Array, y: jax.Array, s: Scene) -> Eyelids:
    """The lids of the eye on whichever side each point is."""
    m = s.measures
    blink = jnp.where(x > 0, s.pose.blink_right, s.pose.blink_left)
    outwards = jnp.abs(x) - m.eye_x
    height = y - s.face.eye_tilt * outwards
    along = outwards / m.eye_half_width
    q = 1 - along * along
    root = jnp.sqrt(positive(q) + 1e-4)
    crease = m.eye_half_height * (1.25 - 0.12 * along)
    crease = crease * jnp.where(q > 0, root * (0.62 + 0.38 * q), q * 2)
    lower = -m.eye_half_height * 0.80 * (1 + 0.12 * along)
    lower = lower * jnp.where(q > 0, root * (0.35 + 0.65 * q), q)
    upper = crease + (lower - crease) * blink
    opening = jnp.minimum(jnp.minimum(upper - height, height - lower), q * 0.08)
    return Eyelids(opening, along, height, upper, lower, crease)


class Lips(NamedTuple):
    """The mouth's curves as heights over x."""

    along: jax.Array  # -1 and 1 at the corners
    within: jax.Array  # > 0 between the corners
    inner_top: jax.Array
    inner_bottom: jax.Array
    top: jax.Array  # outer edge of the upper lip
    bottom: jax.Array


def lips(x: jax.Array, s: Scene) -> Lips:
    """The lips' four edges at x."""
    m, smile = s.measures, positive(s.pose.smile)
    along = x / m.mouth_half_width
    q = 1 - along * along
    inside = positive(q)
    line = m.mouth_y + m.corner_lift * jnp.clip(along * along, 0, 1.6)
    line = line - 0.012 * (1 - bump(along, 0.5)) * inside
    arch = jnp.where(q > 0, jnp.sqrt(inside + 1e-4), q)
    inner_top = line + 0.035 * s.pose.mouth_open * arch - 0.010 * smile * inside
    inner_bottom = line - m.jaw_drop * 0.80 * arch
    bow = 0.86 - 0.26 * bump(along, 0.16) + 0.18 * bump(jnp.abs(along) - 0.27, 0.2)
    top = inner_top + s.face.upper_lip * 0.088 * inside * bow * (1 - 0.2 * smile)
    full = jnp.sqrt(inside + 1e-5) * (0.30 + 0.70 * inside)
    bottom = inner_bottom - s.face.lower_lip * 0.112 * full * (1 - 0.15 * smile)
    return Lips(along, q, inner_top, inner_bottom, top, bottom)


BROW_START = 0.115


def brow_span(s: Scene) -> float:
    """How far a brow reaches outwards from BROW_START."""
    return 0.40 * (0.5 + 0.5 * s.face.eye_spacing)


def brow_line(t: jax.Array, s: Scene) -> jax.Array:
    """Height of the brow's middle at t, 0 at its inner and 1 at its outer end."""
    arch = 0.055 * wave(2.67 * jnp.clip(t, 0, 1)) - 0.035 * t * t
    frown = jnp.minimum(s.pose.brow_raise, 0.0) * 0.08 * (1 - t) ** 2
    tilt = s.face.brow_tilt * (t - 0.4) * 0.1
    return s.measures.brow_y + tilt + s.face.brow_arch * arch + frown


def brows(p: Points, s: Scene) -> jax.Array:
    """How much brow there is, [0, 1]."""
    t = (jnp.abs(p.x) - BROW_START) / brow_span(s)
    thickness = 0.034 * s.face.brow_thickness * (1.05 - 0.55 * jnp.clip(t, 0, 1))
    across = step(1.25, 0.55, jnp.abs(p.y - brow_line(t, s)) / thickness)
    return across * step(-0.06, 0.08, t) * step(1.05, 0.85, t) * step(0.2, 0.4, p.z)


def beard(p: Points, s: Scene) -> tuple[jax.Array, jax.Array]:
    """How much beard and how much moustache there may be, [0, 1] each, clear of the lips."""
    m = s.measures
    ax = jnp.abs(p.x)
    mouth = lips(p.x, s)
    edge = m.mouth_y + 0.05 + 1.25 * positive(ax - 0.30) ** 1.3
    chin = step(0.06, -0.04, p.y - edge) * step(0.62, 0.5, jnp.abs(p.y + 0.75))
    chin = chin * step(-0.25, 0.0, p.z)
    chin = chin * step(
        -0.03, 0.02, m.mouth_y + 0.02 - p.y + 2.2 * positive(ax - m.mouth_half_width)
    )
    upper = bump(p.y - (m.mouth_y + 0.145), 0.055) * step(0.38, 0.28, ax) * step(0.3, 0.5, p.z)
    upper = upper * step(-0.075, -0.11, p.y - m.nose_y)
    beside = ax - m.mouth_half_width * 1.10
    clear = jnp.maximum(beside, jnp.maximum(p.y - mouth.top, mouth.bottom - p.y))
    clear = step(-0.01, 0.03, clear)
    return chin * clear, upper * clear


def nasolabial_fold(p: Points, s: Scene) -> jax.Array:
    """The line from the nostril's wing to beside the mouth's corner, [0, 1]."""
    m = s.measures
    t = jnp.clip((m.nose_y - p.y) / (m.nose_y - m.mouth_y + 0.02), 0, 1.15)
    start = m.nostril_x + 0.065
    x = start + t * (m.mouth_half_width + 0.075 - start)
    return bump(jnp.abs(p.x) - x, 0.034) * step(0, 0.3, t) * step(1.15, 0.75, t)
