"""Every preset decodes what it encodes, at its size; light-64 keeps to its budget."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.bench.flops import step_flops
from engine.cli.swaps import PRESETS as OFFERED
from engine.nets.blocks import depth_to_space, space_to_depth
from engine.nets.presets import PRESETS, get_preset
from engine.training.model import build, fresh_params
from projects.errors import CommandError


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_answers_with_chips_of_its_own_size(name: str):
    preset = get_preset(name)
    model = build(preset)
    params = jax.eval_shape(lambda: fresh_params(preset, 0))
    chips = jax.ShapeDtypeStruct((3, preset.size, preset.size, 3), jnp.float32)
    code = jax.eval_shape(model.encode, params["encoder"], chips)
    for person in ("source", "target"):
        rgb, mask = jax.eval_shape(model.decode, params[person], code)
        assert (rgb.shape, rgb.dtype) == (chips.shape, jnp.float32)
        assert mask is None or mask.shape == (*chips.shape[:3], 1)


def test_only_the_classic_model_learns_no_mask():
    learnt = set()
    for preset in PRESETS.values():
        model, params = build(preset), jax.eval_shape(lambda p=preset: fresh_params(p, 0))
        chips = jax.ShapeDtypeStruct((1, preset.size, preset.size, 3), jnp.float32)
        code = jax.eval_shape(model.encode, params["encoder"], chips)
        if jax.eval_shape(model.decode, params["source"], code)[1] is not None:
            learnt.add(preset.name)
    assert learnt == set(PRESETS) - {"classic-64"}


def test_a_step_of_light_64_is_at_most_12_gflop():
    assert step_flops(get_preset("light-64"), 16) <= 12e9


def test_pixels_moved_into_channels_come_back():
    x = jax.random.normal(jax.random.key(0), (2, 8, 12, 3))
    assert space_to_depth(x, 2).shape == (2, 4, 6, 12)
    np.testing.assert_array_equal(depth_to_space(space_to_depth(x, 4), 4), x)


def test_an_unknown_preset_is_refused_with_the_names_that_there_are():
    with pytest.raises(CommandError, match=r"light-64.*classic-64"):
        get_preset("huge-4096")


def test_the_command_line_offers_just_these_presets():
    # It names them itself, since it must not import JAX.
    assert set(OFFERED) == set(PRESETS)
