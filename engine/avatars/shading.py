"""Colour of the parts and how light falls on them, in linear RGB."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.avatars.features import beard, brows, eyelids, lips, nasolabial_fold
from engine.avatars.fields import Points, angle, bump, length, noise, positive, step, wave
from engine.avatars.parameters import Scene
from engine.avatars.shapes import BODY, EYE_RADIUS, HAIR, NECK, SKIN, around, strands, to_head

Rgb = list[jax.Array]
_IRIS = 0.47  # of the eyeball's radius
# skin, neck, hair, eyes, teeth, tongue, body
_SPECULAR = (0.0, 0.18, 0.30, 1.2, 0.5, 0.3, 0.02)
_GLOSS = (22.0, 22.0, 16.0, 140.0, 40.0, 20.0, 8.0)


class Surface(NamedTuple):
    """What the rays have met, float32 [N] each, parts [7, N]."""

    points: Points
    view: Points
    normal: Points
    lit: jax.Array  # 0 in shadow, 1 in the light
    occlusion: jax.Array  # 1 in the open
    parts: jax.Array  # distances to the parts


def _mixed(colour: Rgb, other: Sequence[jax.Array | float], weight: jax.Array) -> Rgb:
    return [a + (b - a) * weight for a, b in zip(colour, other, strict=True)]


def _scaled(colour: Rgb, *loss: jax.Array) -> Rgb:
    """The colour with a share taken away, one for all channels or one each."""
    each = loss * 3 if len(loss) == 1 else loss
    return [c * (1 - k) for c, k in zip(colour, each, strict=True)]


def _complexion(h: Points, parts: jax.Array, s: Scene) -> Rgb:
    """Bare skin: the face's tone blending into the frame's towards ears and neck."""
    face, m, ax = s.face, s.measures, jnp.abs(h.x)
    own = step(-0.06, 0.16, h.z) * step(-0.10, 0.14, parts[NECK] - parts[SKIN])
    skin = [b + (a - b) * own for a, b in zip(face.skin, s.frame.skin, strict=True)]
    cheeks = 0.8 * bump(ax - 0.40, 0.20) * bump(h.y + 0.30, 0.17)
    tip = 0.8 * bump(h.x, 0.14) * bump(h.y - m.nose_y, 0.13)
    red = face.blush * (cheeks + tip + 0.7 * step(0.72, 0.8, ax)) * step(-0.3, 0.1, h.z)
    skin = _scaled(skin, -0.03 * red, 0.16 * red, 0.15 * red)
    mottle = 0.6 * noise(14 * h.x, 14 * h.y, 14 * h.z) + 0.4 * noise(37 * h.x, 37 * h.y, 37 * h.z)
    skin = _scaled(skin, 0.025 * mottle, 0.04 * mottle, 0.04 * mottle)
    spots = step(0.45, 0.8, noise(60 * h.x + 3, 63 * h.y, 58 * h.z))
    spots = face.freckles * spots * bump(h.y + 0.2, 0.25) * bump(ax - 0.25, 0.35)
    return _scaled(skin, 0.30 * spots, 0.45 * spots, 0.55 * spots)


def _eye_region(skin: Rgb, h: Points, s: Scene, front: jax.Array) -> tuple[Rgb, jax.Array]:
    """Lids, make-up, bags and lashes painted over the skin; and the lashes' weight."""
    face, lids = s.face, eyelids(h.x, h.y, s)
    beside = jnp.abs(lids.along)
    orbit = bump(0.75 * lids.along, 1.0) * bump(lids.height - 0.02, 0.12) * front
    skin = _scaled(skin, 0.14 * orbit, 0.19 * orbit, 0.16 * orbit)
    above = lids.height - lids.upper
    shadow = face.makeup * step(1.25, 0.9, beside) * step(0, 0.02, above) * step(0.11, 0.03, above)
    tone = (face.skin[0] + face.skin[1] + face.skin[2]) / 3
    skin = _mixed(skin, (tone * 0.45, tone * 0.30, tone * 0.35), 0.6 * shadow * front)
    crease = bump(lids.height - lids.crease - 0.048, 0.012) * step(1.25, 0.9, beside)
    skin = _scaled(skin, 0.25 * crease * face.lid_fold * front)
    bag = bump(lids.height + 0.11 + 0.02 * lids.along**2, 0.03) * bump(lids.along + 0.15, 0.7)
    bag = bag * front * (0.3 + 0.7 * face.age)
    skin = _scaled(skin, 0.10 * bag, 0.14 * bag, 0.12 * bag)
    upper = bump(above - 0.004, 0.015 + 0.006 * face.lashes) * (0.55 + 0.45 * face.lashes)
    lashes = upper + 0.35 * bump(lids.height - lids.lower + 0.002, 0.009)
    lashes = jnp.clip(lashes * step(1.12, 0.98, beside) * front, 0, 1)
    return _mixed(skin, (0.035, 0.025, 0.02), 0.92 * lashes), lashes


