"""Which compiled operations of a training step take its time, by JAX's own profiler.

    python -m engine.bench.trace light-128

On a CPU operations run beside each other, so together they may take longer than the step. What each
one computes is in the file that --program writes, under its name.
"""

import argparse
import gzip
import json
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jax
from rich.console import Console
from rich.table import Table

from engine.bench.step import Prepared, first_call, prepare
from projects.presets import PRESETS, preset_facts

CALLS: Final = 3
_WAITING: Final = ("ThunkExecutor", "Pjit", "CommonPjRt", "SlinkyThreadPool")
"""What the runtime itself writes into a trace: it holds the operations, or waits for them."""


@dataclass(frozen=True)
class Operation:
    """An operation of the compiled step."""

    name: str
    seconds: float
    """In a call."""
    times: float
    """How often it runs in a call."""


@dataclass(frozen=True)
class Trace:
    """Where the time of a call went."""

    seconds: float
    """Of the call."""
    operations: list[Operation]
    """The longest first."""


def trace(ready: Prepared, calls: int = CALLS) -> Trace:
    """Trace so many calls of a step, after as many that are not."""
    for _ in range(calls):
        first_call(ready)
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder, create_perfetto_trace=True):
            start = time.perf_counter()
            for _ in range(calls):
                first_call(ready)
            taken = time.perf_counter() - start
        [written] = Path(folder).rglob("perfetto_trace.json.gz")
        read = json.loads(gzip.decompress(written.read_bytes()))
    return Trace(taken / calls, _operations(read["traceEvents"], calls))


def _operations(events: list[dict[str, Any]], calls: int) -> list[Operation]:
    """What ran on the device's threads, from events in the format of Chrome's trace viewer."""
    threads = {
        (event["pid"], event["tid"]): event["args"]["name"]
        for event in events
        if event.get("ph") == "M" and event["name"] == "thread_name"
    }
    found: dict[str, list[float]] = defaultdict(list)
    for event in events:
        if event.get("ph") != "X" or threads.get((event["pid"], event["tid"])) == "python":
            continue
        if not event["name"].startswith(_WAITING):
            found[event["name"]].append(event["dur"] / 1e6)
    operations = [
        Operation(name, sum(taken) / calls, len(taken) / calls) for name, taken in found.items()
    ]
    return sorted(operations, key=lambda one: -one.seconds)


def main() -> None:
    """Print the operations that take longest."""
    parser = argparse.ArgumentParser(description="Which operations of a step take its time.")
    parser.add_argument("preset", choices=PRESETS)
    parser.add_argument("--longest", type=int, default=25, metavar="N", help="how many are shown")
    parser.add_argument("--program", type=Path, metavar="FILE", help="write the compiled step here")
    asked = parser.parse_args()
    ready = prepare(asked.preset, preset_facts(asked.preset).batch, steps=1)
    traced = trace(ready)
    table = Table("operation", "ms", "times")
    for one in traced.operations[: asked.longest]:
        table.add_row(one.name, f"{1e3 * one.seconds:.2f}", f"{one.times:g}")
    console = Console()
    console.print(table)
    together = sum(one.seconds for one in traced.operations)
    console.print(f"a step {1e3 * traced.seconds:.0f} ms, its operations {1e3 * together:.0f} ms")
    if asked.program:
        asked.program.write_text(ready.call.as_text())  # type: ignore[attr-defined]  # compiled


if __name__ == "__main__":
    main()
