"""What one frame is computed from: identity, pose, and the measures derived from both.

Kernels take all of it as one float32 vector, because handing JAX a hundred scalars costs more than
many a kernel. Inside a kernel the same dataclasses come back, their floats then being traced
scalars.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import jax
import numpy as np

from engine.avatars.identities import FacePart, FramePart, Identity

PIVOT = (0.0, -0.85, -0.20)  # the head turns about this point of the neck
CAMERA_DISTANCE = 11.0
CAMERA_HEIGHT = -0.10
FOCAL_LENGTH = 3.35  # in frame heights

T = TypeVar("T")


@dataclass(frozen=True)
class Pose:
    """What a person does in one frame, and the light that falls on them.

    Angles are degrees: yaw > 0 turns to the right of the picture, pitch > 0 looks up, roll > 0 is
    anticlockwise. The light's azimuth > 0 puts it at the right. Expressions are 0 at rest and 1 at
    full; smile and brow_raise go down to about -0.5 (pressed lips, a frown). Left and right are
    the picture's. Shifts are in decimetres: right, up, towards the camera.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    mouth_open: float = 0.0
    smile: float = 0.0
    blink_left: float = 0.0
    blink_right: float = 0.0
    brow_raise: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    light_azimuth: float = -30.0
    light_elevation: float = 30.0
    light: float = 1.0
    ambient: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    shift_z: float = 0.0


@dataclass(frozen=True)
class Measures:
    """Numbers shared by shape, shading and landmarks."""

    jaw_drop: float
    eye_x: float
    eye_z: float
    eye_half_width: float
    eye_half_height: float
    nose_y: float
    nose_z: float
    nostril_x: float
    mouth_y: float
    mouth_half_width: float
    corner_lift: float
    brow_y: float
    rotation: tuple[float, ...]  # head to world, row by row
    light: tuple[float, float, float]  # unit vector towards the light
    openings: float  # 1 cuts eyes and mouth open; 0 closes the skin over them


@dataclass(frozen=True)
class Scene:
    """All of one frame."""

    face: FacePart
    frame: FramePart
    pose: Pose
    measures: Measures


def rotation(pose: Pose) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The head's rotation, float64 [3, 3], head to world: roll, then pitch, then yaw."""
    yaw, pitch, roll = (math.radians(a) for a in (pose.yaw, pose.pitch, pose.roll))
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    cr, sr = math.cos(roll), math.sin(roll)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z, np.float64)


def scene(identity: Identity, pose: Pose, *, openings: bool = True) -> Scene:
    """Identity and pose with their measures; openings=False closes eyes and mouth over."""
    face = identity.face
    smile, opened = pose.smile, pose.mouth_open
    azimuth, elevation = math.radians(pose.light_azimuth), math.radians(pose.light_elevation)
    squint = 1 - 0.14 * max(smile, 0.0)
    measures = Measures(
        jaw_drop=0.27 * opened,
        eye_x=0.325 * face.eye_spacing,
        eye_z=0.665 - face.eye_depth,
        eye_half_width=0.158 * face.eye_width,
        eye_half_height=0.062 * face.eye_height * (1 + 0.12 * pose.brow_raise) * squint,
        nose_y=-0.41 * face.nose_length,
        nose_z=1.055 + face.nose_forward,
        nostril_x=0.112 * face.nose_width,
        mouth_y=-0.70 * face.face_length + face.mouth_height,
        mouth_half_width=0.255 * face.mouth_width * (1 + 0.21 * smile) * (1 - 0.14 * opened),
        corner_lift=0.060 * smile - 0.06 * opened,
        brow_y=0.215 + face.brow_height + 0.06 * pose.brow_raise,
        rotation=tuple(float(v) for v in rotation(pose).ravel()),
        light=(
            math.sin(azimuth) * math.cos(elevation),
            math.sin(elevation),
            math.cos(azimuth) * math.cos(elevation),
        ),
        openings=float(openings),
    )
    return Scene(face, identity.frame, pose, measures)


def pack(scene: Scene) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The scene's numbers in the order of its fields, float32 [P]."""
    return np.array(list(_flat(scene)), np.float32)


def unpack(vector: jax.Array) -> Scene:
    """The inverse of pack, inside a kernel."""
    return _rebuilt(Scene, iter(vector))


def _flat(value: Any) -> Iterator[float]:
    if isinstance(value, tuple):
        yield from value
    elif isinstance(value, (int, float)):
        yield float(value)
    else:
        for field in fields(value):
            yield from _flat(getattr(value, field.name))


_LENGTHS = {"rotation": 9}
_COLOURS = {"skin", "lip", "iris", "brow_colour", "beard_colour", "hair_colour", "shirt"}
_PARTS = {"face": FacePart, "frame": FramePart, "pose": Pose, "measures": Measures}


def _rebuilt(kind: type[T], values: Iterator[jax.Array]) -> T:
    arguments: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]
        if kind is Scene:
            arguments[field.name] = _rebuilt(_PARTS[field.name], values)
        elif field.name in _COLOURS or (kind is Measures and field.name in ("rotation", "light")):
            length = _LENGTHS.get(field.name, 3)
            arguments[field.name] = tuple(next(values) for _ in range(length))
        else:
            arguments[field.name] = next(values)
    return kind(**arguments)
