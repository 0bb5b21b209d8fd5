"""Batches are a function of the key, stay in range, and put masks where the pixels are."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.training.augment import GREY, look_up, place, relight, sample
from engine.training.lab import lab_to_rgb, rgb_to_lab
from engine.training.sampling import choose
from engine.training.settings import Augmentation
from tests.engine.training.conftest import STILL


def test_the_same_key_gives_the_same_batch_and_another_key_another(pixels):
    batches = [
        sample([pixels["source"]], jax.random.key(n), 4, 32, 4 / 3, Augmentation(), True)[0]
        for n in (5, 5, 6)
    ]
    for one, two in zip(batches[0], batches[1], strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(batches[0].wanted, batches[2].wanted)


def test_a_batch_has_the_stated_shapes_and_stays_between_0_and_1(pixels):
    batch = sample([pixels["source"]], jax.random.key(0), 4, 32, 4 / 3, Augmentation(), True)[0]
    assert batch.seen.shape == batch.wanted.shape == (4, 32, 32, 3)
    assert batch.mask.shape == batch.eyes.shape == batch.mouth.shape == (4, 32, 32, 1)
    for part in batch:
        assert part.dtype == jnp.float32
        assert float(part.min()) >= 0 and float(part.max()) <= 1


def test_without_any_change_a_chip_is_the_middle_of_its_crop():
    crop = np.zeros((1, 8, 8, 6), np.uint8)
    crop[0, 1:7, 1:7, 0] = np.arange(36).reshape(6, 6) * 7
    field = place(jax.random.key(0), 1, 6, STILL)
    chip = look_up(jnp.asarray(crop), jnp.zeros(1, jnp.int32), field, 8 / 6)
    np.testing.assert_allclose(chip[0, :, :, 0] * 255, crop[0, 1:7, 1:7, 0], atol=1e-3)


def test_a_mirrored_chip_is_the_mirror_image(pixels):
    always, never = (place(jax.random.key(0), 2, 32, replace(STILL, flip=p)) for p in (1.0, 0.0))
    index = jnp.array([0, 1])
    mirrored = look_up(pixels["source"], index, always, 4 / 3)
    straight = look_up(pixels["source"], index, never, 4 / 3)
    np.testing.assert_allclose(mirrored, straight[:, :, ::-1], atol=1e-5)


def test_where_nothing_is_warped_the_encoder_sees_what_is_wanted(pixels):
    moved = replace(STILL, rotate=5.0, shift=0.02)
    key = jax.random.key(0)
    batch, almost = (
        sample([pixels["source"]], key, 4, 32, 4 / 3, replace(moved, warp=warp), False)[0]
        for warp in (0.0, 1e-9)
    )
    # All else that is by chance is as it is where something is warped.
    np.testing.assert_array_equal(batch.wanted, almost.wanted)
    np.testing.assert_allclose(batch.seen, almost.seen, atol=1e-5)
    np.testing.assert_allclose(batch.seen, batch.wanted, atol=2e-3)


def test_a_masked_batch_hides_everything_outside_the_face(pixels):
    batch = sample([pixels["source"]], jax.random.key(0), 4, 32, 4 / 3, STILL, True)[0]
    outside = np.asarray(batch.mask[..., 0]) == 0
    np.testing.assert_allclose(np.asarray(batch.seen)[outside], GREY)
    assert not np.allclose(np.asarray(batch.wanted)[outside], GREY)


def test_light_changes_only_what_the_encoder_sees(pixels):
    bright = replace(STILL, gain=0.5)
    lit = sample([pixels["source"]], jax.random.key(0), 4, 32, 4 / 3, bright, False)[0]
    plain = sample([pixels["source"]], jax.random.key(0), 4, 32, 4 / 3, STILL, False)[0]
    np.testing.assert_array_equal(lit.wanted, plain.wanted)
    assert float(jnp.abs(lit.seen - plain.seen).max()) > 0.05


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_relighting_by_nothing_changes_nothing(value: float):
    picture = jnp.full((2, 4, 4, 3), value)
    np.testing.assert_allclose(relight(picture, jax.random.key(0), STILL), picture, atol=2e-3)


def test_recolouring_changes_what_is_wanted_along_with_what_is_seen(pixels):
    how = replace(STILL, lightness=0.3, colour=0.08)
    changed = sample([pixels["source"]], jax.random.key(0), 4, 32, 4 / 3, how, False)[0]
    plain = sample([pixels["source"]], jax.random.key(0), 4, 32, 4 / 3, STILL, False)[0]
    np.testing.assert_array_equal(changed.seen, changed.wanted)
    assert float(jnp.abs(changed.wanted - plain.wanted).max()) > 0.05


def test_equalised_twins_are_taken_as_often_as_asked():
    index = choose(jax.random.key(0), 2000, 10, 0.25)
    assert 0.2 < float((index >= 5).mean()) < 0.3
    assert {int(i) for i in index} == set(range(10))


def test_lab_of_red_is_what_the_standard_says_and_goes_back():
    red = rgb_to_lab(jnp.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(red, (53.24, 80.09, 67.20), atol=0.02)
    rgb = jax.random.uniform(jax.random.key(1), (1, 16, 16, 3))
    np.testing.assert_allclose(lab_to_rgb(rgb_to_lab(rgb)), rgb, atol=1e-3)
