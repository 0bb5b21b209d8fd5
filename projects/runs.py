"""What the trainings of a swap were and did, read from its files: a run, or all of them.

runs.jsonl has a line for each run: {run, step, seconds, at, preset, seed, settings, fingerprints,
device}, where `settings` is what differs from the recipe and `seconds` is what the run's clock
said when it began. history.jsonl and scores.jsonl name the run of each of their lines; those of
older trainings do not, and there a run begins where the seconds of its clock fall.
"""

from __future__ import annotations

import math
import re
import time
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from projects.checkpoint_rows import SCORES
from projects.errors import CommandError, DamagedError
from projects.files import read_errors
from projects.options import Value
from projects.swaps import Swap, get_swap
from projects.texts import append_line, read_jsonl
from projects.training_options import values_of
from projects.workspace import Workspace

RUNS = "runs.jsonl"
_OF_A_RUN = re.compile(r"(.+):(\d{1,9})")
_MOST = 1e15
"""Greater numbers are damage: no training has as many steps, seconds or bytes."""


@dataclass(frozen=True)
class Moment:
    """What was measured at a step.

    seconds: of training until then, pauses between runs not counted; None where nobody knows.
    values: `loss`, each of `losses` as `losses.NAME`, `rate`, `stall`, `memory`; of a score
    `value`, `identity`, `landmarks` and `ssim.PERSON`. All are finite.
    """

    step: int
    seconds: float | None
    values: Mapping[str, float]


@dataclass(frozen=True)
class RunRecord:
    """How a run began; fields that its line does not say are None."""

    run: int
    step: int
    seconds: float = 0.0
    preset: str | None = None
    seed: int | None = None
    settings: Mapping[str, Any] | None = None
    fingerprints: Mapping[str, str] | None = None
    device: str | None = None


@dataclass(frozen=True)
class Training:
    """All that a swap was trained, or one run of it."""

    swap: Swap
    run: int | None
    """None for all runs."""
    runs: tuple[int, ...]
    """The swap's runs that left a line in its history."""
    history: tuple[Moment, ...]
    scores: tuple[Moment, ...]
    settings: Mapping[str, Value]
    """Every setting by its option's name, with `preset` and `seed`."""
    fingerprints: Mapping[str, str]
    """Of the datasets, by role."""
    device: str | None
    previews: tuple[tuple[int, Path], ...]
    """Pictures with their steps, in order."""
    lost: Mapping[str, int] = field(default_factory=dict)
    """How many lines of each log cannot be read; only what has any."""

    @property
    def label(self) -> str:
        """`ada-as-ben`, or `ada-as-ben:2` for its second run."""
        return self.swap.slug if self.run is None else f"{self.swap.slug}:{self.run}"

    @property
    def best(self) -> Moment | None:
        """The moment with the highest held-out score; None without one."""
        scored = [one for one in self.scores if "value" in one.values]
        return max(scored, key=lambda one: one.values["value"], default=None)


def begin_run(
    swap: Swap, step: int, seconds: float, fingerprints: Mapping[str, str], device: str
) -> int:
    """Write down that a run goes on from `step`; its number, one more than that of the last line
    of the history until there. A run that left none gives its number to the next.

    Raises SwapdeckError when it cannot be written.
    """
    rows = [row for row in read_jsonl(swap.history_path)[0] if _has_step(row)]
    run = 1 + max(_numbered([row for row in rows if row["step"] <= step]), default=0)
    record = {
        "run": run,
        "step": step,
        "seconds": round(seconds, 2),
        "at": time.time(),
        "preset": swap.preset,
        "seed": swap.seed,
        "settings": swap.settings,
        "fingerprints": dict(fingerprints),
        "device": device,
    }
    append_line(swap.root / RUNS, record)
    return run


def find_training(ws: Workspace, words: str) -> Training:
    """The training that a person means by `SWAP` or `SWAP:RUN`.

    Raises:
        CommandError: there is no such swap, or it has no such run.
        DamagedError: a log of it has lines, and not one that can be read.
    """
    found = _OF_A_RUN.fullmatch(words.strip())
    if found is None:
        return read_training(get_swap(ws, words))
    return read_training(get_swap(ws, found[1]), int(found[2]))


def read_training(swap: Swap, run: int | None = None) -> Training:
    """All runs of a swap, or one.

    Raises:
        CommandError: it has no such run.
        DamagedError: a log of it has lines, and not one that can be read.
        SwapdeckError: a file cannot be read.
    """
    lost: dict[str, int] = {}
    rows = _rows(swap.history_path, lost)
    scored = _rows(swap.root / SCORES, lost)
    records = _records(swap.root / RUNS)
    numbers = _numbered(rows)
    runs = tuple(dict.fromkeys(numbers))
    if run is not None and run not in runs:
        there = ", ".join(f"{swap.slug}:{number}" for number in runs) or "none yet"
        raise CommandError(f"{swap.name} has no run {run}. There is: {there}.")
    before = _seconds_before(rows, numbers, records)
    if run is not None:
        before = {run: -_start(records, run)}
    history = [
        _moment(row, before[number])
        for row, number in zip(rows, numbers, strict=True)
        if number in before
    ]
    scores = [
        _moment(row, before[number])
        for row, number in zip(scored, _of_scores(scored, rows, numbers), strict=True)
        if number in before
    ]
    record = records.get(run) if run is not None else None
    last = records.get(runs[-1] if runs and run is None else run or 0)
    settings = swap.settings if record is None or record.settings is None else record.settings
    preset = swap.preset if record is None or record.preset is None else record.preset
    seed = swap.seed if record is None or record.seed is None else record.seed
    fingerprints = swap.fingerprints
    if record is not None and record.fingerprints is not None:
        fingerprints = dict(record.fingerprints)
    return Training(
        swap,
        run,
        runs,
        tuple(history),
        tuple(scores),
        {"preset": preset, "seed": seed, **values_of(preset, settings)},
        fingerprints,
        None if last is None else last.device,
        _previews(swap, history if run is not None else None),
        lost,
    )


