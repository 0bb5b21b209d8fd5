"""The adversary learns to tell, waits for its step, is saved, and stays at home."""

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from engine.faces.align import CROP_MARGIN
from engine.training.adversary import RISE, first_adversary, listened_to, realness, taught
from engine.training.checkpoint import load_state, save_state
from engine.training.export import export_swap
from engine.training.importing import import_swap
from engine.training.portable import MODEL
from engine.training.resume import carried
from engine.training.settings import TrainSettings
from engine.training.step import State, compile_first_state, compile_step, make_step, state_shapes
from projects.checkpoints import newest
from projects.swaps import new_swap


@pytest.fixture(scope="module")
def with_adversary(settings: TrainSettings) -> TrainSettings:
    """Everything at once that a step can have besides."""
    losses = replace(settings.losses, adversary=0.1, code=0.1, msdssim=1.0, laplacian=1.0)
    warped = replace(settings.augmentation, warp=0.03)
    return replace(
        settings,
        losses=losses,
        augmentation=warped,
        adversary_from=2,
        accumulate=2,
        warp_until=3,
    )


@pytest.fixture(scope="module")
def beginning(preset, with_adversary: TrainSettings) -> State:
    return compile_first_state(preset, with_adversary)


def test_it_learns_to_tell_decoded_chips_from_real_ones(with_adversary):
    adversary = first_adversary(with_adversary, ("source",))
    noise = jax.random.uniform(jax.random.key(0), (4, 32, 32, 3))
    real, decoded = {"source": noise}, {"source": jnp.full_like(noise, 0.5)}
    learn = jax.jit(lambda a: taught(a, decoded, real, with_adversary, jnp.int32(5)))
    losses = []
    for _ in range(40):
        adversary, loss = learn(adversary)
        losses.append(float(loss))
    assert losses[-1] < 0.6 * losses[0]
    shown = [realness(adversary.params["source"], chips["source"]) for chips in (real, decoded)]
    assert float(shown[0].mean()) > float(shown[1].mean()) + 0.5


def test_it_is_listened_to_little_by_little(with_adversary):
    weights = [
        float(listened_to(with_adversary, jnp.int32(s))) for s in (0, 2, 2 + RISE // 2, 9999)
    ]
    assert weights == pytest.approx([0, 0, 0.05, 0.1])


def test_a_training_with_everything_goes_on_bit_for_bit_from_a_checkpoint(
    preset, model, with_adversary, beginning, pixels, tmp_path: Path
):
    advance = compile_step(make_step(model, with_adversary, CROP_MARGIN), beginning, pixels)
    state, states = jax.tree.map(jnp.copy, beginning), []
    for _ in range(5):
        state, metrics = advance(state, pixels)
        states.append(jax.tree.map(np.array, state))
    assert {"adversary", "judge", "code", "msdssim", "laplacian", "loss"} <= metrics.keys()
    assert all(np.isfinite(float(value)) for value in metrics.values())
    for before, changed in ((states[1], False), (states[2], True)):
        pairs = zip(
            jax.tree.leaves(before.adversary), jax.tree.leaves(beginning.adversary), strict=True
        )
        assert any(not np.array_equal(a, b) for a, b in pairs) == changed
    path = save_state(tmp_path, states[2], with_adversary, {}, keep=1)
    resumed = load_state(path, state_shapes(preset, with_adversary))
    for _ in range(2):
        resumed, _ = advance(resumed, pixels)
    for a, b in zip(jax.tree.leaves(resumed), jax.tree.leaves(states[4]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_it_comes_and_goes_with_its_weight(settings, with_adversary, first, beginning):
    assert first.adversary is None
    joined = carried(first, settings, with_adversary)
    assert jax.tree.structure(joined) == jax.tree.structure(beginning)
    assert carried(joined, with_adversary, settings).adversary is None


def test_it_is_not_exported_and_begins_anew_where_it_is_imported(
    workspace, ada, ben, preset, with_adversary, beginning, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr("engine.nets.presets.PRESETS", {"tiny": preset})
    tiny = replace(with_adversary, preset="tiny")
    swap = new_swap(workspace, None, ada, ben, preset="tiny", seed=3, settings={})
    save_state(swap.checkpoints_dir, beginning._replace(step=jnp.int32(9)), tiny, {}, 3)
    export_swap(workspace, swap, tmp_path / "given")
    names = safetensors.numpy.load_file(tmp_path / "given" / MODEL)
    assert {name.split("/")[0] for name in names} == {"encoder", "source", "target"}
    made, _ = import_swap(workspace, tmp_path / "given", name="again")
    path, _ = newest(made.checkpoints_dir)
    found = load_state(path, state_shapes(preset, tiny))
    for a, b in zip(
        jax.tree.leaves(found.adversary), jax.tree.leaves(beginning.adversary), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-6)
