"""What a training computes in, settled once at its start.

bfloat16 halves the memory and is several times as fast as float32 on the matrix units of graphics
cards and TPUs; on a CPU it is emulated. Parameters, Adam's moments, losses, sigmoids and the sums
of normalisations stay float32 (Micikevicius et al. 2018, arXiv 1710.03740; bfloat16 has the
exponents of float32, so no loss scaling is needed).

The gradient of a strided convolution's weights in bfloat16 is known to fail on some cards (jax
issue 37922), therefore one is tried before anything is built on it.
"""

import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from engine.nets.presets import get_preset
from engine.training.model import PEOPLE, Model, build
from engine.training.settings import TrainSettings
from projects.presets import PRESETS

AUTO, FLOAT32, BFLOAT16 = "auto", "float32", "bfloat16"
REMAT_FROM = 256
"""Side of a chip in pixels from which `auto` saves memory by computing blocks again, unless there
is plenty."""
_GAIN = 1.1
"""How much faster bfloat16 has to be for `auto` to take it."""
_TOLERANCE = 0.05
"""How far its gradients may be from those of float32, as a part of their size."""
_REPEATS = 3

Probe = Callable[[], str]
"""Why this device should not compute in bfloat16; "" when it should."""


@dataclass(frozen=True)
class Choice:
    """What a training computes in."""

    precision: str  # FLOAT32 or BFLOAT16
    why: str = ""
    """A sentence, when it is not what was asked for or what such a device usually takes."""


def settle(
    settings: TrainSettings, size: int, memory: int | None = None
) -> tuple[TrainSettings, list[str]]:
    """The settings with `precision` and `remat` settled for this device and chips of `size`, and a
    warning when it fell back to float32.

    memory: bytes of the device; by default it is asked, and may not be known.
    """
    choice = choose_precision(settings.precision)
    again = settings.remat == "yes"
    if settings.remat == AUTO and size >= REMAT_FROM:
        again = not _roomy(settings, device_memory() if memory is None else memory)
    settled = replace(settings, precision=choice.precision, remat="yes" if again else "no")
    return settled, [choice.why] if choice.why else []


def device_memory() -> int:
    """Bytes that JAX may use of this process's device; 0 where it does not say."""
    return int((jax.local_devices()[0].memory_stats() or {}).get("bytes_limit", 0))


def _roomy(settings: TrainSettings, memory: int) -> bool:
    """Whether a training fits twice over, so that nothing has to be computed again."""
    facts = PRESETS.get(settings.preset)
    return facts is not None and 2 * facts.training_memory(settings.batch) <= memory


def choose_precision(
    asked: str, *, backend: str | None = None, probe: Probe | None = None
) -> Choice:
    """What to compute in when `asked` says auto, float32 or bfloat16.

    backend: of JAX; the default is its own choice.
    probe: tells why not to take bfloat16; the default tries this device.
    """
    backend = backend or jax.default_backend()
    if asked == FLOAT32 or (asked == AUTO and backend == "cpu"):
        return Choice(FLOAT32)
    refused = (probe or (lambda: _probed(slower_too=asked == AUTO)))()
    if not refused:
        return Choice(BFLOAT16)
    return Choice(
        FLOAT32,
        f"Training in float32, because {refused}. It takes more memory and time than bfloat16.",
    )


def dtype_of(precision: str) -> Any:
    """The dtype of a settled precision; what is not settled yet is float32."""
    return jnp.bfloat16 if precision == BFLOAT16 else jnp.float32


def settled_model(settings: TrainSettings, people: tuple[str, ...] = PEOPLE) -> Model:
    """The model of settings that were settled, as it is trained."""
    return build(
        get_preset(settings.preset),
        people,
        dtype=dtype_of(settings.precision),
        remat=settings.remat == "yes",
    )


@functools.cache
def _probed(*, slower_too: bool) -> str:
    """`probe_device`, asked once in a process: the device stays the same."""
    return probe_device(slower_too=slower_too)


def probe_device(*, slower_too: bool = True) -> str:
    """Why this device should not compute in bfloat16; "" when it should.

    Two small convolutions, one of them strided, forward and backward, in both dtypes.

    slower_too: being no faster is a reason as well.
    """
    key = jax.random.key(0)
    x = jax.random.normal(key, (16, 32, 32, 128))
    kernels = 0.03 * jax.random.normal(key, (2, 5, 5, 128, 128))
    repeats = _REPEATS if slower_too else 0
    try:
        wide, narrow = (
            _gradients(x, kernels, dtype, repeats) for dtype in (jnp.float32, jnp.bfloat16)
        )
    except (jax.errors.JaxRuntimeError, NotImplementedError) as error:
        first = str(error).strip().splitlines() or [type(error).__name__]
        return f"this device fails at bfloat16 ({first[0][:200]})"
    scale = float(jnp.abs(wide.answer).max())
    if not float(jnp.abs(wide.answer - narrow.answer).max()) <= _TOLERANCE * scale:
        return "this device's gradients in bfloat16 are wrong"
    if slower_too and narrow.seconds * _GAIN > wide.seconds:
        return (
            f"bfloat16 is no faster on this device ({1e3 * narrow.seconds:.2g} ms for what takes "
            f"{1e3 * wide.seconds:.2g} ms in float32)"
        )
    return ""


@dataclass(frozen=True)
class _Tried:
    answer: jax.Array  # float32, gradients of both kernels
    seconds: float  # infinite where nothing was timed


def _gradients(x: jax.Array, kernels: jax.Array, dtype: Any, repeats: int) -> _Tried:
    def loss(kernels: jax.Array) -> jax.Array:
        y = x.astype(dtype)
        for kernel, stride in zip(kernels.astype(dtype), (1, 2), strict=True):
            y = jax.lax.conv_general_dilated(
                y, kernel, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )
        return jnp.mean(y.astype(jnp.float32) ** 2)

    gradient = jax.jit(jax.grad(loss))
    answer = jax.block_until_ready(gradient(kernels))  # type: ignore[no-untyped-call]
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(gradient(kernels))  # type: ignore[no-untyped-call]
        taken.append(time.perf_counter() - start)
    return _Tried(answer, min(taken, default=math.inf))
