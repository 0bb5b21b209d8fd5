"""What happens to the encoder's input alone: blur, grain, compression, others' colours."""

from dataclasses import replace

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.training.augment import GREY, sample
from engine.training.degrade import blocks, blur, noise
from engine.training.lab import rgb_to_lab
from engine.training.transfer import transfer
from tests.engine.training.conftest import STILL

KEY = jax.random.key(0)


def picture(seed: int = 0, size: int = 32) -> np.ndarray:
    """Smooth and colourful: float32 [2, S, S, 3] in 0..1."""
    random = np.random.default_rng(seed)
    rough = random.uniform(0, 1, (2, size, size, 3)).astype(np.float32)
    smooth = np.stack([cv2.GaussianBlur(one, (0, 0), 3) for one in rough])
    return (smooth - smooth.min()) / (smooth.max() - smooth.min())


@pytest.mark.parametrize("what", [blur, noise, blocks])
def test_next_to_nothing_changes_next_to_nothing(what):
    before = picture()
    after = what(jnp.asarray(before), KEY, 1e-4)
    assert after.shape == before.shape
    np.testing.assert_allclose(after, before, atol=5e-3)


@pytest.mark.parametrize("what", [blur, noise, blocks])
def test_the_strongest_stays_a_picture_and_differs_from_chip_to_chip(what):
    before = np.repeat(picture()[:1], 6, 0)
    after = np.asarray(what(jnp.asarray(before), KEY, 0.2))
    assert after.min() >= 0 and after.max() <= 1
    change = np.abs(after - before).mean((1, 2, 3))
    assert change.max() > 0.005 and change.max() > 1.2 * change.min()


def test_a_blur_is_the_one_that_opencv_makes():
    before = np.repeat(picture(1)[:1], 1, 0)
    strength = float(jax.random.uniform(KEY, (1, 1, 1))[0, 0, 0])
    after = blur(jnp.asarray(before), KEY, 1.5 / 32 / strength)
    wanted = cv2.GaussianBlur(before[0], (31, 31), 1.5)
    np.testing.assert_allclose(after[0, 8:-8, 8:-8], wanted[8:-8, 8:-8], atol=2e-3)


def test_compression_keeps_flat_areas_and_loses_detail_as_a_jpeg_does():
    random = np.random.default_rng(3)
    fine = np.clip(0.5 + random.normal(0, 0.1, (1, 40, 40, 3)), 0, 1).astype(np.float32)
    coarse = np.asarray(blocks(jnp.asarray(fine), KEY, 1.0))
    _, data = cv2.imencode(".jpg", np.uint8(fine[0] * 255), [cv2.IMWRITE_JPEG_QUALITY, 10])
    jpeg = cv2.imdecode(data, cv2.IMREAD_COLOR) / 255
    assert coarse.std() < 0.9 * fine.std()
    assert coarse.std() > 0.3 * jpeg.std()
    flat = jnp.full((1, 40, 40, 3), 0.5)
    assert float(blocks(flat, KEY, 0.2).std()) < 0.02


def test_others_colours_are_taken_over_and_shapes_kept():
    mask = np.zeros((2, 32, 32, 1), np.float32)
    mask[:, 8:24, 8:24] = 1
    warm, cold = picture(1) * [0.4, 0.3, 0.25] + 0.3, picture(2) * [0.25, 0.3, 0.35] + 0.3
    people = [jnp.asarray(np.concatenate([p, mask], -1), jnp.float32) for p in (warm, cold)]
    keys = list(jax.random.split(KEY))
    changed = transfer(people, keys, 1.0)
    np.testing.assert_array_equal(changed[0][..., 3:], mask)

    def colours(chips) -> np.ndarray:
        return np.asarray(rgb_to_lab(chips[..., :3]))[:, 8:24, 8:24].mean((1, 2))

    for number, own in enumerate(colours(changed[0])):
        theirs = np.abs(colours(people[1]) - own).max(1)
        assert theirs.min() < 3, f"chip {number} has the colours of nobody else"
    light = [np.asarray(rgb_to_lab(c[0][..., :3]))[0, 8:24, 8:24, 0] for c in (people, changed)]
    assert np.corrcoef(light[0].ravel(), light[1].ravel())[0, 1] > 0.98


def test_colours_stay_when_nobody_else_is_there_or_no_face_shows():
    chips = jnp.concatenate([jnp.asarray(picture()), jnp.ones((2, 32, 32, 1))], -1)
    faceless = chips.at[..., 3].set(0.0)
    np.testing.assert_array_equal(transfer([chips], [KEY], 1.0)[0], chips)
    for one in transfer([chips, faceless], list(jax.random.split(KEY)), 1.0):
        np.testing.assert_allclose(one[..., :3], chips[..., :3], atol=1e-6)


@pytest.mark.parametrize("name", ["transfer", "blur", "noise", "blocks"])
def test_the_answer_that_is_wanted_stays_as_it_is_and_the_background_grey(pixels, name: str):
    crops = [pixels["source"], pixels["target"]]
    plain = sample(crops, KEY, 4, 32, 4 / 3, STILL, True)
    changed = sample(crops, KEY, 4, 32, 4 / 3, replace(STILL, **{name: 0.2}), True)
    if name == "transfer":
        changed = sample(crops, KEY, 4, 32, 4 / 3, replace(STILL, transfer=1.0), True)
    difference = 0.0
    for one, two in zip(plain, changed, strict=True):
        np.testing.assert_array_equal(one.wanted, two.wanted)
        np.testing.assert_array_equal(one.mask, two.mask)
        outside = np.asarray(two.mask[..., 0]) == 0
        np.testing.assert_allclose(np.asarray(two.seen)[outside], GREY)
        difference += float(jnp.abs(one.seen - two.seen).max())
    assert difference > 0.02
