"""Both families of networks: who shares what, in which precision, and what it costs in memory."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from engine.bench.memory import kept_bytes
from engine.nets.blocks import Norm, Up
from engine.nets.light import LightConfig
from engine.nets.presets import Preset, get_preset, light, residual, residual_liae
from engine.nets.residual import ResidualConfig
from engine.training.checkpoint import flat
from engine.training.model import Params, build, count, fresh_params

SMALL = ResidualConfig(
    size=16, patch=4, encoder=((8, 1), (8, 1)), code=12, decoder=((8, 1), (8, 1), (8, 1))
)
DF, LIAE = residual("df", SMALL), residual_liae("liae", SMALL)
LIGHT = light(
    "light", LightConfig(size=16, encoder=(8, 8, 8), code=16, decoder=(8, 8, 8, 8), smooth=True)
)
CROWD = ("source", "target", "third")
each_preset = pytest.mark.parametrize("preset", [DF, LIAE, LIGHT], ids=lambda p: p.name)
both_kinds = pytest.mark.parametrize("preset", [LIAE, LIGHT], ids=lambda p: p.name)


@functools.cache
def trained(preset: Preset) -> Params:
    """Parameters as training would leave them: none of them zero, none special."""
    shapes = jax.eval_shape(lambda: fresh_params(preset, 0, CROWD))
    random = np.random.default_rng(1)
    return jax.tree.map(
        lambda leaf: jnp.asarray(
            random.normal(0, (2 / max(1, leaf.size // leaf.shape[-1])) ** 0.5, leaf.shape),
            jnp.float32,
        ),
        shapes,
    )


CHIPS = np.random.default_rng(2).uniform(size=(2, 16, 16, 3)).astype(np.float32)


@functools.cache
def answers(preset: Preset) -> Any:
    """(params) -> each person's (rgb, mask) decoded from one code."""
    model = build(preset, CROWD)

    def decode(params: Params) -> Any:
        code = model.encode(params, jnp.asarray(CHIPS))
        return {person: model.decode(params, person, code) for person in CROWD}

    return jax.jit(decode)


def gradients(preset: Preset, person: str, **how: Any) -> tuple[float, Params]:
    """The sum of squares of a decoded face, and its gradients."""
    model = build(preset, CROWD, **how)

    def loss(params: Params) -> jax.Array:
        rgb, mask = model.decode(params, person, model.encode(params, jnp.asarray(CHIPS)))
        assert mask is not None
        return (rgb**2).sum() + (mask**2).sum()

    value, found = jax.jit(jax.value_and_grad(loss))(trained(preset))
    return float(value), found


def moved(found: Params) -> set[str]:
    """The networks that any gradient reaches."""
    return {
        name for name, part in found.items() if any(np.any(leaf) for leaf in jax.tree.leaves(part))
    }


@each_preset
def test_each_of_three_people_is_decoded_from_anybodys_code(preset: Preset) -> None:
    faces = answers(preset)(trained(preset))
    for rgb, mask in faces.values():
        assert (rgb.shape, rgb.dtype) == ((2, 16, 16, 3), jnp.float32)
        assert (mask.shape, mask.dtype) == ((2, 16, 16, 1), jnp.float32)
        assert float(rgb.min()) >= 0
        assert float(rgb.max()) <= 1
    assert not np.allclose(faces["source"][0], faces["target"][0], atol=1e-4)
    assert not np.allclose(faces["target"][0], faces["third"][0], atol=1e-4)


def test_in_df_a_face_is_the_work_of_the_encoder_and_its_own_decoder() -> None:
    assert set(trained(DF)) == {"encoder", *CROWD}
    assert moved(gradients(DF, "target")[1]) == {"encoder", "target"}


def test_in_liae_the_source_uses_the_shared_inter_alone() -> None:
    assert set(trained(LIAE)) == {"encoder", "shared", "target", "third", "decoder"}
    assert moved(gradients(LIAE, "source")[1]) == {"encoder", "shared", "decoder"}
    assert moved(gradients(LIAE, "third")[1]) == {"encoder", "shared", "third", "decoder"}


def test_in_liae_what_the_targets_inter_knows_never_reaches_the_swapped_face() -> None:
    params = trained(LIAE)
    without = {**params, "target": jax.tree.map(jnp.zeros_like, params["target"])}
    before, after = answers(LIAE)(params), answers(LIAE)(without)
    np.testing.assert_array_equal(after["source"][0], before["source"][0])
    assert not np.allclose(after["target"][0], before["target"][0], atol=1e-4)


def test_in_liae_somebody_whose_inter_does_as_the_shared_one_is_the_source() -> None:
    params = trained(LIAE)
    faces = answers(LIAE)({**params, "target": params["shared"]})
    np.testing.assert_allclose(faces["target"][0], faces["source"][0], atol=1e-6)


def test_a_liae_model_without_a_source_has_an_inter_for_each_person() -> None:
    params = jax.eval_shape(lambda: fresh_params(LIAE, 0, ("one", "two")))
    assert set(params) == {"encoder", "shared", "one", "two", "decoder"}


