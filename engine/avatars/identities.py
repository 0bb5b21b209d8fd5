"""Who a synthetic person is: the face that a swap carries over and the frame that stays.

Lengths are in decimetres or as factors of the average (1.0); colours are linear RGB in [0, 1].
"""

from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np

Colour = tuple[float, float, float]
Part = TypeVar("Part", "FacePart", "FramePart")


@dataclass(frozen=True)
class FacePart:
    """Everything that a face swap takes from the source."""

    skin: Colour = (0.80, 0.58, 0.46)
    lip: Colour = (0.66, 0.33, 0.32)
    iris: Colour = (0.30, 0.20, 0.12)
    brow_colour: Colour = (0.12, 0.08, 0.05)
    beard_colour: Colour = (0.12, 0.08, 0.05)
    face_width: float = 1.0
    face_length: float = 1.0
    jaw_width: float = 1.0
    chin_width: float = 1.0
    chin_forward: float = 0.0
    chin_height: float = 0.0
    cheekbone: float = 0.0
    cheek_fullness: float = 0.0
    brow_ridge: float = 0.0
    eye_spacing: float = 1.0
    eye_width: float = 1.0
    eye_height: float = 1.0
    eye_tilt: float = 0.0
    eye_depth: float = 0.0
    lid_fold: float = 1.0
    brow_thickness: float = 1.0
    brow_arch: float = 0.5
    brow_height: float = 0.0
    brow_tilt: float = 0.0
    brow_density: float = 0.85
    nose_length: float = 1.0
    nose_width: float = 1.0
    nose_forward: float = 0.0
    nose_bridge: float = 1.0
    nose_tip: float = 1.0
    nose_upturn: float = 0.0
    nose_hump: float = 0.0
    mouth_width: float = 1.0
    mouth_height: float = 0.0
    upper_lip: float = 1.0
    lower_lip: float = 1.0
    age: float = 0.2
    blush: float = 0.5
    freckles: float = 0.0
    lashes: float = 0.6
    beard: float = 0.0
    moustache: float = 0.0
    beard_volume: float = 0.0
    makeup: float = 0.0


@dataclass(frozen=True)
class FramePart:
    """Everything that a face swap leaves as it is in the target's footage."""

    skin: Colour = (0.80, 0.58, 0.46)  # neck and ears
    hair_colour: Colour = (0.10, 0.065, 0.04)
    shirt: Colour = (0.20, 0.26, 0.38)
    head_width: float = 1.0
    head_height: float = 1.0
    hair_volume: float = 1.0
    hairline: float = 0.0  # lowers the edge above the forehead
    hair_length: float = 0.0  # 0 short, 1 over the shoulders
    hair_top: float = 0.0
    hair_part: float = 0.0  # side on which the hair is parted, in [-1, 1]
    fringe: float = 0.0  # 0 combed back from the hairline, 1 locks over the forehead
    neck_width: float = 1.0
    ear_size: float = 1.0
    backdrop: float = 1.0  # seed of the picture behind the person


@dataclass(frozen=True)
class Identity:
    """A synthetic person: a face inside a frame."""

    face: FacePart
    frame: FramePart


def swap(target: Identity, source: Identity) -> Identity:
    """The exact answer of a face swap: the source's face in the target's frame."""
    return replace(target, face=source.face)


