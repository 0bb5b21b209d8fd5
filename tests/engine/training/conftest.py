"""A training small enough for tests: tiny networks on chips of noise and blobs."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.faces.align import CROP_MARGIN
from engine.nets.light import LightConfig, LightDecoder, LightEncoder
from engine.nets.presets import Preset
from engine.training.model import Model, build
from engine.training.settings import TrainSettings, settings_for
from engine.training.step import Pixels, State, Step, compile_first_state, compile_step, make_step

TINY = LightConfig(size=32, encoder=(8, 8, 8), code=16, decoder=(8, 8, 8, 8))


@pytest.fixture(scope="session")
def preset() -> Preset:
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