def _mouth_region(
    skin: Rgb, h: Points, s: Scene, front: jax.Array
) -> tuple[Rgb, jax.Array, jax.Array]:
    """Lips, the line between them and the dark within; and the weights of lips and dark."""
    mouth = lips(h.x, s)
    red = step(-0.008, 0.012, jnp.minimum(mouth.top - h.y, h.y - mouth.bottom))
    red = red * step(-0.02, 0.06, mouth.within) * front
    texture = 1 + 0.05 * wave(120 * h.x + 2 * wave(37 * h.x))
    skin = _mixed(skin, [c * texture for c in s.face.lip], 0.9 * red)
    between = jnp.minimum(mouth.inner_top - h.y, h.y - mouth.inner_bottom)
    line = bump(between, 0.010) * step(-0.06, 0.06, mouth.within) * front
    line = line * step(0.5, 0.1, jnp.asarray(s.pose.mouth_open))
    skin = _mixed(skin, (0.13, 0.05, 0.05), 0.8 * line)
    inside = step(0.0, 0.02, between) * step(0.93, 0.84, h.z) * front
    return _mixed(skin, (0.10, 0.025, 0.025), inside), red, inside


def _skin(h: Points, parts: jax.Array, s: Scene) -> tuple[Rgb, jax.Array]:
    """Colour and specular strength of head and neck."""
    face, pose, m, ax = s.face, s.pose, s.measures, jnp.abs(h.x)
    front = step(0.35, 0.55, h.z)
    skin, lashes = _eye_region(_complexion(h, parts, s), h, s, front)
    brow = brows(h, s)
    hairs = 0.82 + 0.18 * wave(
        95 * (0.9 * ax + 0.8 * (h.y - m.brow_y)) + 2 * noise(30 * h.x, 30 * h.y, jnp.ones_like(ax))
    )
    skin = _mixed(skin, face.brow_colour, jnp.clip(brow * hairs * face.brow_density, 0, 1))
    skin, red, inside = _mouth_region(skin, h, s, front)
    extra = m.nostril_x - 0.112
    nostril = bump(ax - 0.60 * m.nostril_x, 0.032 + 0.1 * extra)
    nostril = nostril * bump(h.y - (m.nose_y - 0.088), 0.022) * step(0.85, 0.9, h.z)
    skin = _mixed(skin, (0.10, 0.04, 0.035), 0.8 * jnp.clip(nostril, 0, 1))
    fold = (0.05 + 0.10 * positive(pose.smile) + 0.16 * face.age) * nasolabial_fold(h, s)
    furrow = bump(wave(42 * (h.y - 0.5 * (m.brow_y - 0.215)) + 0.8 * wave(3 * h.x)), 0.25)
    furrow = furrow * bump(h.y - 0.48, 0.14) * bump(h.x, 0.4)
    wrinkles = (0.10 * face.age + 0.14 * positive(pose.brow_raise)) * furrow
    skin = _scaled(skin, (fold + wrinkles) * front)
    chin, upper = beard(h, s)
    hairy = jnp.maximum(chin * face.beard, upper * face.moustache)
    grain = noise(150 * h.x, 60 * h.y, 150 * h.z)
    hairy = jnp.clip(hairy * (0.85 + 0.30 * grain), 0, 0.96)
    skin = _mixed(skin, [c * (1 + 0.35 * grain) for c in face.beard_colour], hairy)
    specular = 0.28 * (1 - 0.8 * brow) * (1 - 0.8 * hairy) + 0.35 * red
    specular = specular + 0.15 * bump(h.x, 0.2) * step(-0.5, -0.3, h.y) * front
    return skin, specular * (1 - inside) * (1 - lashes)


def _eyeball(h: Points, s: Scene) -> Rgb:
    m, pose = s.measures, s.pose
    side = jnp.where(h.x > 0, 1.0, -1.0)
    x, y = (h.x - side * m.eye_x) / EYE_RADIUS, h.y / EYE_RADIUS
    dx = x - jnp.sin(jnp.radians(pose.gaze_x)) + 0.02 * side
    dy = y - jnp.sin(jnp.radians(pose.gaze_y))
    r = length(dx, dy)
    rays = 0.8 + 0.14 * wave(31 * angle(dy, dx) + 3 * wave(9 * r)) + 0.32 * r
    ring = 1.5 * rays * (1 - 0.75 * step(_IRIS * 0.78, _IRIS, r))
    edge = step(_IRIS * 1.03, _IRIS * 0.93, r)
    rim = 0.05 * step(0.6, 1.1, jnp.abs(x))
    lids = eyelids(h.x, h.y, s)
    light = (1 - 0.97 * step(0.20, 0.16, r)) * (
        0.45 + 0.55 * step(-0.005, 0.045, lids.upper - lids.height)
    )
    white = (0.80, 0.74, 0.71)
    return [
        ((w - rim) + (i * ring - (w - rim)) * edge) * light
        for i, w in zip(s.face.iris, white, strict=True)
    ]