def _rows(path: Path, lost: dict[str, int]) -> list[dict[str, Any]]:
    """The lines of a log that have a step; `lost` counts those that could not be read."""
    rows, end = read_jsonl(path)
    if not path.is_file():
        return []
    kept = [row for row in rows if _has_step(row)]
    with read_errors(path):
        lines = path.read_bytes()[:end].splitlines()
    missing = sum(bool(line.strip()) for line in lines) - len(kept)
    if missing > 0:
        lost[path.name] = missing
        if not kept:
            raise DamagedError(
                f"{path} is damaged: none of its {missing} lines can be read. Put back a good "
                "copy, or delete it; the checkpoints do not need it."
            )
    return kept


def _records(path: Path) -> dict[int, RunRecord]:
    """The beginnings of runs by their numbers; what cannot be read is left out."""
    found = {}
    for row in read_jsonl(path)[0]:
        run, step = row.get("run"), row.get("step")
        if type(run) is int and type(step) is int:
            settings, prints = row.get("settings"), row.get("fingerprints")
            found[run] = RunRecord(
                run,
                step,
                _number(row.get("seconds")) or 0.0,
                row["preset"] if isinstance(row.get("preset"), str) else None,
                row["seed"] if type(row.get("seed")) is int else None,
                settings if isinstance(settings, dict) else None,
                {str(k): str(v) for k, v in prints.items()} if isinstance(prints, dict) else None,
                row["device"] if isinstance(row.get("device"), str) else None,
            )
    return found


def _numbered(rows: list[dict[str, Any]]) -> list[int]:
    """The run of each row of a history."""
    numbers: list[int] = []
    run, clock = 1, -math.inf
    for row in rows:
        seconds = _number(row.get("seconds"))
        said = row.get("run")
        if type(said) is int:
            run = said
        elif seconds is not None and seconds < clock:
            run += 1
        clock = seconds if seconds is not None else clock
        numbers.append(run)
    return numbers


def _of_scores(
    scored: list[dict[str, Any]], rows: list[dict[str, Any]], numbers: list[int]
) -> list[int]:
    """The run of each score: what it says itself, else that of the history at its step."""
    steps = [row["step"] for row in rows]
    ends = [*numbers, numbers[-1] if numbers else 1]
    return [
        row["run"] if type(row.get("run")) is int else ends[bisect_left(steps, row["step"])]
        for row in scored
    ]


def _seconds_before(
    rows: list[dict[str, Any]], numbers: list[int], records: Mapping[int, RunRecord]
) -> dict[int, float]:
    """What is to be added to a run's clock, to have the seconds since the first run began."""
    lasted: dict[int, float] = {}
    for row, number in zip(rows, numbers, strict=True):
        seconds = (_number(row.get("seconds")) or 0.0) - _start(records, number)
        lasted[number] = max(lasted.get(number, 0.0), seconds)
    before, passed = {1: 0.0}, 0.0
    for number, seconds in lasted.items():
        before[number] = passed - _start(records, number)
        passed += seconds
    return before


def _has_step(row: Mapping[str, Any]) -> bool:
    return type(row.get("step")) is int and 0 <= row["step"] < _MOST


def _start(records: Mapping[int, RunRecord], run: int) -> float:
    return records[run].seconds if run in records else 0.0


def _moment(row: Mapping[str, Any], before: float) -> Moment:
    seconds = _number(row.get("seconds"))
    values = {
        name: number
        for name in ("loss", "rate", "stall", "memory", "value", "identity", "landmarks")
        if (number := _number(row.get(name))) is not None
    }
    for table in ("losses", "ssim"):
        inner = row.get(table)
        for name, value in inner.items() if isinstance(inner, dict) else ():
            if (number := _number(value)) is not None:
                values[f"{table}.{name}"] = number
    return Moment(row["step"], None if seconds is None else seconds + before, values)


def _previews(swap: Swap, history: list[Moment] | None) -> tuple[tuple[int, Path], ...]:
    """The pictures of all runs, or of the steps of one."""
    try:
        paths = [path for path in swap.previews_dir.iterdir() if path.suffix == ".png"]
    except OSError:
        return ()
    found = sorted((int(path.stem), path) for path in paths if path.stem.isdecimal())
    if history is None:
        return tuple(found)
    first, last = history[0].step, history[-1].step
    return tuple(one for one in found if first <= one[0] <= last)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _MOST:
        return None
    return float(value)
