"""Time the training step of each preset against this machine's own matrix-product peak.

    python -m engine.bench.training --preset classic-64

The step is the real one: sampling, augmentation, forward, backward, optimiser and the running
average. Each preset is measured in a process of its own, which has its memory in large pages like
the processes that train, in the precision that a training would take, and on an accelerator with
as many steps in one call. A second process then says how long the first step takes to come when
the compiled programs are kept from before.

The peak is that of matrix products in the same precision: measured between the steps on a CPU,
whose speed depends on what else it does, and right after them on an accelerator.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

import jax
from rich.console import Console
from rich.table import Table

from engine.bench import rehearsal
from engine.bench.flops import step_flops
from engine.bench.memory_peak import device_peak, process_peak
from engine.bench.peak import Peak
from engine.bench.step import first_call, in_a_row, one_by_one, prepare, update_seconds
from engine.compilation import use_compilation_cache
from engine.memory import with_large_pages
from engine.training.model import PEOPLE
from engine.training.precision import FLOAT32, dtype_of
from projects import devices
from projects.errors import SwapdeckError
from projects.presets import PRESETS as OFFERED
from projects.rates import remember_rate

SECONDS: Final = 15.0
"""How long the steps of a preset are measured."""
_PEAK_ROUNDS: Final = 3


class Output(Protocol):
    """Where figures go: JSON lines for programs, a table for people."""

    @property
    def json(self) -> bool: ...

    def line(self, fields: dict[str, Any], /) -> None: ...


@dataclass(frozen=True)
class Asked:
    """What a process is to measure."""

    preset: str
    batch: int
    """Chips of each person in a step."""
    seconds: float = SECONDS
    steps: int | None = None
    """In one call; as many as a training would make by default."""
    precision: str = "auto"
    first_only: bool = False
    """End with the first call."""
    rehearsal: bool = False
    """The preset may be one of `engine.bench.rehearsal`."""
    sides: tuple[int, ...] = ()
    """Of the matrices of the peak; what suits the device by default."""


@dataclass(frozen=True)
class Figures:
    """What a preset's step costs on this machine."""

    preset: str
    device: str
    batch: int
    """Chips of each person in a step."""
    precision: str
    """What it computed in."""
    dispatch: int
    """Steps that one call makes."""
    calls: int
    """How many were measured."""
    seconds: float
    """Median of a step."""
    update_seconds: float
    """Median of the optimiser and the running average alone."""
    compile_seconds: float
    gflop: float
    """Of a step, by the definition of its layers."""
    peak_gflops: float
    """Best matrix product in the precision of the step, GFLOP a second."""
    float32_gflops: float
    """Best float32 matrix product, for comparison."""
    memory: int
    """Most bytes of the device in use; on a CPU, of the process."""
    stall: float | None
    """Share of the time in which the device waited; None on a CPU, where calls are waited for."""
    first_cold: float
    """Seconds from the start of a process to the loss of its first call, nothing compiled yet. It
    leaves out what a training does to load its faces."""
    first_warm: float = 0.0
    """The same with the compiled programs kept from before."""

    @property
    def rate(self) -> float:
        """Steps a second."""
        return 1 / self.seconds

    @property
    def images(self) -> float:
        """Chips a second, of all people together."""
        return len(PEOPLE) * self.batch / self.seconds

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
            "images_per_second": self.images,
            "gflops": self.gflops,
            "share_of_peak": self.share,
            "times_peak_time": 1 / self.share,
        }


def run(
    presets: Sequence[str] = (),
    *,
    batch: int | None = None,
    seconds: float = SECONDS,
    steps: int | None = None,
    output: Output,
) -> list[Figures]:
    """Measure each preset in a process of its own and say the figures.

    presets: without any, all that this machine's device trains in any useful time.
    batch: chips of each person in a step; each preset's own where it is not said.
    seconds: how long the steps of each are timed.
    steps: in one call; as many as a training would make where it is not said.

    Raises SwapdeckError when a measurement does not come to its end.
    """
    found = []
    for preset in presets or usual_presets(devices.choose("auto")[0].id):
        asked = Asked(preset, batch or OFFERED[preset].batch, seconds, steps)
        figures = in_processes(asked)
        found.append(figures)
        remember_rate(preset, figures.batch, figures.rate, figures.device, "bench")
        if output.json:
            output.line(figures.as_dict())
    if not output.json:
        for drawn in tables(found):
            Console().print(drawn)
    return found


def usual_presets(device: str) -> list[str]:
    """The presets that a device trains in any useful time; it is "cpu", or another one's id."""
    return [name for name, facts in OFFERED.items() if facts.on_cpu or device != "cpu"]


