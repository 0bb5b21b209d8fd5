"""The head, the hair and the body as signed distances.

Two levels of one shape: with `detail` all that is seen; without it the bare forms, which shadows
and the first, long steps of a ray make do with.
"""

import jax
import jax.numpy as jnp

from engine.avatars.features import beard, brows, eyelids, lips, nasolabial_fold
from engine.avatars.fields import (
    Points,
    angle,
    bump,
    cone,
    ellipsoid,
    intersection,
    length,
    noise,
    positive,
    sphere,
    step,
    union,
    wave,
)
from engine.avatars.parameters import PIVOT, Scene

SKIN, NECK, HAIR, EYES, TEETH, TONGUE, BODY = range(7)
EYE_RADIUS = 0.135
DETAIL_MARGIN = 0.075  # the detailed shape lies nowhere further out than this from the bare one


def to_head(p: Points, s: Scene) -> Points:
    """World points in the head's frame."""
    r = s.measures.rotation
    x = p.x - s.pose.shift_x - PIVOT[0]
    y = p.y - s.pose.shift_y - PIVOT[1]
    z = p.z - s.pose.shift_z - PIVOT[2]
    return Points(
        r[0] * x + r[3] * y + r[6] * z + PIVOT[0],
        r[1] * x + r[4] * y + r[7] * z + PIVOT[1],
        r[2] * x + r[5] * y + r[8] * z + PIVOT[2],
    )


def _bone(p: Points, s: Scene) -> jax.Array:
    """Cranium, cheeks, jaw and chin."""
    face, m, q = s.face, s.measures, p.mirrored
    drop, tall, wide = m.jaw_drop, face.face_length, face.face_width
    d = union(
        ellipsoid(
            p,
            (0, 0.28, -0.08),
            (0.765 * s.frame.head_width, 0.86 * s.frame.head_height, 0.95),
        ),
        ellipsoid(p, (0, -0.30 * tall, 0.20), (0.635 * wide, 0.74 * tall, 0.66)),
        0.22,
    )
    d = union(
        d, ellipsoid(q, (0.43 * wide, -0.20, 0.50), (0.20, 0.17, 0.21 + face.cheekbone)), 0.22
    )
    chin_y = -0.985 * tall + face.chin_height - drop
    chin_z = 0.60 + face.chin_forward - 0.25 * drop
    corner = (0.41 * face.jaw_width, -0.62 * tall - 0.3 * drop, 0.06)
    d = union(d, cone(q, corner, (0.10 * face.chin_width, chin_y, chin_z), 0.17, 0.155), 0.22)
    chin = ellipsoid(p, (0, chin_y + 0.02, chin_z + 0.03), (0.20 * face.chin_width, 0.17, 0.20))
    d = union(d, chin, 0.14)
    d = union(d, ellipsoid(p, (0, m.mouth_y + 0.10, 0.58), (0.36, 0.26, 0.325)), 0.20)
    below = (0, m.mouth_y - 0.12 - drop * 0.8, 0.57 - 0.2 * drop)
    d = union(d, ellipsoid(p, below, (0.30, 0.22, 0.305)), 0.18)
    apple = bump(q.x - 0.42, 0.16) * bump(p.y + 0.42 - 0.06 * s.pose.smile, 0.18)
    d = d - (face.cheek_fullness + 0.035 * positive(s.pose.smile)) * apple * step(0.2, 0.5, p.z)
    ridge = bump(q.x - 0.28, 0.26) * bump(p.y - 0.18 - 0.3 * (m.brow_y - 0.215), 0.085)
    d = d - (0.030 + face.brow_ridge) * ridge * step(0.4, 0.7, p.z)
    sockets = ellipsoid(q, (m.eye_x * 0.98, 0.03, 0.90), (0.205, 0.125, 0.155 + face.eye_depth))
    return intersection(d, -sockets, 0.13)


def _nose(p: Points, d: jax.Array, s: Scene) -> jax.Array:
    face, m, q = s.face, s.measures, p.mirrored
    tip = 0.098 * face.nose_tip
    humped = Points(p.x, p.y, p.z - face.nose_hump * bump(p.y - m.nose_y * 0.40, 0.12))
    bridge = 0.072 * face.nose_bridge
    end = (0, m.nose_y + 0.02, m.nose_z - tip)
    nose = cone(humped, (0, 0.11, 0.805), end, bridge, tip * 0.92)
    ball = (0, m.nose_y + 0.035 * face.nose_upturn, m.nose_z - tip + 0.012)
    d = union(d, union(nose, sphere(p, ball, tip), 0.04), 0.13)
    extra = m.nostril_x - 0.112
    wing = (m.nostril_x, m.nose_y - 0.03, 0.925 + 0.5 * face.nose_forward)
    d = union(d, ellipsoid(q, wing, (0.072 + 0.2 * extra, 0.072, 0.095)), 0.045)
    hole = (
        m.nostril_x * 0.60,
        m.nose_y - 0.095 + 0.02 * face.nose_upturn,
        0.97 + 0.55 * face.nose_forward,
    )
    return intersection(d, -ellipsoid(q, hole, (0.036 + 0.15 * extra, 0.030, 0.055)), 0.03)