_ANNA = Identity(
    FacePart(
        skin=(0.85, 0.65, 0.55),
        lip=(0.74, 0.40, 0.38),
        iris=(0.22, 0.36, 0.46),
        brow_colour=(0.10, 0.06, 0.035),
        face_width=0.98,
        face_length=0.95,
        jaw_width=0.84,
        chin_width=0.80,
        cheek_fullness=0.015,
        brow_ridge=-0.02,
        eye_width=1.06,
        eye_height=1.04,
        eye_tilt=0.10,
        brow_thickness=1.25,
        lid_fold=0.5,
        brow_arch=0.7,
        brow_height=-0.03,
        nose_length=0.92,
        nose_width=0.85,
        nose_forward=-0.04,
        nose_tip=0.88,
        upper_lip=1.0,
        lower_lip=1.0,
        age=0.0,
        blush=0.7,
        lashes=1.0,
        makeup=0.1,
    ),
    FramePart(
        skin=(0.85, 0.65, 0.55),
        hair_colour=(0.40, 0.25, 0.11),
        shirt=(0.42, 0.13, 0.17),
        head_width=0.97,
        hair_volume=1.1,
        hairline=-0.02,
        hair_length=0.75,
        hair_part=0.5,
        fringe=0.25,
        neck_width=0.82,
        backdrop=1,
    ),
)

_BRUNO = Identity(
    FacePart(
        skin=(0.74, 0.52, 0.39),
        lip=(0.54, 0.30, 0.26),
        iris=(0.20, 0.12, 0.06),
        brow_colour=(0.05, 0.035, 0.025),
        beard_colour=(0.06, 0.045, 0.038),
        face_width=1.08,
        face_length=1.06,
        jaw_width=1.20,
        chin_width=1.42,
        chin_forward=0.05,
        brow_ridge=0.03,
        eye_spacing=0.96,
        eye_width=0.95,
        eye_height=0.84,
        eye_depth=0.015,
        brow_thickness=1.5,
        brow_arch=0.15,
        brow_height=-0.03,
        nose_length=1.12,
        nose_width=1.25,
        nose_forward=0.06,
        nose_bridge=1.2,
        nose_hump=0.035,
        mouth_width=1.12,
        upper_lip=0.70,
        lower_lip=0.85,
        age=0.4,
        beard=0.30,
        moustache=0.22,
        beard_volume=0.004,
    ),
    FramePart(
        skin=(0.74, 0.52, 0.39),
        hair_colour=(0.05, 0.036, 0.028),
        shirt=(0.10, 0.13, 0.17),
        head_width=1.02,
        hair_volume=0.6,
        hairline=-0.03,
        hair_top=0.8,
        hair_part=-0.4,
        neck_width=1.12,
        backdrop=2,
    ),
)

_CHIDI = Identity(
    FacePart(
        skin=(0.36, 0.215, 0.15),
        lip=(0.36, 0.17, 0.16),
        iris=(0.10, 0.06, 0.04),
        brow_colour=(0.02, 0.015, 0.012),
        face_width=1.04,
        jaw_width=1.05,
        chin_width=1.1,
        cheekbone=0.04,
        eye_spacing=1.08,
        eye_height=1.08,
        brow_thickness=1.15,
        brow_arch=0.6,
        nose_length=0.97,
        nose_width=1.5,
        nose_forward=-0.05,
        nose_bridge=1.45,
        nose_tip=1.2,
        mouth_width=1.12,
        upper_lip=1.5,
        lower_lip=1.4,
        age=0.1,
        blush=0.2,
    ),
    FramePart(
        skin=(0.36, 0.215, 0.15),
        hair_colour=(0.018, 0.015, 0.014),
        shirt=(0.60, 0.50, 0.15),
        hair_volume=0.55,
        hairline=0.02,
        neck_width=1.05,
        backdrop=3,
    ),
)

_DORA = Identity(
    FacePart(
        skin=(0.84, 0.66, 0.57),
        lip=(0.60, 0.34, 0.33),
        iris=(0.30, 0.38, 0.28),
        brow_colour=(0.45, 0.42, 0.40),
        face_width=1.05,
        jaw_width=1.08,
        cheek_fullness=0.035,
        eye_width=0.92,
        eye_height=0.8,
        eye_tilt=-0.2,
        lid_fold=1.4,
        brow_thickness=0.7,
        brow_arch=0.7,
        nose_length=1.08,
        nose_width=1.1,
        nose_tip=1.12,
        mouth_width=0.95,
        upper_lip=0.5,
        lower_lip=0.6,
        age=1.0,
    ),
    FramePart(
        skin=(0.84, 0.66, 0.57),
        hair_colour=(0.62, 0.60, 0.58),
        shirt=(0.22, 0.35, 0.25),
        hair_volume=1.25,
        hairline=0.04,
        hair_length=0.25,
        fringe=0.3,
        backdrop=4,
    ),
)

