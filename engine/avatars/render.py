"""Pictures of synthetic people by sphere tracing.

After Hart, "Sphere Tracing" (1996). Rays are advanced on the host and only those still on their
way are evaluated; the distances and the shading are JAX kernels of one fixed size, so that one
short compilation serves every picture size. Everything runs on the CPU: the same call gives the
same picture whatever accelerator is there.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial, reduce
from typing import Any

import cv2
import jax
import jax.numpy as jnp
import numpy as np

from engine.avatars.fields import Points
from engine.avatars.identities import Identity
from engine.avatars.parameters import (
    CAMERA_DISTANCE,
    CAMERA_HEIGHT,
    FOCAL_LENGTH,
    Pose,
    pack,
    scene,
    unpack,
)
from engine.avatars.shading import Surface, is_face, shade
from engine.avatars.shapes import DETAIL_MARGIN, distances

Array = np.ndarray[Any, np.dtype[Any]]
CHUNK = 8192
NEAR, FAR = CAMERA_DISTANCE - 2.0, CAMERA_DISTANCE + 2.2
_SUBPIXELS = np.array([[-0.35, -0.20], [0.35, -0.15], [0.0, 0.40]], np.float32)[..., None]
SENSOR_NOISE = 0.0035
ORIGIN = np.array([[0.0], [CAMERA_HEIGHT], [CAMERA_DISTANCE]], np.float32)
_NORMAL_TAPS = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], np.float32)


@dataclass(frozen=True)
class Rendered:
    """A picture and what is known about it."""

    rgb: Array  # uint8 [H, W, 3], RGB
    face: Array  # uint8 [H, W], share of each pixel that shows the face, 0 … 255
    person: Array  # uint8 [H, W], share of each pixel that shows the person


def _points(rows: jax.Array) -> Points:
    return Points(rows[0], rows[1], rows[2])


def _nearest(rows: jax.Array, vector: jax.Array, detail: bool) -> list[jax.Array]:
    return [reduce(jnp.minimum, distances(_points(rows), unpack(vector), detail=detail))]


def _parts(rows: jax.Array, vector: jax.Array) -> list[jax.Array]:
    return distances(_points(rows), unpack(vector))


def _shaded(rows: jax.Array, vector: jax.Array) -> list[jax.Array]:
    s = unpack(vector)
    points, parts = _points(rows), rows[11:]
    surface = Surface(points, _points(rows[3:]), _points(rows[6:]), rows[9], rows[10], parts)
    return [*shade(surface, s), is_face(points, parts, s).astype(jnp.float32)]


# Rows come out one by one because a kernel that stacks them is not vectorised by XLA:CPU.
_Traced = Callable[[jax.Array, jax.Array], list[jax.Array]]
_Kernel = Callable[[Array, Array], list[jax.Array]]


@cache
def _kernels() -> dict[str, _Kernel]:
    cpu = jax.local_devices(backend="cpu")[0]

    def on_cpu(function: _Traced) -> _Kernel:
        compiled: _Traced = jax.jit(function)

        def call(rows: Array, vector: Array) -> list[jax.Array]:
            return compiled(jax.device_put(rows, cpu), jax.device_put(vector, cpu))

        return call

    return {
        "bare": on_cpu(partial(_nearest, detail=False)),
        "detailed": on_cpu(partial(_nearest, detail=True)),
        "parts": on_cpu(_parts),
        "shade": on_cpu(_shaded),
    }


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1)


def evaluate(kernel: str, rows: Array, vector: Array) -> Array:
    """A kernel over any number of columns: float32 [A, N] -> float32 [B, N]."""
    function, count = _kernels()[kernel], rows.shape[1]
    starts = range(0, count, CHUNK)

    def chunk(start: int) -> Array:
        part = rows[:, start : start + CHUNK]
        missing = CHUNK - part.shape[1]
        padded = np.pad(part, ((0, 0), (0, missing)), mode="edge") if missing else part
        return np.stack(function(np.ascontiguousarray(padded, np.float32), vector))

    done = list(_pool().map(chunk, starts)) if len(starts) > 1 else [chunk(s) for s in starts]
    return np.concatenate(done, 1)[:, :count]


@dataclass(frozen=True)
class _View:
    """One frame to be rendered."""

    size: tuple[int, int]
    vector: Array  # float32 [P], the packed scene
    light: Array  # float32 [3, 1], towards the light

    @property
    def pixel(self) -> float:
        """A pixel's side at distance one."""
        return 1 / (FOCAL_LENGTH * self.size[1])