@each_preset
def test_another_person_costs_a_decoder_or_an_inter(preset: Preset) -> None:
    three = jax.eval_shape(lambda: fresh_params(preset, 0, CROWD))
    two = jax.eval_shape(lambda: fresh_params(preset, 0))
    assert count(three) - count(two) == count(two["target"])


@both_kinds
def test_bfloat16_answers_in_float32_and_nearly_alike(preset: Preset) -> None:
    value, wide = gradients(preset, "target")
    close, narrow = gradients(preset, "target", dtype=jnp.bfloat16)
    assert close == pytest.approx(value, rel=0.02)
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(narrow))
    one, other = (
        np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(found)])
        for found in (wide, narrow)
    )
    assert np.linalg.norm(one - other) <= 0.1 * np.linalg.norm(one)


@both_kinds
def test_computing_blocks_again_changes_no_gradient(preset: Preset) -> None:
    value, kept = gradients(preset, "target")
    again, computed = gradients(preset, "target", remat=True)
    assert again == pytest.approx(value, rel=1e-6)
    for one, other in zip(jax.tree.leaves(kept), jax.tree.leaves(computed), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["classic-64", "light-64", "hd-256", "hd-256-liae"])
def test_computing_blocks_again_keeps_less(name: str) -> None:
    preset = get_preset(name)
    share = kept_bytes(preset, remat=True) / kept_bytes(preset)
    assert share < (0.5 if name.startswith("hd") else 1)


def test_normalisation_sums_in_float32() -> None:
    x = jnp.asarray(np.random.default_rng(0).normal(0, 300, (1, 2, 2, 512)), jnp.float32)
    wide, narrow = Norm(512)(x), Norm(512)(x.astype(jnp.bfloat16))
    assert narrow.dtype == jnp.bfloat16
    np.testing.assert_allclose(narrow.astype(jnp.float32), wide, rtol=0.02, atol=1e-3)
    np.testing.assert_allclose(jnp.mean(wide**2, -1), 1, rtol=1e-4)


def test_four_pixels_of_one_begin_alike() -> None:
    x = jnp.asarray(np.random.default_rng(0).normal(size=(1, 4, 4, 8)), jnp.float32)
    y = Up(8, 6, rngs=nnx.Rngs(0), smooth=True)(x)
    np.testing.assert_array_equal(y[:, ::2], y[:, 1::2])
    np.testing.assert_array_equal(y[:, :, ::2], y[:, :, 1::2])
    rough = Up(8, 6, rngs=nnx.Rngs(0))(x)
    assert not np.allclose(rough[:, ::2], rough[:, 1::2])


def test_the_parameters_of_older_checkpoints_have_kept_their_names_and_shapes() -> None:
    # Existing checkpoints must load: this is what those of light-64 hold.
    shapes = jax.eval_shape(lambda: fresh_params(get_preset("light-64"), 0))
    decoder = {
        "unfold/kernel": (256, 4096), "unfold/bias": (4096,),
        "up1/dense/kernel": (256, 512), "up1/dense/bias": (512,),
        "block1/conv/kernel": (3, 3, 128, 128), "block1/conv/bias": (128,),
        "up2/dense/kernel": (128, 256), "up2/dense/bias": (256,),
        "block2/conv/kernel": (3, 3, 64, 64), "block2/conv/bias": (64,),
        "up3/dense/kernel": (64, 128), "up3/dense/bias": (128,),
        "block3/conv/kernel": (3, 3, 32, 32), "block3/conv/bias": (32,),
        "out/kernel": (3, 3, 32, 16), "out/bias": (16,),
    }  # fmt: skip
    encoder = {
        "stem/kernel": (3, 3, 48, 64), "stem/bias": (64,),
        "down1/dense/kernel": (256, 128), "down1/dense/bias": (128,),
        "block1/conv/kernel": (3, 3, 128, 128), "block1/conv/bias": (128,),
        "down2/dense/kernel": (512, 256), "down2/dense/bias": (256,),
        "code/kernel": (4096, 256), "code/bias": (256,),
    }  # fmt: skip
    wanted = {f"encoder/{name}": shape for name, shape in encoder.items()}
    for person in ("source", "target"):
        wanted |= {f"{person}/{name}": shape for name, shape in decoder.items()}
    assert {name: tuple(leaf.shape) for name, leaf in flat(shapes).items()} == wanted


def test_the_parameters_of_classic_64_have_kept_their_names() -> None:
    shapes = jax.eval_shape(lambda: fresh_params(get_preset("classic-64"), 0))
    networks = {name.rpartition("/")[0] for name in flat(shapes)}
    encoder = [*(f"down/{n}" for n in range(4)), "squeeze", "spread", "up/conv"]
    decoder = [*(f"up/{n}/conv" for n in range(3)), "out"]
    wanted = {f"encoder/{name}" for name in encoder}
    wanted |= {f"{who}/{name}" for who in ("source", "target") for name in decoder}
    assert networks == wanted