def _hair(h: Points, s: Scene) -> Rgb:
    locks, fine = strands(h)
    thin = wave(211 * around(h) + 2 * h.y)
    tone = 1 + 0.22 * locks + 0.26 * fine + 0.12 * thin
    return [c * tone for c in s.frame.hair_colour]


def _select(part: jax.Array, values: Sequence[jax.Array | float]) -> jax.Array:
    choices = [jnp.broadcast_to(jnp.asarray(v), part.shape) for v in values]
    return jnp.select([part == i for i in range(len(choices))], choices)


def shade(surface: Surface, s: Scene) -> Rgb:
    """Linear light towards the camera, red, green and blue, float32 [N] each, about [0, 1.5]."""
    p, parts = surface.points, surface.parts
    part = jnp.argmin(parts, 0)
    h = to_head(p, s)
    skin, specular = _skin(h, parts, s)
    hair, eye = _hair(h, s), _eyeball(h, s)
    # Roots seen through: the skin takes the hair's colour where the hair is about to begin.
    roots = step(0.075, -0.01, parts[HAIR] + 0.03 * noise(70 * h.x, 14 * h.y, 70 * h.z))
    skin = _mixed(skin, hair, 0.8 * roots * step(0.25, 0.45, h.y + 0.5 * jnp.abs(h.x)))
    gaps = (1 - 0.25 * bump(wave(40 * h.x), 0.25)) * step(0.62, 0.84, h.z)
    cloth = 1 + 0.10 * noise(5 * p.x, 4 * p.y, 5 * p.z)
    albedo = [
        _select(part, (skin[c], skin[c], hair[c], eye[c], t * gaps, g, cloth * s.frame.shirt[c]))
        for c, (t, g) in enumerate(zip((0.84, 0.80, 0.72), (0.55, 0.22, 0.22), strict=True))
    ]
    specular = _select(part, (specular, *_SPECULAR[1:]))
    gloss = _select(part, _GLOSS)
    return _lit(surface, s, albedo, specular, gloss, (part == SKIN) | (part == NECK))


def _lit(
    surface: Surface,
    s: Scene,
    albedo: Rgb,
    specular: jax.Array,
    gloss: jax.Array,
    skin: jax.Array,
) -> Rgb:
    n, view, shadow = surface.normal, surface.view, surface.lit
    lx, ly, lz = s.measures.light
    facing = n.x * lx + n.y * ly + n.z * lz
    half = Points(lx - view.x, ly - view.y, lz - view.z)
    shine = positive((n.x * half.x + n.y * half.y + n.z * half.z) / length(*half)) ** gloss
    grazing = (1 - positive(-(n.x * view.x + n.y * view.y + n.z * view.z))) ** 4
    sky, fill = 0.5 + 0.5 * n.y, positive(-0.6 * n.x * lx + 0.8 * n.z)
    # Light bleeds round skin, red furthest.
    wrap = jnp.where(skin, 0.22, 0.05)
    out = []
    for c, (sun, air, bleed) in enumerate(
        zip((1.0, 0.96, 0.90), (0.92, 0.96, 1.05), (1.0, 0.55, 0.45), strict=True)
    ):
        w = wrap * bleed
        diffuse = positive((facing + w) / (1 + w))
        diffuse = diffuse * (shadow + (1 - shadow) * jnp.where(skin, 0.10 * bleed, 0.0))
        ambient = s.pose.ambient * surface.occlusion * 0.16 * (air + sky + fill)
        value = albedo[c] * (1.02 * sun * s.pose.light * diffuse + ambient)
        value = value + specular * s.pose.light * shine * shadow * 0.35 * sun
        out.append(value + specular * grazing * 0.10 * surface.occlusion)
    return out


def is_face(points: Points, parts: jax.Array, s: Scene) -> jax.Array:
    """Whether each point belongs to the face: skin in front of the ears, eyes, teeth, tongue."""
    part = jnp.argmin(parts, 0)
    visible = (part != HAIR) & (part != BODY) & (part != NECK)
    return visible & (to_head(points, s).z > 0.1)
