"""The precision of a training is settled once: bfloat16 where it works and is faster."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import pytest

from engine.training import precision
from engine.training.precision import choose_precision, dtype_of, probe_device, settle
from engine.training.settings import settings_for


def refused() -> str:
    return "this device fails at bfloat16 (CUDNN_STATUS_NOT_SUPPORTED)"


def fine() -> str:
    return ""


def test_a_cpu_computes_in_float32_without_being_tried() -> None:
    choice = choose_precision("auto", backend="cpu", probe=refused)
    assert (choice.precision, choice.why) == ("float32", "")


@pytest.mark.parametrize("asked", ["auto", "bfloat16"])
def test_a_device_that_is_fast_at_it_computes_in_bfloat16(asked: str) -> None:
    assert choose_precision(asked, backend="gpu", probe=fine).precision == "bfloat16"


@pytest.mark.parametrize("asked", ["auto", "bfloat16"])
def test_falling_back_says_why(asked: str) -> None:
    choice = choose_precision(asked, backend="gpu", probe=refused)
    assert choice.precision == "float32"
    assert "CUDNN_STATUS_NOT_SUPPORTED" in choice.why
    assert choice.why.startswith("Training in float32, because this device fails")


def test_float32_is_never_tried() -> None:
    choice = choose_precision("float32", backend="gpu", probe=refused)
    assert (choice.precision, choice.why) == ("float32", "")


def test_the_trial_passes_where_gradients_in_bfloat16_are_right() -> None:
    assert probe_device(slower_too=False) == ""


def test_a_device_that_fails_at_it_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    right = precision._gradients

    def fails(x: object, kernels: object, dtype: object, repeats: int) -> object:
        if dtype == jnp.bfloat16:
            raise NotImplementedError("no algorithm worked\nmore")
        return right(jnp.zeros((1, 8, 8, 128)), kernels, dtype, repeats)  # type: ignore[arg-type]

    monkeypatch.setattr(precision, "_gradients", fails)
    assert probe_device() == "this device fails at bfloat16 (no algorithm worked)"


@pytest.mark.parametrize(
    ("narrow", "seconds", "said"),
    [
        (1.0, 0.5, ""),
        (1.0, 1.0, "no faster"),
        (1.2, 0.5, "wrong"),
        (float("nan"), 0.5, "wrong"),
    ],
)
def test_a_device_that_is_slow_or_wrong_is_found_out(
    narrow: float, seconds: float, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tried(x: object, kernels: object, dtype: object, repeats: int) -> object:
        if dtype == jnp.bfloat16:
            return precision._Tried(jnp.array([narrow]), seconds)
        return precision._Tried(jnp.array([1.0]), 1.0)

    monkeypatch.setattr(precision, "_gradients", tried)
    answer = probe_device()
    assert said in answer if said else answer == ""


def test_memory_is_saved_from_256_pixels_unless_there_is_plenty_or_it_is_said() -> None:
    light, large = settings_for("light-64"), settings_for("hd-256")
    assert settle(light, 128)[0].remat == "no"
    assert settle(large, 256)[0].remat == "yes"
    assert settle(large, 256, memory=24 * 10**9)[0].remat == "no"
    assert settle(replace(large, batch=64), 256, memory=24 * 10**9)[0].remat == "yes"
    assert settle(replace(large, remat="yes"), 256, memory=10**12)[0].remat == "yes"
    assert settle(replace(large, remat="no"), 256)[0].remat == "no"
    assert settle(replace(light, remat="yes"), 64)[0].remat == "yes"


def test_nothing_is_left_open_and_nothing_else_is_changed() -> None:
    settings = settings_for("light-64", precision="float32")
    settled, warnings = settle(settings, 64)
    assert warnings == []
    assert settled == replace(settings, remat="no")
    assert (dtype_of("bfloat16"), dtype_of("float32")) == (jnp.bfloat16, jnp.float32)