def tables(found: Sequence[Figures]) -> list[Table]:
    """The figures for people: how fast a step is, and what else it takes."""
    speed = _table("preset", "batch", "in")
    for heading in ("ms", "steps/s", "images/s", "GFLOP", "GFLOP/s", "peak", "share", "x"):
        speed.add_column(heading, justify="right")
    rest = _table("preset")
    for heading in ("steps a call", "update", "stall", "memory", "compile", "first step", "again"):
        rest.add_column(heading, justify="right")
    for one in found:
        speed.add_row(
            one.preset,
            f"{one.batch}+{one.batch}",
            one.precision,
            f"{1e3 * one.seconds:.4g}",
            f"{one.rate:.4g}",
            f"{one.images:.0f}",
            f"{one.gflop:.1f}",
            f"{one.gflops:.0f}",
            f"{one.peak_gflops:.0f}",
            f"{one.share:.0%}",
            f"{1 / one.share:.2f}",
        )
        rest.add_row(
            one.preset,
            str(one.dispatch),
            f"{1e3 * one.update_seconds:.3g} ms",
            "" if one.stall is None else f"{one.stall:.2%}",
            f"{one.memory / 1e9:.2f} GB",
            f"{one.compile_seconds:.1f} s",
            f"{one.first_cold:.1f} s",
            f"{one.first_warm:.1f} s",
        )
    return [speed, rest]


def _table(*headings: str) -> Table:
    return Table(*headings, box=None, padding=(0, 2, 0, 0))


def measure(asked: Asked, begun: float) -> Figures:
    """Time the step of a preset in this process, on random pixels.

    begun: when the process was started, by `time.time`.
    """
    ready = prepare(asked.preset, asked.batch, steps=asked.steps, precision=asked.precision)
    sys.stderr.writelines(f"{text}\n" for text in ready.warnings)
    first_call(ready)
    first = time.time() - begun
    precision = ready.settings.precision
    if jax.default_backend() == "cpu":
        peaks = _peaks(precision, asked.sides)
        timed = one_by_one(ready, asked.seconds, peaks[precision].measure)
        if precision != FLOAT32:
            peaks[FLOAT32].measure()
    else:
        timed = in_a_row(ready, asked.seconds)
    memory = device_peak()
    if jax.default_backend() != "cpu":
        peaks = _peaks(precision, asked.sides)
        for _ in range(_PEAK_ROUNDS):
            for peak in peaks.values():
                peak.measure()
    return Figures(
        preset=asked.preset,
        device=jax.local_devices()[0].device_kind,
        batch=asked.batch,
        precision=precision,
        dispatch=ready.steps,
        calls=timed.calls,
        seconds=timed.seconds,
        update_seconds=update_seconds(ready.state, ready.settings),
        compile_seconds=ready.compile_seconds,
        gflop=step_flops(ready.preset, asked.batch) / 1e9,
        peak_gflops=peaks[precision].flops / 1e9,
        float32_gflops=peaks[FLOAT32].flops / 1e9,
        memory=process_peak() if memory is None else memory,
        stall=timed.stall,
        first_cold=first,
    )


def in_processes(asked: Asked, keep: Path | None = None) -> Figures:
    """Measure in one process, and the time to the first step with programs kept in another.

    keep: a cache folder, as XDG_CACHE_HOME names it, to which the compiled programs are added.
    Raises SwapdeckError when one does not come to its end.
    """
    with tempfile.TemporaryDirectory(prefix="swapdeck-bench-") as cache:
        figures = _in_a_process(asked, cache)
        again = _in_a_process(replace(asked, first_only=True), cache)
        if keep is not None:
            shutil.copytree(cache, keep, dirs_exist_ok=True)
    return Figures(**{**figures, "first_warm": again["first"]})


def _peaks(precision: str, sides: tuple[int, ...]) -> dict[str, Peak]:
    return {name: Peak(dtype_of(name), sides) for name in (FLOAT32, precision)}


def _in_a_process(asked: Asked, cache: str) -> Mapping[str, Any]:
    """What a process of its own answers, whose compiled programs are kept in the folder `cache`."""
    what = json.dumps({**asdict(asked), "begun": time.time()})
    done = subprocess.run(
        [sys.executable, "-m", "engine.bench.training", "--measure", what],
        cwd=Path(__file__).resolve().parents[2],  # where this very package is found
        env={**with_large_pages(os.environ), "XDG_CACHE_HOME": cache},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SwapdeckError(
            f"Measuring {asked.preset} ended with exit code {done.returncode}. What it said is "
            "above; with little memory, try a smaller --batch."
        )
    answer: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _answer(what: Mapping[str, Any]) -> Mapping[str, Any]:
    """What this process was started for."""
    begun, given = what["begun"], {name: what[name] for name in what if name != "begun"}
    asked = Asked(**{**given, "sides": tuple(given["sides"])})
    use_compilation_cache()
    if asked.rehearsal:
        rehearsal.offer()
    if not asked.first_only:
        return asdict(measure(asked, begun))
    first_call(prepare(asked.preset, asked.batch, steps=asked.steps, precision=asked.precision))
    return {"first": time.time() - begun}


def main() -> None:
    """Print the figures of the presets asked for."""
    parser = argparse.ArgumentParser(description="Time the training step of each preset.")
    parser.add_argument("--preset", dest="presets", action="append", choices=list(OFFERED))
    parser.add_argument("--batch", type=int, help="each preset's own unless it is said")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--steps", type=int, help="in one call; as a training unless it is said")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", metavar="JSON", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        sys.stdout.write(json.dumps(_answer(json.loads(chosen.measure))) + "\n")
        return
    from engine.cli.output import Output as Plain

    run(
        chosen.presets or (),
        batch=chosen.batch,
        seconds=chosen.seconds,
        steps=chosen.steps,
        output=Plain(json=chosen.json),
    )


if __name__ == "__main__":
    main()
