"""The yardstick is like for like: the same weights give the same answers and the same loss."""

from dataclasses import replace

import jax
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from engine.bench import rehearsal  # noqa: E402
from engine.bench.breakdown import drawn  # noqa: E402
from engine.bench.step import prepare  # noqa: E402
from engine.bench.torch_nets import load, model_of  # noqa: E402
from engine.bench.torch_rival import PLANS, compare, to_torch, torch_loss  # noqa: E402
from engine.nets import presets  # noqa: E402
from engine.nets.presets import get_preset  # noqa: E402
from engine.training.losses import chip_loss  # noqa: E402
from engine.training.model import PEOPLE, build, count, fresh_params  # noqa: E402
from engine.training.settings import Losses  # noqa: E402
from projects.errors import CommandError  # noqa: E402


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(presets.PRESETS, rehearsal.TINY.name, rehearsal.TINY)
    return rehearsal.TINY


def test_models_have_as_many_weights():
    for name in ("classic-64", "standard-128", "hd-256"):
        with torch.device("meta"):
            model = model_of(PLANS[name])
        params = jax.eval_shape(lambda name=name: fresh_params(get_preset(name), 0))
        assert sum(weight.numel() for weight in model.parameters()) == count(params)


@pytest.mark.parametrize("name", [rehearsal.TINY.name, "classic-64"])
def test_the_same_weights_give_the_same_answer(tiny, name):
    preset = get_preset(name)
    ours = build(preset)

    @jax.jit
    def moved():
        """Weights of which none is nothing: what it is multiplied with would not matter."""
        params = fresh_params(preset, 0)
        keys = iter(jax.random.split(jax.random.key(1), len(jax.tree.leaves(params))))
        return jax.tree.map(
            lambda leaf: leaf + 0.02 * jax.random.normal(next(keys), leaf.shape), params
        )

    @jax.jit
    def answers(params, chips):
        code = ours.encode(params, chips)
        return {who: ours.decode(params, who, code) for who in PEOPLE}

    params = moved()
    theirs = model_of(PLANS[name])
    load(theirs, params)
    chips = jax.random.uniform(jax.random.key(2), (2, preset.size, preset.size, 3))
    expected = answers(params, chips)
    with torch.no_grad():
        their_code = theirs.encoder(to_torch(chips, "cpu"))
        for who in PEOPLE:
            rgb, mask = expected[who]
            their_rgb, their_mask = getattr(theirs, who)(their_code)
            assert np.ptp(rgb) > 0.01
            np.testing.assert_allclose(their_rgb.permute(0, 2, 3, 1), rgb, atol=1e-4)
            assert (mask is None) == (their_mask is None)
            if mask is not None:
                np.testing.assert_allclose(their_mask.permute(0, 2, 3, 1), mask, atol=1e-4)


def test_both_losses_agree(tiny):
    ready = prepare(tiny.name, 2, steps=1)
    batch = drawn(ready)[0]
    rgb = jax.random.uniform(jax.random.key(3), batch.wanted.shape)
    mask = jax.random.uniform(jax.random.key(4), batch.mask.shape)
    losses = Losses(1.0, 0.5, 0.4, edges=0.7, mask=0.3, eyes=3.0, mouth=2.0, outside=0.05)
    ours, _ = chip_loss(rgb, mask, batch, losses)
    weigh = torch_loss(losses, tiny.size, "cpu")
    theirs = weigh(
        to_torch(rgb, "cpu"),
        to_torch(mask, "cpu"),
        {name: to_torch(x, "cpu") for name, x in batch._asdict().items()},
    )
    assert float(theirs) == pytest.approx(float(ours), rel=1e-4)


def test_both_are_timed_on_the_same_chips(tiny):
    ready = prepare(tiny.name, 2, steps=2)
    rival = compare(ready, 0.01, compiled=False)
    assert rival.ours > 0 and rival.torch > 0 and rival.whole > 0
    assert rival.loss_difference < 1e-3


def test_what_was_not_written_for_pytorch_is_refused(tiny):
    ready = prepare(tiny.name, 2, steps=1)
    odd = replace(ready.settings, losses=Losses(laplacian=1.0))
    with pytest.raises(CommandError, match="laplacian"):
        compare(replace(ready, settings=odd), 0.01)
    with pytest.raises(CommandError, match="light-64"):
        compare(replace(ready, preset=get_preset("light-64")), 0.01)
