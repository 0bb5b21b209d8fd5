"""The figures of `bench train`: the arithmetic counted by definition, the step really made."""

import jax
import jax.numpy as jnp
import pytest
from flax import nnx
from rich.console import Console

from engine.bench.convolutions import forms, parse
from engine.bench.flops import forward_flops, step_flops
from engine.bench.training import Figures, measure, table, usual_presets
from engine.memory import with_large_pages
from engine.nets.conv import Form
from engine.nets.presets import get_preset
from projects.errors import CommandError
from projects.presets import PRESETS as OFFERED


def test_a_step_of_the_classic_model_is_365_gflop():
    # Forward of a chip, MFLOP: four 5x5 down, two dense, four 3x3 up, 5x5 out; 3 x 32 chips.
    down = 32 * 32 * 25 * 3 * 128 + 3 * (16 * 16 * 25 * 128 * 256)
    dense = 2 * 16384 * 1024
    up = 4 * (8 * 8 * 9 * 512 * 1024) + 64 * 64 * 25 * 64 * 3
    by_hand = 3 * 32 * 2 * (down + dense + up)
    assert step_flops(get_preset("classic-64"), 16) == by_hand
    assert by_hand / 1e9 == pytest.approx(365, abs=1)


def test_arithmetic_grows_with_the_batch():
    light = get_preset("light-64")
    assert step_flops(light, 8) == pytest.approx(4 * step_flops(light, 2))


def test_arithmetic_of_strides_groups_and_inner_functions():
    conv = nnx.Conv(8, 12, (3, 5), 2, feature_group_count=4, rngs=nnx.Rngs(0))
    x = jax.ShapeDtypeStruct((2, 9, 8, 8), jnp.float32)
    assert forward_flops(jax.jit(lambda x: conv(x) ** 2), x) == 2 * (2 * 5 * 4) * 12 * 3 * 5 * 2


def test_measuring_makes_real_steps(monkeypatch):
    monkeypatch.setattr("engine.bench.training.SECONDS", 0.0)
    figures = measure("light-64", 1)
    assert figures.steps == 5
    assert figures.gflop * 1e9 == step_flops(get_preset("light-64"), 1)
    assert figures.seconds > 0
    assert figures.peak_gflops > 0


def test_a_cpu_is_measured_by_the_presets_that_it_trains():
    assert usual_presets("cpu") == ["light-64", "light-128", "classic-64"]
    assert usual_presets("GPU-1f") == list(OFFERED)


def test_the_share_is_work_over_time_over_peak():
    figures = Figures(
        "classic-64", "cpu", 16, "float32", 5, 2.0, 0.1, 9.0, gflop=400.0, peak_gflops=250.0
    )
    assert figures.rate == 0.5
    assert figures.gflops == 200
    assert figures.share == pytest.approx(0.8)
    assert figures.as_dict()["times_peak_time"] == pytest.approx(1.25)
    console = Console(width=120, record=True)
    console.print(table([figures]))
    assert "80%" in console.export_text()


def test_shapes_of_convolutions_are_read_and_refused():
    shape = parse("32x16x16x256-512k5s2")
    assert (shape.image, shape.kernel, shape.out) == ((32, 16, 16, 256), (5, 5, 256, 512), (8, 8))
    assert forms(shape) == [Form.MATMUL, Form.WINOGRAD]
    with pytest.raises(CommandError, match="not a shape"):
        parse("32x16x16")


def test_large_pages_are_asked_for_beside_what_the_user_set():
    assert with_large_pages({"A": "b"}) == {"A": "b", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
    own = {"GLIBC_TUNABLES": "glibc.malloc.check=1"}
    assert with_large_pages(own)["GLIBC_TUNABLES"] == "glibc.malloc.check=1:glibc.malloc.hugetlb=1"
    refused = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"}
    assert with_large_pages(refused) == refused