def _directions(pixels: Array, size: tuple[int, int]) -> Array:
    """Unit rays through pixel positions float [2, N] (centres at integers): float32 [3, N]."""
    width, height = size
    focal = FOCAL_LENGTH * height
    x = (pixels[0] + 0.5 - width / 2) / focal
    y = -(pixels[1] + 0.5 - height / 2) / focal
    rays = np.stack([x, y, -np.ones_like(x)])
    return np.asarray(rays / np.sqrt((rays**2).sum(0)), np.float32)


def _at(rays: Array, travelled: Array) -> Array:
    """World points on rays, float32 [3, N]."""
    return np.asarray(ORIGIN + rays * travelled)


def _safe_start(view: _View) -> Array:
    """How far the rays of every pixel may be skipped, float32 [H, W]; FAR where nothing is met."""
    width, height = view.size
    block = max(2, round(height / 60))
    rows, columns = -(-height // block), -(-width // block)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) * block + (block - 1) / 2
    rays = _directions(np.stack([x.ravel(), y.ravel()]), view.size)
    travelled = np.full(x.size, NEAR, np.float32)
    active = np.arange(x.size)
    for _ in range(40):
        d = evaluate("bare", _at(rays[:, active], travelled[active]), view.vector)[0]
        # A block's corner is 0.71 blocks from its middle.
        free = d - DETAIL_MARGIN - travelled[active] * 0.75 * block * view.pixel
        active, free = active[free > 0], free[free > 0]
        travelled[active] += free * 0.9 + 1e-3
        active = active[travelled[active] < FAR]
        if not active.size:
            break
    blocks = travelled.reshape(rows, columns)
    return blocks.repeat(block, 0).repeat(block, 1)[:height, :width]


def _march(rays: Array, start: Array, view: _View, *, bare_steps: int) -> tuple[Array, Array]:
    """Distances travelled float32 [N], and the sorted indices of the rays that met something."""
    travelled = start.astype(np.float32)
    active = np.flatnonzero(travelled < FAR)
    close = [np.empty(0, np.int64)]
    for _ in range(bare_steps):
        d = evaluate("bare", _at(rays[:, active], travelled[active]), view.vector)[0]
        near = d < DETAIL_MARGIN
        close.append(active[near])
        active, d = active[~near], d[~near]
        travelled[active] += d - 0.8 * DETAIL_MARGIN
        active = active[travelled[active] < FAR]
        if not active.size:
            break
    active = np.sort(np.concatenate([*close, active]))
    met = [np.empty(0, np.int64)]
    for i in range(40):
        if not active.size:
            break
        d = evaluate("detailed", _at(rays[:, active], travelled[active]), view.vector)[0]
        # Rays that graze a surface for long are taken to touch it.
        pixels = 0.4 if i < 16 else 1.0 if i < 39 else 3.0
        near = d < travelled[active] * view.pixel * pixels
        travelled[active] += d * 0.95
        met.append(active[near])
        active = active[~near & (travelled[active] < FAR)]
    return travelled, np.sort(np.concatenate(met))


def _light_reaching(points: Array, facing: Array, view: _View) -> Array:
    """How much of the light reaches each point, float32 [N] in [0, 1]; shadows have soft edges."""
    lit = facing.astype(np.float32)
    active = np.flatnonzero(facing)
    travelled = np.full(points.shape[1], 0.03, np.float32)
    for _ in range(11):
        if not active.size:
            break
        along = points[:, active] + view.light * travelled[active]
        d = evaluate("bare", along, view.vector)[0]
        lit[active] = np.minimum(lit[active], (7.0 * d / travelled[active]).clip(0, 1))
        travelled[active] += np.clip(d, 0.025, 0.3)
        active = active[(lit[active] > 0.01) & (travelled[active] < 1.9)]
    return lit * lit * (3 - 2 * lit)


def _appearance(points: Array, rays: Array, view: _View) -> Array:
    """Light [3], face [1] and part [1] of surface points, float32 [5, N]."""
    parts = evaluate("parts", points, view.vector)
    normal = np.zeros_like(points)
    for tap in _NORMAL_TAPS:
        moved = points + 0.006 * tap[:, None]
        normal += tap[:, None] * evaluate("detailed", moved, view.vector)[0]
    normal /= np.sqrt((normal**2).sum(0)) + 1e-9
    facing = (normal * view.light).sum(0) > -0.25
    lit = _light_reaching(points + 0.02 * normal, facing, view)
    occlusion = np.ones(points.shape[1], np.float32)
    for i in range(3):
        height = 0.04 + 0.09 * i
        free = evaluate("bare", points + height * normal, view.vector)[0]
        occlusion -= 1.5 * 0.75**i * (height - free)
    rows = [points, rays, normal, lit[None], occlusion.clip(0.15, 1)[None], parts]
    shaded = evaluate("shade", np.concatenate(rows), view.vector)
    return np.concatenate([shaded, parts.argmin(0)[None]])


def _sample(
    pixels: Array, start: Array, backdrop: Array, view: _View, *, bare_steps: int = 24
) -> tuple[Array, Array]:
    """What is seen at pixel positions: colour [3], face, person and part, float32 [6, N]; depth."""
    rays = _directions(pixels, view.size)
    travelled, met = _march(rays, start, view, bare_steps=bare_steps)
    out = np.zeros((6, pixels.shape[1]), np.float32)
    out[:3], out[5] = backdrop, -1
    if met.size:
        seen = _appearance(_at(rays[:, met], travelled[met]), rays[:, met], view)
        out[:3, met], out[3, met], out[4, met], out[5, met] = seen[:3], seen[3], 1, seen[4]
    depth = np.full(pixels.shape[1], FAR, np.float32)
    depth[met] = travelled[met]
    out[:3] = _developed(out[:3])
    return out, depth


def _developed(light: Array) -> Array:
    """Display values in [0, 1] of linear light, with a soft shoulder."""
    light = np.maximum(light, 0)
    return (light / (1 + 0.12 * light) * 1.10).clip(0, 1) ** (1 / 1.75)


def backdrop(size: tuple[int, int], seed: int) -> Array:
    """An out-of-focus room, linear float32 [H, W, 3]; the same seed gives the same room."""
    width, height = size
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / height
    hue = rng.uniform(0.75, 1.25, 3)
    top, bottom = hue * rng.uniform(0.22, 0.40), hue * rng.uniform(0.12, 0.30)
    blend = (y * rng.uniform(0.5, 1) + x * rng.uniform(-0.3, 0.3))[..., None].clip(0, 1)
    room = top + (bottom - top) * blend
    for _ in range(9):
        cx, cy = rng.uniform(0, width / height), rng.uniform(0, 1)
        w, h = rng.uniform(0.03, 0.25), rng.uniform(0.05, 0.45)
        edge = np.maximum(np.abs(x - cx) - w, np.abs(y - cy) - h)
        weight = 1 / (1 + np.exp(np.clip(edge * rng.uniform(40, 90), -30, 30)))
        tone = rng.uniform(0.06, 0.55) * rng.uniform(0.8, 1.2, 3)
        room = room + (tone - room) * (weight * rng.uniform(0.25, 0.6))[..., None]
    return np.asarray(room, np.float32)


def _rough(picture: Array, part: Array) -> Array:
    """Pixels that need more than one sample: at the edges of parts and of strong contrast."""
    grey = picture.mean(-1)
    kernel = np.ones((3, 3), np.uint8)
    contrast = cv2.dilate(grey, kernel) - cv2.erode(grey, kernel)
    edges = cv2.dilate(part, kernel) != cv2.erode(part, kernel)
    return np.asarray(edges | ((contrast > 0.13) & (part >= 0)))


def render_frame(
    identity: Identity, pose: Pose, size: tuple[int, int] = (480, 360), *, noise_seed: int = 0
) -> Rendered:
    """The picture of a person in a pose; size is (width, height).

    Pixels at edges are the mean of four samples. Two calls with the same arguments give the same
    bytes on one machine.
    """
    width, height = size
    s = scene(identity, pose)
    view = _View(size, pack(s), np.array(s.measures.light, np.float32)[:, None])
    room = backdrop(size, int(identity.frame.backdrop))
    behind = room.reshape(-1, 3).T
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    pixels = np.stack([x.ravel(), y.ravel()])
    seen, depth = _sample(pixels, _safe_start(view).ravel(), behind, view)
    picture = np.ascontiguousarray(seen[:5].T.reshape(height, width, 5))
    part = seen[5].reshape(height, width)

    rough = np.flatnonzero(_rough(picture[..., :3], part))
    if rough.size:
        # A little before the nearest neighbour; only detail is left to be found from there.
        start = cv2.erode(depth.reshape(height, width), np.ones((3, 3), np.uint8)).ravel()[rough]
        start = np.where(start < FAR, start - 0.04, FAR)
        shifts = [
            _sample(pixels[:, rough] + d, start, behind[:, rough], view, bare_steps=0)[0]
            for d in _SUBPIXELS
        ]
        total = np.sum(shifts, 0)[:5].T + picture.reshape(-1, 5)[rough]
        picture.reshape(-1, 5)[rough] = total / (1 + len(_SUBPIXELS))

    image = cv2.GaussianBlur(picture[..., :3], (0, 0), 0.45)
    image = image + np.random.default_rng(noise_seed).normal(0, SENSOR_NOISE, image.shape)
    levels = (np.concatenate([image, picture[..., 3:]], -1).clip(0, 1) * 255 + 0.5).astype(np.uint8)
    return Rendered(
        *(np.ascontiguousarray(a) for a in (levels[..., :3], levels[..., 3], levels[..., 4]))
    )
