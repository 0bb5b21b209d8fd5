"""The figures of `bench train`: the arithmetic counted by definition, the step really made."""

import time

import jax
import jax.numpy as jnp
import pytest
from flax import nnx
from rich.console import Console

from engine.bench import rehearsal
from engine.bench.convolutions import forms, parse
from engine.bench.flops import forward_flops, step_flops
from engine.bench.step import in_a_row, prepare
from engine.bench.training import Asked, Figures, measure, tables, usual_presets
from engine.memory import with_large_pages
from engine.nets import presets
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


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_measuring_makes_real_steps(monkeypatch, precision):
    monkeypatch.setitem(presets.PRESETS, rehearsal.TINY.name, rehearsal.TINY)
    asked = Asked(rehearsal.TINY.name, 2, 0.0, steps=2, precision=precision, sides=(64,))
    figures = measure(asked, time.time())
    assert (figures.calls, figures.dispatch, figures.precision) == (5, 2, precision)
    assert figures.gflop * 1e9 == step_flops(rehearsal.TINY, 2)
    assert figures.seconds > 0 and figures.first_cold > figures.compile_seconds
    assert figures.peak_gflops > 0 and figures.float32_gflops > 0
    assert figures.memory > 0


def test_on_a_cpu_one_call_makes_one_step(monkeypatch):
    monkeypatch.setitem(presets.PRESETS, rehearsal.TINY.name, rehearsal.TINY)
    assert prepare(rehearsal.TINY.name, 2).steps == 1


def test_calls_in_a_row_are_timed_as_a_training_makes_them(monkeypatch):
    monkeypatch.setitem(presets.PRESETS, rehearsal.TINY.name, rehearsal.TINY)
    ready = prepare(rehearsal.TINY.name, 2, steps=3)
    timed = in_a_row(ready, 0.0)
    assert timed.seconds > 0 and 0 <= timed.stall <= 1
    assert int(ready.state.step) == 3 * (timed.calls + 2)  # the first two have none before them


def test_a_cpu_is_measured_by_the_presets_that_it_trains():
    assert usual_presets("cpu") == ["light-64", "light-128", "classic-64"]
    assert usual_presets("GPU-1f") == list(OFFERED)


def test_the_share_is_work_over_time_over_peak():
    figures = Figures(
        preset="classic-64",
        device="cpu",
        batch=16,
        precision="float32",
        dispatch=1,
        calls=5,
        seconds=2.0,
        update_seconds=0.1,
        compile_seconds=9.0,
        gflop=400.0,
        peak_gflops=250.0,
        float32_gflops=250.0,
        memory=3_000_000_000,
        stall=None,
        first_cold=20.0,
        first_warm=8.0,
    )
    assert (figures.rate, figures.images) == (0.5, 16)
    assert figures.gflops == 200
    assert figures.share == pytest.approx(0.8)
    assert figures.as_dict()["times_peak_time"] == pytest.approx(1.25)
    console = Console(width=120, record=True)
    for drawn in tables([figures]):
        console.print(drawn)
    shown = console.export_text()
    assert "80%" in shown and "1.25" in shown and "3.00 GB" in shown and "8.0 s" in shown


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
