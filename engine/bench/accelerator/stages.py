"""What each stage measures, as rows of plain values; each runs in a process of its own."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from engine.bench.accelerator.plan import Sizes
from projects.errors import SwapdeckError

Row = dict[str, Any]

_PACKAGES: Final = ("jax", "jaxlib", "flax", "optax", "numpy", "torch")
_QUERY: Final = ("name", "driver_version", "memory.total", "clocks.max.sm", "power.limit")


class MissingError(SwapdeckError):
    """What a stage needs is not installed."""


def device(preset: str, sizes: Sizes) -> Iterator[Row]:
    """What the machine is, and its best matrix products in both precisions."""
    import jax

    from engine.bench.peak import Peak
    from engine.training.precision import BFLOAT16, FLOAT32, choose_precision, dtype_of

    first = jax.local_devices()[0]
    limit = (first.memory_stats() or {}).get("bytes_limit")
    yield {"fact": "device", "value": first.device_kind}
    yield {"fact": "devices", "value": jax.local_device_count()}
    yield {"fact": "backend", "value": f"{first.platform}, {first.client.platform_version}"}
    yield {"fact": "memory that JAX may use, GB", "value": limit and limit / 1e9}
    yield {"fact": "processors", "value": os.cpu_count()}
    yield {"fact": "Python", "value": platform.python_version()}
    for package in _PACKAGES:
        yield {"fact": package, "value": _version(package)}
    for fact, value in _card().items():
        yield {"fact": fact, "value": value}
    choice = choose_precision("auto")
    yield {"fact": "a training computes in", "value": f"{choice.precision}. {choice.why}"}
    for precision in (BFLOAT16, FLOAT32):
        peak = Peak(dtype_of(precision), sizes.sides)
        for _ in range(3):
            peak.measure()
        yield {"fact": f"matrix products in {precision}, TFLOP/s", "value": peak.flops / 1e12}


def step(preset: str, sizes: Sizes) -> Iterator[Row]:
    """A preset's step, and how long the first one takes to come."""
    from engine.bench.training import Asked, in_processes

    asked = Asked(
        preset,
        sizes.batch_of(preset),
        sizes.seconds,
        sizes.steps,
        sizes.precision,
        rehearsal=sizes.rehearsal,
        sides=sizes.sides,
    )
    # Later stages of the preset begin with what was compiled here.
    cache = os.environ.get("XDG_CACHE_HOME")
    yield in_processes(asked, None if cache is None else Path(cache)).as_dict()


def torch(preset: str, sizes: Sizes) -> Iterator[Row]:
    """The same step by PyTorch."""
    from engine.bench.step import prepare
    from engine.bench.torch_rival import compare, installed

    if not installed():
        raise MissingError("There is no PyTorch here, so there is no yardstick.")
    ready = prepare(preset, sizes.batch_of(preset), steps=sizes.steps, precision=sizes.precision)
    rival = compare(ready, sizes.seconds, compiled=sizes.torch_compile)
    yield {**asdict(rival), "times": rival.times, "times_whole": rival.times_whole}


def parts(preset: str, sizes: Sizes) -> Iterator[Row]:
    """Where the time of a step goes."""
    from engine.bench.breakdown import breakdown
    from engine.bench.step import prepare

    ready = prepare(preset, sizes.batch_of(preset), steps=sizes.steps, precision=sizes.precision)
    found = breakdown(ready, sizes.seconds / 2)
    whole = found[-1].seconds
    for part in found:
        yield {
            **asdict(part),
            "preset": preset,
            "gflops": part.gflops,
            "share": part.seconds / whole,
        }


def resume(preset: str, sizes: Sizes) -> Iterator[Row]:
    """How exactly a training that was stopped goes on."""
    from engine.bench.exactness import differences
    from engine.bench.step import prepare

    # Few steps in a call: it is about their sameness, not about their speed.
    ready = prepare(
        preset, sizes.batch_of(preset), steps=sizes.steps or 8, precision=sizes.precision
    )
    for one in differences(ready, sizes.calls):
        yield {**asdict(one), "preset": preset, "exact": one.exact}


def dispatch(preset: str, sizes: Sizes) -> Iterator[Row]:
    """What more steps in one call bring."""
    from engine.bench.step import first_call, in_a_row, prepare

    for steps in sizes.sweep:
        ready = prepare(preset, sizes.batch_of(preset), steps=steps, precision=sizes.precision)
        first_call(ready)
        timed = in_a_row(ready, sizes.seconds / 2)
        yield {
            "preset": preset,
            "steps": steps,
            "seconds": timed.seconds,
            "stall": timed.stall,
            "compile_seconds": ready.compile_seconds,
        }


def feed(preset: str, sizes: Sizes) -> Iterator[Row]:
    """Whether the device waits for faces, on it or read from the disk."""
    try:
        from engine.bench.feeds import feeds
    except ModuleNotFoundError as error:
        raise MissingError(f"Faces cannot be read here: {error}.") from error

    batch = sizes.batch_of(preset)
    for one in feeds(preset, batch, sizes.faces, sizes.seconds, steps=sizes.steps):
        yield asdict(one)


def devices(preset: str, sizes: Sizes) -> Iterator[Row]:
    """How several devices share a batch."""
    from engine.bench.scaling import scaling
    from engine.bench.step import prepare

    ready = prepare(preset, sizes.batch_of(preset), steps=1, precision=sizes.precision)
    alone: float | None = None
    for one in scaling(ready, sizes.seconds / 2):
        alone = alone or one.seconds
        yield {**asdict(one), "preset": preset, "times": alone / one.seconds}


def train(preset: str, sizes: Sizes) -> Iterator[Row]:
    """Train on the shipped synthetic pair, and compare with the exact truth of its swap, after half
    of the minutes and after all of them."""
    try:
        from engine.bench.quality.scenes import PAIRS, default_cache, scene
        from engine.bench.quality.trained import trained
        from engine.bench.study.exam import Exam
        from engine.faces.detect import FaceFinder
        from engine.faces.embed import Embedder
        from engine.nets.presets import get_preset
    except ModuleNotFoundError as error:
        raise MissingError(f"No face can be found here: {error}.") from error

    def say(words: str) -> None:
        print(words, flush=True)  # noqa: T201 - into the log

    pair, cache = PAIRS[0], default_cache()
    size = get_preset(preset).size
    exam = Exam(scene(pair, cache, say), size, FaceFinder(), Embedder())
    for minutes in (sizes.minutes / 2, sizes.minutes):
        swapper = trained(pair, cache, minutes, say, preset=preset)
        yield {
            "preset": preset,
            "minutes": minutes,
            "steps": swapper.step,
            **asdict(exam.marks(exam.answers(swapper))),
        }


KINDS: Final[dict[str, Callable[[str, Sizes], Iterator[Row]]]] = {
    "device": device,
    "step": step,
    "torch": torch,
    "parts": parts,
    "resume": resume,
    "dispatch": dispatch,
    "feed": feed,
    "devices": devices,
    "train": train,
}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _card() -> dict[str, str]:
    """What the driver says of the first graphics card; nothing where there is none."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return {}
    command = [tool, f"--query-gpu={','.join(_QUERY)}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return {}
    values = done.stdout.splitlines()[0].split(", ")
    return dict(zip((f"nvidia-smi {name}" for name in _QUERY), values, strict=True))
