"""Time the training step of each preset against this machine's own matrix-product peak.

    python -m engine.bench.training --preset classic-64

The step is the real one: sampling, augmentation, forward, backward, Adam and the running average.
Each preset is measured in a process of its own, which has its memory in large pages like the
processes that train, and in the precision that a training would take. The peak is measured between
the steps.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from rich.console import Console
from rich.table import Table

from engine.bench.flops import step_flops
from engine.bench.peak import Peak, seconds
from engine.faces.align import CROP_MARGIN
from engine.memory import with_large_pages
from engine.nets.presets import get_preset
from engine.training.augment import CHANNELS
from engine.training.model import PEOPLE, Params, build
from engine.training.optimisers import optimiser
from engine.training.precision import dtype_of, settle
from engine.training.settings import settings_for
from engine.training.step import compile_first_state, compile_step, make_step
from projects import devices
from projects.errors import SwapdeckError
from projects.face_crop import crop_side
from projects.presets import PRESETS as OFFERED
from projects.rates import remember_rate

SECONDS = 15.0
"""How long the steps of a preset are measured."""
LEAST = 5
"""Steps, however long they take."""
FACES = 64


class Output(Protocol):
    """Where figures go: JSON lines for programs, a table for people."""

    @property
    def json(self) -> bool: ...

    def line(self, fields: dict[str, Any], /) -> None: ...


@dataclass(frozen=True)
class Figures:
    """What a preset's step costs on this machine."""

    preset: str
    device: str
    batch: int
    """Chips of each person in a step."""
    precision: str
    """What it computed in."""
    steps: int
    """How many were measured."""
    seconds: float
    """Median of a step."""
    update_seconds: float
    """Median of Adam and the running average alone."""
    compile_seconds: float
    gflop: float
    """Of a step, by the definition of its layers."""
    peak_gflops: float
    """Best float32 matrix product, GFLOP a second."""

    @property
    def rate(self) -> float:
        """Steps a second."""
        return 1 / self.seconds

    @property
    def gflops(self) -> float:
        """GFLOP a second by the definition of the layers; more than the peak is possible, for some
        forms of a convolution need fewer multiplications than its definition has."""
        return self.gflop / self.seconds

    @property
    def share(self) -> float:
        """`gflops` as a share of the peak."""
        return self.gflops / self.peak_gflops

    def as_dict(self) -> dict[str, Any]:
        """Measured and derived values, for JSON."""
        return {
            **asdict(self),
            "steps_per_second": self.rate,
            "gflops": self.gflops,
            "share_of_peak": self.share,
            "times_peak_time": 1 / self.share,
        }


def run(presets: Sequence[str] = (), *, batch: int | None = None, output: Output) -> list[Figures]:
    """Measure each preset in a process of its own and say the figures.

    presets: without any, all that this machine's device trains in any useful time.
    batch: chips of each person in a step; each preset's own where it is not said.

    Raises SwapdeckError when a measurement does not come to its end.
    """
    found = []
    for preset in presets or usual_presets(devices.choose("auto")[0].id):
        figures = _in_a_process(preset, batch or OFFERED[preset].batch)
        found.append(figures)
        remember_rate(preset, figures.batch, figures.rate, figures.device, "bench")
        if output.json:
            output.line(figures.as_dict())
    if not output.json:
        Console().print(table(found))
    return found


def usual_presets(device: str) -> list[str]:
    """The presets that a device trains in any useful time; it is "cpu", or another one's id."""
    return [name for name, facts in OFFERED.items() if facts.on_cpu or device != "cpu"]


def table(found: Sequence[Figures]) -> Table:
    """The figures for people."""
    drawn = Table("preset", "batch", "in", box=None, padding=(0, 2, 0, 0))
    for heading in ("steps/s", "ms", "update", "compile", "GFLOP", "GFLOP/s", "peak", "share"):
        drawn.add_column(heading, justify="right")
    for one in found:
        drawn.add_row(
            one.preset,
            f"{one.batch}+{one.batch}",
            one.precision,
            f"{one.rate:.2f}",
            f"{1e3 * one.seconds:.0f}",
            f"{1e3 * one.update_seconds:.0f}",
            f"{one.compile_seconds:.1f} s",
            f"{one.gflop:.1f}",
            f"{one.gflops:.0f}",
            f"{one.peak_gflops:.0f}",
            f"{one.share:.0%}",
        )
    return drawn


