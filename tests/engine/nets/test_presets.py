"""Every preset decodes what it encodes, at its size; light-64 keeps to its budget."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.bench.flops import step_flops
from engine.bench.memory import kept_bytes
from engine.faces.align import CROP_MARGIN
from engine.nets.blocks import depth_to_space, space_to_depth
from engine.nets.presets import PRESETS, get_preset
from engine.training.augment import CHANNELS
from engine.training.model import PEOPLE, Model, build, count, fresh_params
from engine.training.settings import settings_for
from engine.training.step import make_step, state_shapes
from projects.errors import CommandError
from projects.face_crop import crop_side
from projects.presets import PRESETS as OFFERED


def decode_as(model: Model, person: str):
    return lambda params, code: model.decode(params, person, code)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_answers_with_chips_of_its_own_size(name: str):
    preset = get_preset(name)
    model = build(preset)
    params = jax.eval_shape(lambda: fresh_params(preset, 0))
    chips = jax.ShapeDtypeStruct((3, preset.size, preset.size, 3), jnp.float32)
    code = jax.eval_shape(model.encode, params, chips)
    for person in ("source", "target"):
        rgb, mask = jax.eval_shape(decode_as(model, person), params, code)
        assert (rgb.shape, rgb.dtype) == (chips.shape, jnp.float32)
        assert mask is None or mask.shape == (*chips.shape[:3], 1)


def test_only_the_classic_model_learns_no_mask():
    learnt = set()
    for preset in PRESETS.values():
        model, params = build(preset), jax.eval_shape(lambda p=preset: fresh_params(p, 0))
        chips = jax.ShapeDtypeStruct((1, preset.size, preset.size, 3), jnp.float32)
        code = jax.eval_shape(model.encode, params, chips)
        if jax.eval_shape(decode_as(model, "source"), params, code)[1] is not None:
            learnt.add(preset.name)
    assert learnt == set(PRESETS) - {"classic-64"}


def test_a_step_of_light_64_is_at_most_12_gflop():
    assert step_flops(get_preset("light-64"), 16) <= 12e9


def test_a_step_of_light_128_leaves_two_cpu_cores_three_steps_a_second():
    # By the 151 GFLOP/s that light-64 was measured at; see the README.
    assert step_flops(get_preset("light-128"), OFFERED["light-128"].batch) <= 151e9 / 3


@pytest.mark.parametrize("name", [name for name, facts in OFFERED.items() if not facts.on_cpu])
def test_networks_for_graphics_cards_fill_tensor_cores(name: str):
    params = jax.eval_shape(lambda: fresh_params(get_preset(name), 0))
    inner = [
        leaf.shape[-2:]
        for path, leaf in jax.tree_util.tree_leaves_with_path(params)
        if leaf.ndim > 1 and not {"stem", "out"} & {str(getattr(k, "key", k)) for k in path}
    ]
    assert inner
    assert all(channels % 64 == 0 for shape in inner for channels in shape)


def test_pixels_moved_into_channels_come_back():
    x = jax.random.normal(jax.random.key(0), (2, 8, 12, 3))
    assert space_to_depth(x, 2).shape == (2, 4, 6, 12)
    np.testing.assert_array_equal(depth_to_space(space_to_depth(x, 4), 4), x)


def test_an_unknown_preset_is_refused_with_the_names_that_there_are():
    with pytest.raises(CommandError, match=r"light-64.*classic-64"):
        get_preset("huge-4096")


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_told_of_a_preset_is_so(name: str):
    # It is told without JAX, by the command line and by the dashboard.
    facts, preset, settings = OFFERED[name], get_preset(name), settings_for(name)
    state = state_shapes(preset, settings)
    assert (facts.size, facts.batch) == (preset.size, settings.batch)
    assert facts.family == preset.family
    assert facts.parameters == count(state.params)
    assert facts.gflop == pytest.approx(step_flops(preset, settings.batch) / 1e9)
    assert facts.checkpoint == pytest.approx(
        sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state)), rel=1e-5
    )
    one_face = facts.training_memory(faces=1) - facts.training_memory()
    assert one_face == crop_side(preset.size) ** 2 * CHANNELS


def test_just_these_presets_are_offered():
    assert list(OFFERED) == list(PRESETS)


@pytest.mark.parametrize("name", [name for name, facts in OFFERED.items() if not facts.on_cpu])
def test_the_memory_that_is_told_of_a_large_preset_is_what_its_networks_keep(name: str):
    assert OFFERED[name].work == pytest.approx(
        kept_bytes(get_preset(name), dtype=jnp.bfloat16), rel=0.01
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, facts in OFFERED.items() if facts.on_cpu])
def test_the_memory_that_is_told_is_what_the_compiler_plans(name: str):
    settings = settings_for(name)
    state = state_shapes(get_preset(name), settings)
    side = crop_side(OFFERED[name].size)
    pixels = {
        person: jax.ShapeDtypeStruct((64, side, side, CHANNELS), jnp.uint8) for person in PEOPLE
    }
    step = make_step(build(get_preset(name)), settings, CROP_MARGIN)
    planned = jax.jit(step, donate_argnums=0).lower(state, pixels).compile().memory_analysis()
    told = OFFERED[name].training_memory(faces=2 * 64)
    assert told == pytest.approx(
        planned.argument_size_in_bytes + planned.temp_size_in_bytes, rel=0.15
    )