def head(p: Points, s: Scene, *, detail: bool) -> jax.Array:
    """The skin of head and ears."""
    face, m, q = s.face, s.measures, p.mirrored
    closed = 9.0 * (1 - m.openings)
    front = step(0.4, 0.6, p.z)
    d = _nose(p, _bone(p, s), s)
    d = union(d, length(q.x - m.eye_x, p.y, p.z - m.eye_z) - EYE_RADIUS - 0.022, 0.07)
    lids = eyelids(p.x, p.y, s)
    mouth = lips(p.x, s)
    if detail:
        blink = jnp.where(p.x > 0, s.pose.blink_right, s.pose.blink_left)
        crease = bump(lids.height - lids.crease - 0.045, 0.014) * step(
            1.15, 0.8, jnp.abs(lids.along)
        )
        d = d + 0.016 * face.lid_fold * (1 - 0.7 * blink) * crease * front
        bag = bump(lids.height + 0.135 + 0.02 * lids.along**2, 0.02) * bump(lids.along + 0.1, 0.8)
        d = d + 0.010 * face.age * bag * front
    d = jnp.maximum(d, jnp.minimum(lids.opening * 0.8, p.z - m.eye_z) - closed)
    if detail:
        d = d - 0.016 * brows(p, s)
        d = d - 0.042 * _lip_volume(p, s) * front
        dimple = bump(q.x - m.mouth_half_width - 0.005, 0.035)
        dimple = dimple * bump(p.y - m.mouth_y - m.corner_lift, 0.03)
        d = d + m.openings * 0.014 * dimple * front
        philtrum = bump(p.x, 0.028) * step(0, 0.04, p.y - mouth.top)
        d = d + 0.012 * philtrum * step(-0.08, -0.12, p.y - m.nose_y) * front
        d = d + 0.020 * bump(p.y - (mouth.bottom - 0.055), 0.035) * bump(p.x, 0.2) * front
        depth = 0.005 + 0.011 * positive(s.pose.smile) + 0.012 * face.age
        d = d + depth * nasolabial_fold(p, s) * front
    between = jnp.minimum(mouth.inner_top - p.y, p.y - mouth.inner_bottom)
    between = jnp.minimum(between, mouth.within * 0.08)
    d = jnp.maximum(d, jnp.minimum(between * 0.8, p.z - 0.62) - closed)
    if detail:
        shut = (mouth.within > -0.05) * step(0.3, 0.0, jnp.asarray(s.pose.mouth_open))
        d = d + m.openings * 0.022 * bump(between, 0.012) * shut * front
        chin, upper = beard(p, s)
        d = d - face.beard_volume * jnp.maximum(chin, upper)
    return union(d, _ears(p, s), 0.05)


def _lip_volume(p: Points, s: Scene) -> jax.Array:
    mouth = lips(p.x, s)
    up = (p.y - mouth.inner_top) / (mouth.top - mouth.inner_top + 1e-3)
    down = (mouth.inner_bottom - p.y) / (mouth.inner_bottom - mouth.bottom + 1e-3)
    upper = bump(up - 0.42, 0.50) * s.face.upper_lip * 0.9
    lower = bump(down - 0.45, 0.48) * s.face.lower_lip
    chosen = jnp.where(p.y > 0.5 * (mouth.inner_top + mouth.inner_bottom), upper, lower)
    return chosen * jnp.sqrt(positive(mouth.within) + 1e-5)


def _ears(p: Points, s: Scene) -> jax.Array:
    width, q = s.frame.head_width, p.mirrored
    leant = Points(q.x - 0.20 * (p.z + 0.05), p.y, p.z + 0.12 * (p.y + 0.1))
    size = (0.075, 0.245 * s.frame.ear_size, 0.135)
    outer = ellipsoid(leant, (0.765 * width, -0.10, -0.06), size)
    return intersection(
        outer, -ellipsoid(q, (0.865 * width, -0.07, 0.0), (0.06, 0.15, 0.075)), 0.04
    )


def around(p: Points) -> jax.Array:
    """Angle about the head's vertical axis, 0 in front."""
    return angle(p.x, p.z + 0.2)


def strands(p: Points) -> tuple[jax.Array, jax.Array]:
    """The hair's pattern running down from the crown: locks and single strands, about [-1, 1]."""
    a = around(p)
    sway = noise(7 * a, 3.1 * p.y, 2.0 * p.z)
    locks = wave(15 * a + 2.2 * sway + 1.3 * p.y)
    fine = 0.6 * wave(47 * a + 3 * wave(3 * p.y + 5 * a) + 2 * sway)
    return locks * (0.6 + 0.4 * sway), fine + 0.4 * wave(97 * a + 4 * wave(4 * p.y))


