"""A training small enough for tests: tiny networks on chips of noise and blobs."""

from dataclasses import replace

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.faces.align import CROP_MARGIN, CROP_SIZE, fit_transform
from engine.faces.template import TEMPLATE
from engine.nets.light import LightConfig, LightDecoder, LightEncoder
from engine.nets.presets import Preset
from engine.training.model import Model, build
from engine.training.settings import Augmentation, TrainSettings, settings_for
from engine.training.step import Pixels, State, Step, compile_first_state, compile_step, make_step
from projects.faces import Face, FaceIndex
from projects.people import Person
from projects.swaps import Swap, new_swap

TINY = LightConfig(size=32, encoder=(8, 8, 8), code=16, decoder=(8, 8, 8, 8))
STILL = Augmentation(
    rotate=0.0, zoom=0.0, shift=0.0, flip=0.0, warp=0.0, gain=0.0, gamma=0.0, tint=0.0
)
"""Chips as they are."""


@pytest.fixture(scope="session", name="preset")
def preset_fixture() -> Preset:
    return tiny()


def tiny() -> Preset:
    """A preset of the smallest networks."""
    return Preset(
        "tiny",
        TINY.size,
        lambda rngs: LightEncoder(TINY, rngs=rngs),
        lambda rngs: LightDecoder(TINY, rngs=rngs),
    )


@pytest.fixture(scope="session")
def settings() -> TrainSettings:
    return replace(settings_for("light-64", seed=3), batch=4)


@pytest.fixture(scope="session")
def model(preset: Preset) -> Model:
    return build(preset)


@pytest.fixture(scope="session")
def first(preset: Preset, settings: TrainSettings) -> State:
    """The state before training."""
    return compile_first_state(preset, settings)


@pytest.fixture
def state(first: State) -> State:
    """A copy of `first` that a step may consume."""
    return copy(first)


def copy(state: State) -> State:
    return jax.tree.map(jnp.copy, state)


@pytest.fixture(scope="session")
def pixels() -> Pixels:
    """Six crops a person: a bright disc that moves, its mask, and a spot for the features."""
    return {"source": _crops(0, (200, 120, 90)), "target": _crops(1, (90, 120, 200))}


@pytest.fixture(scope="session")
def advance(model: Model, first: State, settings: TrainSettings, pixels: Pixels) -> Step:
    """One compiled step. It consumes the state that it is given."""
    return compile_step(make_step(model, settings, CROP_MARGIN), first, pixels)


def _crops(seed: int, colour: tuple[int, int, int]) -> jnp.ndarray:
    random = np.random.default_rng(seed)
    side = 42
    y, x = np.mgrid[:side, :side]
    crops = random.integers(0, 60, (6, side, side, 6), dtype=np.uint8)
    for crop in crops:
        cx, cy = random.uniform(16, 26, 2)
        disc = (x - cx) ** 2 + (y - cy) ** 2 < 120
        crop[..., :3] += (disc[..., None] * np.array(colour, np.uint8) * 0.7).astype(np.uint8)
        crop[..., 3] = disc * 255
        crop[..., 4] = ((x - cx) ** 2 + (y - cy + 4) ** 2 < 5) * 255
        crop[..., 5] = ((x - cx) ** 2 + (y - cy - 4) ** 2 < 5) * 255
    return jnp.asarray(crops)


@pytest.fixture
def swap(workspace, ada, ben, preset, monkeypatch) -> Swap:
    """A swap of the tiny preset between two people with five faces each."""
    monkeypatch.setattr("engine.nets.presets.PRESETS", {preset.name: preset})
    for number, person in enumerate((ada, ben)):
        store_faces(person, number)
    return new_swap(workspace, None, ada, ben, preset="tiny", seed=4, settings={"batch": 2})


def store_faces(person: Person, seed: int) -> None:
    random = np.random.default_rng(seed)
    landmarks = (TEMPLATE * 100 + 50).astype("<f4")
    faces = []
    person.faces_dir.mkdir(exist_ok=True)
    for frame in range(5):
        picture = cv2.GaussianBlur(
            random.integers(0, 255, (CROP_SIZE, CROP_SIZE, 3), dtype=np.uint8), (0, 0), 8
        )
        cv2.imwrite(str(person.faces_dir / f"{frame}.png"), picture)
        faces.append(
            Face(
                id=0,
                source="a" * 64,
                frame=frame,
                time=frame / 25,
                box=(50, 50, 150, 150),
                landmarks=landmarks.tobytes(),
                transform=fit_transform(landmarks).astype("<f8").tobytes(),
                yaw=20.0 * frame,
                pitch=0.0,
                roll=0.0,
                sharpness=5.0,
                embedding=np.zeros(128, "<f4").tobytes(),
                crop=f"{frame}.png",
                kept=True,
                reason="",
            )
        )
    with FaceIndex(person.index_path) as index:
        index.start("a" * 64, "{}")
        index.add_frames("a" * 64, faces, 5)
