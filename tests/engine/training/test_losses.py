"""The losses are zero for the right answer, and look where they are told to."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.training.augment import Batch
from engine.training.losses import (
    chip_loss,
    code_distance,
    dssim,
    laplacian_error,
    multi_scale_dssim,
)
from engine.training.settings import Losses

ALL = Losses(
    l1=1.0,
    mse=1.0,
    dssim=1.0,
    msdssim=1.0,
    laplacian=1.0,
    edges=1.0,
    mask=1.0,
    eyes=3.0,
    mouth=2.0,
)

WHOLE = replace(ALL, outside=1.0)


def batch() -> Batch:
    rgb = jax.random.uniform(jax.random.key(0), (2, 32, 32, 3))
    mask = jnp.zeros((2, 32, 32, 1)).at[:, 8:24, 8:24].set(1.0)
    eyes = jnp.zeros_like(mask).at[:, 12:14, 12:14].set(1.0)
    mouth = jnp.zeros_like(mask).at[:, 20:22, 12:14].set(1.0)
    return Batch(rgb, rgb, mask, eyes, mouth)


def test_the_right_answer_costs_nothing():
    b = batch()
    total, parts = chip_loss(b.wanted, b.mask, b, ALL)
    assert float(total) == pytest.approx(0, abs=1e-6)
    assert set(parts) == {"l1", "mse", "dssim", "msdssim", "laplacian", "edges", "mask"}


def test_outside_the_face_nothing_counts_when_masked():
    b = batch()
    wrong = jnp.where(b.mask > 0, b.wanted, 1 - b.wanted)
    assert float(chip_loss(wrong, b.mask, b, ALL)[0]) == pytest.approx(0, abs=1e-6)
    assert float(chip_loss(wrong, b.mask, b, WHOLE)[0]) > 0.1


def test_an_error_on_a_feature_counts_more():
    b = batch()
    on = b.wanted.at[:, 12:14, 12:14].add(0.1)
    off = b.wanted.at[:, 18:20, 18:20].add(0.1)
    weights = Losses(l1=1.0, eyes=3.0)
    ratio = chip_loss(on, None, b, weights)[0] / chip_loss(off, None, b, weights)[0]
    assert float(ratio) == pytest.approx(3.0, rel=1e-3)


def test_a_model_without_a_mask_has_no_mask_loss():
    b = batch()
    assert "mask" not in chip_loss(b.wanted, None, b, ALL)[1]


def test_a_batch_in_parts_costs_what_it_costs_at_once():
    b = batch()
    b = b._replace(mask=b.mask.at[1, :12].set(0.0))  # the parts have faces of different sizes
    wrong = b.wanted.at[:, 12:14, 12:14].add(0.1)
    whole = chip_loss(wrong, b.mask, b, ALL)[0]
    features = (ALL.eyes - 1) * b.eyes + (ALL.mouth - 1) * b.mouth
    area = (b.mask * (1 + features)).sum() / 2
    halves = [jax.tree.map(lambda x, i=i: x[i : i + 1], (wrong, b)) for i in range(2)]
    parts = [chip_loss(rgb, part.mask, part, ALL, area)[0] for rgb, part in halves]
    assert float(sum(parts)) / 2 == pytest.approx(float(whole), rel=1e-4)


def test_several_scales_see_a_coarse_error_better_than_one():
    picture = jax.random.uniform(jax.random.key(0), (1, 64, 64, 3))
    coarse = jax.random.normal(jax.random.key(1), (1, 8, 8, 3))
    wrong = picture + 0.1 * jax.image.resize(coarse, picture.shape, "cubic")
    assert float(multi_scale_dssim(wrong, picture)) > 1.5 * float(dssim(wrong, picture))
    assert float(multi_scale_dssim(picture, picture)) == pytest.approx(0, abs=1e-6)


def test_the_pyramid_counts_details_of_every_size_alike():
    axis = jnp.arange(64)
    waves = [jnp.sin(2 * jnp.pi * axis / length) for length in (3, 6, 12)]
    errors = [jnp.broadcast_to(w[None, :, None, None], (1, 64, 64, 1)) for w in waves]
    found = [float(laplacian_error(error)) for error in errors]
    assert max(found) < 2 * min(found)
    assert float(laplacian_error(0 * errors[0])) == 0


def test_codes_of_one_distribution_lie_together_and_smaller_codes_are_no_way_out():
    keys = jax.random.split(jax.random.key(0), 3)
    one, two = (jax.random.normal(key, (64, 8)) for key in keys[:2])
    near = float(code_distance([one, two], keys[2]))
    shifted = [one, two + 2.0]
    far = float(code_distance(shifted, keys[2]))
    assert far > 5 * near
    smaller = [code / 100 for code in shifted]
    assert float(code_distance(smaller, keys[2])) == pytest.approx(far, rel=0.05)
    assert float(code_distance([one, one], keys[2])) == 0


def test_dssim_agrees_with_a_direct_calculation():
    a = np.asarray(jax.random.uniform(jax.random.key(1), (1, 16, 16, 1)))
    b = np.clip(a + 0.1 * np.asarray(jax.random.normal(jax.random.key(2), a.shape)), 0, 1)
    taps = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(taps, taps) / taps.sum() ** 2
    values = []
    for y in range(6):
        for x in range(6):
            p, q = a[0, y : y + 11, x : x + 11, 0], b[0, y : y + 11, x : x + 11, 0]
            mp, mq = (window * p).sum(), (window * q).sum()
            vp, vq = (window * p * p).sum() - mp**2, (window * q * q).sum() - mq**2
            cov = (window * p * q).sum() - mp * mq
            values.append(
                (2 * mp * mq + 1e-4)
                * (2 * cov + 9e-4)
                / ((mp**2 + mq**2 + 1e-4) * (vp + vq + 9e-4))
            )
    assert float(dssim(jnp.asarray(a), jnp.asarray(b))) == pytest.approx(
        (1 - np.mean(values)) / 2, abs=1e-5
    )