def hair(p: Points, s: Scene, *, detail: bool) -> jax.Array:
    """The hair; short hair thins out towards its edges, a fringe overhangs the forehead."""
    frame, q = s.frame, p.mirrored
    width, volume, long = frame.head_width, frame.hair_volume, frame.hair_length
    thick = 0.085 * volume
    crown = (0.03 * frame.hair_part, 0.31 + 0.07 * frame.hair_top, -0.11)
    top = 0.86 * frame.head_height + thick * 1.1 + 0.08 * frame.hair_top
    d = ellipsoid(p, crown, (0.765 * width + thick, top, 0.95 + thick))
    side_end = (0.74 * width, -0.45 - 1.5 * long, -0.12)
    side = cone(q, (0.66 * width, 0.15, -0.15), side_end, 0.16 * volume + 0.02, 0.17 * volume)
    back = cone(p, (0, 0.1, -0.6), (0, -0.45 - 1.5 * long, -0.62), 0.45, 0.46)
    d = jnp.where(long > 0.02, union(d, union(side, back, 0.25), 0.15), d)
    locks, fine = strands(p) if detail else (jnp.zeros_like(d), jnp.zeros_like(d))
    if detail:
        d = d - volume * (0.022 * locks + 0.010 * fine)
    parting = bump(p.x - 0.34 * frame.hair_part, 0.035) * step(0.6, 0.9, p.y)
    d = d + 0.05 * jnp.abs(frame.hair_part) * parting
    ragged = (0.02 + 0.05 * frame.fringe) * locks + 0.02 * fine
    sweep = 0.16 * frame.hair_part * p.x * step(0.2, 0.6, p.y)
    opening = ellipsoid(
        Points(p.x, p.y - sweep, p.z),
        (0, -0.42, 0.98),
        (0.735 * width - 0.03 * long, 1.13 - frame.hairline - 0.10 * frame.fringe, 0.86),
    )
    nape = (-0.42 - 0.35 * step(0.1, -0.5, p.z)) - p.y + 0.02 * locks
    ear = -ellipsoid(q, (0.80 * width, -0.16, 0.08), (0.24, 0.34, 0.26))
    ends = -0.2 - 1.5 * long + 0.12 * q.x + 0.07 * locks + 0.04 * fine - p.y
    cut = jnp.maximum(ragged - opening, jnp.where(long > 0.02, ends, nape))
    cut = jnp.maximum(cut, jnp.where(long > 0.3, -1.0, ear))
    taper = thick * (1 - 0.7 * frame.fringe) * step(-0.30, -0.02, cut)
    return intersection(d + taper, cut, 0.04)


def body(p: Points, s: Scene) -> jax.Array:
    """Shoulders and chest, in the world's frame."""
    x, y, z = p.x - s.pose.shift_x * 0.8, p.y - s.pose.shift_y, p.z - s.pose.shift_z
    moved = Points(x, y, z)
    chest = ellipsoid(moved, (0, -2.75, -0.30), (1.85, 0.95, 0.72))
    shoulder = cone(moved.mirrored, (0.2, -1.75, -0.35), (1.35, -2.35, -0.35), 0.28, 0.42)
    return union(chest, shoulder, 0.3)


def _neck(p: Points, s: Scene) -> jax.Array:
    r, width = s.measures.rotation, s.frame.neck_width
    shift = (s.pose.shift_x, s.pose.shift_y, s.pose.shift_z)
    local = (0.0 - PIVOT[0], -0.55 - PIVOT[1], -0.12 - PIVOT[2])
    top = [
        r[3 * i] * local[0]
        + r[3 * i + 1] * local[1]
        + r[3 * i + 2] * local[2]
        + PIVOT[i]
        + shift[i]
        for i in range(3)
    ]
    root = (shift[0] * 0.8, -2.05 + shift[1], -0.28 + shift[2])
    return cone(p, (top[0], top[1], top[2]), root, 0.42 * width, 0.50 * width)


def distances(p: Points, s: Scene, *, detail: bool = True) -> list[jax.Array]:
    """Distance of world points to each part, in the order SKIN … BODY.

    Head and neck are one melted surface; the part that a point belongs to is the smaller one, and
    their difference says how far from the seam it is.
    """
    h = to_head(p, s)
    q, m = h.mirrored, s.measures
    skin, neck = head(h, s, detail=detail), _neck(p, s)
    both = union(skin, neck, 0.16)
    teeth = jnp.minimum(
        ellipsoid(h, (0, m.mouth_y + 0.05, 0.52), (0.25, 0.105, 0.325)),
        ellipsoid(h, (0, m.mouth_y - 0.17 - 0.72 * m.jaw_drop, 0.50), (0.22, 0.10, 0.30)),
    )
    tongue = (0, m.mouth_y - 0.13 - 0.75 * m.jaw_drop, 0.52)
    return [
        both + positive(skin - neck),
        both + positive(neck - skin),
        hair(h, s, detail=detail),
        length(q.x - m.eye_x, h.y, h.z - m.eye_z) - EYE_RADIUS,
        teeth,
        ellipsoid(h, tongue, (0.19, 0.11, 0.28)),
        body(p, s),
    ]