_EMIL = Identity(
    FacePart(
        skin=(0.82, 0.60, 0.48),
        lip=(0.62, 0.36, 0.34),
        iris=(0.25, 0.35, 0.45),
        brow_colour=(0.36, 0.16, 0.06),
        face_width=0.93,
        face_length=1.08,
        jaw_width=0.92,
        chin_width=0.85,
        chin_forward=-0.02,
        eye_spacing=0.92,
        eye_height=0.95,
        brow_thickness=0.95,
        brow_arch=0.2,
        nose_length=1.02,
        nose_width=0.9,
        nose_forward=0.05,
        nose_upturn=0.8,
        mouth_width=0.9,
        upper_lip=0.8,
        lower_lip=0.95,
        freckles=0.8,
    ),
    FramePart(
        skin=(0.82, 0.60, 0.48),
        hair_colour=(0.48, 0.19, 0.06),
        shirt=(0.25, 0.25, 0.28),
        head_width=0.95,
        hair_top=0.6,
        hair_part=0.3,
        fringe=0.6,
        backdrop=5,
    ),
)

_FUMI = Identity(
    FacePart(
        skin=(0.83, 0.63, 0.47),
        lip=(0.66, 0.35, 0.33),
        iris=(0.07, 0.045, 0.03),
        brow_colour=(0.06, 0.05, 0.045),
        face_width=1.07,
        face_length=0.96,
        jaw_width=0.98,
        chin_width=0.9,
        cheekbone=0.03,
        cheek_fullness=0.02,
        brow_ridge=-0.03,
        eye_spacing=1.05,
        eye_width=1.02,
        eye_height=0.78,
        eye_tilt=0.2,
        lid_fold=0.3,
        brow_thickness=0.9,
        brow_arch=0.35,
        nose_length=0.9,
        nose_width=1.02,
        nose_forward=-0.07,
        nose_bridge=1.1,
        mouth_width=0.92,
        upper_lip=1.05,
        lower_lip=1.1,
        age=0.0,
        lashes=0.8,
    ),
    FramePart(
        skin=(0.83, 0.63, 0.47),
        hair_colour=(0.022, 0.02, 0.022),
        shirt=(0.70, 0.70, 0.72),
        hairline=-0.05,
        hair_length=0.55,
        fringe=0.9,
        backdrop=6,
    ),
)

PEOPLE: dict[str, Identity] = {
    "anna": _ANNA,
    "bruno": _BRUNO,
    "chidi": _CHIDI,
    "dora": _DORA,
    "emil": _EMIL,
    "fumi": _FUMI,
}


def _mixed(first: Part, second: Part, weight: float) -> Part:
    values: dict[str, Any] = {}
    for field in fields(first):
        pair = np.array([getattr(first, field.name), getattr(second, field.name)], float)
        mixed = (1 - weight) * pair[0] + weight * pair[1]
        values[field.name] = tuple(mixed.tolist()) if mixed.ndim else float(mixed)
    return replace(first, **values)


def random_identity(seed: int) -> Identity:
    """A person somewhere between two of PEOPLE; the same seed gives the same person."""
    rng = np.random.default_rng(seed)
    first, second = (PEOPLE[name] for name in rng.choice(sorted(PEOPLE), 2, replace=False))
    weight = float(rng.uniform())
    frame = replace(_mixed(first.frame, second.frame, weight), backdrop=float(seed % 1000 + 7))
    return Identity(_mixed(first.face, second.face, weight), frame)