def measure(preset_name: str, batch: int) -> Figures:
    """Time the step of a preset in this process, on random pixels."""
    preset = get_preset(preset_name)
    settings, warnings = settle(settings_for(preset_name, batch=batch), preset.size)
    sys.stderr.writelines(f"{text}\n" for text in warnings)
    side = crop_side(preset.size)
    rng = np.random.default_rng(0)
    pixels = {
        person: jnp.asarray(rng.integers(0, 256, (FACES, side, side, CHANNELS), np.uint8))
        for person in PEOPLE
    }
    state = compile_first_state(preset, settings)
    start = time.perf_counter()
    model = build(preset, dtype=dtype_of(settings.precision), remat=settings.remat == "yes")
    step = compile_step(make_step(model, settings, CROP_MARGIN), state, pixels)
    compile_seconds = time.perf_counter() - start
    peak = Peak()
    taken: list[float] = []
    state, _ = step(state, pixels)
    while len(taken) < LEAST or sum(taken) < SECONDS:
        peak.measure()
        start = time.perf_counter()
        state, metrics = step(state, pixels)
        float(metrics["loss"])
        jax.block_until_ready(state)  # type: ignore[no-untyped-call]
        taken.append(time.perf_counter() - start)
    return Figures(
        preset=preset_name,
        device=jax.local_devices()[0].device_kind,
        batch=batch,
        precision=settings.precision,
        steps=len(taken),
        seconds=statistics.median(taken),
        update_seconds=_update_seconds(state.params, optimiser(settings)),
        compile_seconds=compile_seconds,
        gflop=step_flops(preset, batch) / 1e9,
        peak_gflops=peak.flops / 1e9,
    )


def _update_seconds(params: Params, adam: optax.GradientTransformation) -> float:
    """Median seconds of Adam and the running average on their own."""

    @partial(jax.jit, donate_argnums=0)
    def update(state: Any, gradients: Params) -> Any:
        params, average, moments = state
        changes, moments = adam.update(gradients, moments, params)
        params = optax.apply_updates(params, changes)
        return params, jax.tree.map(lambda a, p: a + 0.01 * (p - a), average, params), moments

    copy = partial(jax.tree.map, jnp.copy)
    state = update((copy(params), copy(params), adam.init(params)), params)
    taken = []
    for _ in range(LEAST):

        def once() -> Any:
            nonlocal state
            state = update(state, params)
            return state

        taken.append(seconds(once))
    return statistics.median(taken)


def _in_a_process(preset: str, batch: int) -> Figures:
    done = subprocess.run(
        [sys.executable, "-m", "engine.bench.training", "--measure", preset, str(batch)],
        cwd=Path(__file__).resolve().parents[2],  # where this very package is found
        env=with_large_pages(os.environ),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SwapdeckError(
            f"Measuring {preset} ended with exit code {done.returncode}. What it said is above; "
            "with little memory, try a smaller --batch."
        )
    return Figures(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print the figures of the presets asked for."""
    parser = argparse.ArgumentParser(description="Time the training step of each preset.")
    parser.add_argument("--preset", dest="presets", action="append", choices=list(OFFERED))
    parser.add_argument("--batch", type=int, help="each preset's own unless it is said")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", nargs=2, metavar=("PRESET", "BATCH"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        figures = measure(chosen.measure[0], int(chosen.measure[1]))
        sys.stdout.write(json.dumps(asdict(figures)) + "\n")
        return
    from engine.cli.output import Output as Plain

    run(chosen.presets or (), batch=chosen.batch, output=Plain(json=chosen.json))


if __name__ == "__main__":
    main()
