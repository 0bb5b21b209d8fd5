"""How fast this machine trains: what trainings and `bench train` measured, kept for estimates.

The file is in the user's cache folder, not in the workspace, which may travel to another machine;
and each figure names its machine, since a home folder may be shared by several.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from projects.errors import SwapdeckError
from projects.files import locked
from projects.texts import read_json, write_json
from projects.userfolders import user_cache
from projects.workspace import now

VERSION = 1
_FILE = "rates.json"
_MOST = 200


@dataclass(frozen=True)
class Rate:
    """Steps a second of a preset at a batch, as measured on one device of one machine."""

    preset: str
    batch: int
    steps_per_second: float
    device: str
    measured_by: Literal["training", "bench"]
    at: str
    machine: str = ""


def remember_rate(
    preset: str, batch: int, steps_per_second: float, device: str, by: Literal["training", "bench"]
) -> None:
    """Keep a figure in place of the one before of the same preset, batch and device.

    What cannot be written is left out: an estimate is not worth a failed training.
    """
    if not (math.isfinite(steps_per_second) and steps_per_second > 0):
        return
    new = Rate(preset, batch, steps_per_second, device, by, now(), platform.node())
    with suppress(SwapdeckError, OSError):
        folder = user_cache()
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            kept = [one for one in _read(folder) if _what(one) != _what(new)]
            rows = [asdict(one) for one in [*kept, new][-_MOST:]]
            write_json(folder / _FILE, {"version": VERSION, "rates": rows})


def known_rate(preset: str, batch: int) -> Rate | None:
    """The newest figure of this machine for just this preset and batch; None is "not known"."""
    fitting = [
        one
        for one in _read(user_cache())
        if (one.preset, one.batch, one.machine) == (preset, batch, platform.node())
    ]
    return fitting[-1] if fitting else None


def _what(rate: Rate) -> tuple[str, int, str, str]:
    return rate.preset, rate.batch, rate.device, rate.machine


def _read(folder: Path) -> list[Rate]:
    """The figures in the order in which they were written; of a damaged file, none."""
    try:
        document = read_json(folder / _FILE)
        rows = document["rates"] if document["version"] == VERSION else []
        return [rate for row in rows if (rate := _rate(row)) is not None]
    except (SwapdeckError, OSError, KeyError, TypeError):
        return []


def _rate(row: Mapping[str, Any]) -> Rate | None:
    names = [field.name for field in fields(Rate)]
    try:
        rate = Rate(**{name: row[name] for name in names})
        good = math.isfinite(rate.steps_per_second) and rate.steps_per_second > 0
    except (KeyError, TypeError):
        return None
    texts = (rate.preset, rate.device, rate.measured_by, rate.at, rate.machine)
    return rate if good and all(isinstance(text, str) for text in texts) else None
