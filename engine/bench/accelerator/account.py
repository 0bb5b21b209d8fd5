"""What was measured, on the disk after each figure: JSON for programs and Markdown for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from engine.bench.accelerator.plan import Stage
from projects.texts import write_json, write_text
from projects.workspace import now

VERSION: Final = 1
FIGURES: Final = "figures.json"
TABLES: Final = "figures.md"

Outcome = Literal["running", "done", "failed", "out of time", "left out", "not here"]
Row = dict[str, Any]


@dataclass
class Result:
    """What came of a stage."""

    stage: Stage
    outcome: Outcome = "running"
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)
    said: str = ""
    """Why it is not done."""


@dataclass
class Account:
    """All results so far; `write` replaces both files."""

    folder: Path
    budget: float
    begun: str = field(default_factory=now)
    results: list[Result] = field(default_factory=list)

    @property
    def failed(self) -> list[str]:
        """Names of the stages that did not come to their end."""
        bad = ("failed", "out of time")
        return [one.stage.name for one in self.results if one.outcome in bad]

    def write(self) -> None:
        """Raises SwapdeckError where the files cannot be written."""
        document = {
            "version": VERSION,
            "begun": self.begun,
            "written": now(),
            "budget": self.budget,
            "stages": [
                {**asdict(one), "name": one.stage.name, "stage": asdict(one.stage)}
                for one in self.results
            ],
        }
        write_json(self.folder / FIGURES, document)
        write_text(self.folder / TABLES, self.markdown())

    def markdown(self) -> str:
        """A section for each kind of stage, with the rows of all its presets in one table."""
        lines = ["# Figures of this accelerator", "", f"Begun {self.begun}."]
        kinds = dict.fromkeys(one.stage.kind for one in self.results)
        for kind in kinds:
            results = [one for one in self.results if one.stage.kind == kind]
            heading, columns = _TABLES[kind]
            lines += ["", f"## {heading}", ""]
            if rows := [row for one in results for row in one.rows]:
                lines += _table(columns, rows)
            lines += [
                f"\n{one.stage.name}: {one.outcome} after {one.seconds:.0f} s. {one.said}".rstrip()
                for one in results
                if one.outcome != "done"
            ]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Column:
    heading: str
    key: str
    show: Callable[[Any], str] = str


def _number(digits: int, scale: float = 1.0, unit: str = "") -> Callable[[Any], str]:
    def show(value: Any) -> str:
        return "" if value is None else f"{scale * value:.{digits}g}{unit}"

    return show


def _share(value: Any) -> str:
    return "" if value is None else f"{value:.1%}"


def _small_share(value: Any) -> str:
    return "" if value is None else f"{value:.2%}"


def _fact(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


_PRESET: Final = _Column("preset", "preset")
_BATCH: Final = _Column("batch", "batch", lambda count: f"{count} + {count}")
_MS: Final = _Column("ms a step", "seconds", _number(4, 1e3))
_TABLES: Final[dict[str, tuple[str, tuple[_Column, ...]]]] = {
    "device": ("Device", (_Column("", "fact"), _Column("", "value", _fact))),
    "step": (
        "Training step",
        (
            _PRESET,
            _BATCH,
            _Column("in", "precision"),
            _MS,
            _Column("images/s", "images_per_second", _number(4)),
            _Column("TFLOP a step", "gflop", _number(4, 1e-3)),
            _Column("TFLOP/s", "gflops", _number(4, 1e-3)),
            _Column("measured rate", "peak_gflops", _number(4, 1e-3)),
            _Column("share", "share_of_peak", _share),
            _Column("float32 rate", "float32_gflops", _number(4, 1e-3)),
            _Column("peak memory, GB", "memory", _number(3, 1e-9)),
            _Column("steps a call", "dispatch"),
            _Column("stall", "stall", _small_share),
            _Column("update, ms", "update_seconds", _number(3, 1e3)),
            _Column("compile, s", "compile_seconds", _number(3)),
            _Column("first step, s", "first_cold", _number(3)),
            _Column("with cache, s", "first_warm", _number(3)),
        ),
    ),
    "torch": (
        "PyTorch, the same model, batch, loss and optimiser",
        (
            _PRESET,
            _BATCH,
            _Column("in", "precision"),
            _Column("ours on ready chips, ms", "ours", _number(4, 1e3)),
            _Column("PyTorch on ready chips, ms", "torch", _number(4, 1e3)),
            _Column("times", "times", _number(3)),
            _Column("our whole step, ms", "whole", _number(4, 1e3)),
            _Column("times", "times_whole", _number(3)),
            _Column("torch.compile", "compiled", lambda done: "yes" if done else "no"),
            _Column("its first step, s", "compile_seconds", _number(3)),
            _Column("its memory, GB", "memory", _number(3, 1e-9)),
            _Column("losses differ by", "loss_difference", _number(2)),
            _Column("version", "version"),
        ),
    ),
    "parts": (
        "Where the time of a step goes",
        (
            _PRESET,
            _Column("part", "name"),
            _Column("ms", "seconds", _number(4, 1e3)),
            _Column("of the whole", "share", _share),
            _Column("TFLOP/s", "gflops", _number(4, 1e-3)),
        ),
    ),
    "resume": (
        "How exactly a stopped training goes on",
        (
            _PRESET,
            _Column("compared with one that was not stopped", "what"),
            _Column("steps", "steps"),
            _Column("bit for bit", "exact", lambda exact: "yes" if exact else "no"),
            _Column("largest difference of a weight", "largest", _number(3)),
            _Column("norm of the difference", "relative", _number(3)),
            _Column("norm of what was learnt", "moved", _number(3)),
        ),
    ),
    "dispatch": (
        "Steps in one call",
        (
            _PRESET,
            _Column("steps a call", "steps"),
            _MS,
            _Column("stall", "stall", _small_share),
            _Column("compile, s", "compile_seconds", _number(3)),
        ),
    ),
    "feed": (
        "Faces on the device and read from the disk",
        (
            _PRESET,
            _Column("faces", "faces"),
            _Column("GB", "crops", _number(3, 1e-9)),
            _Column("where", "mode"),
            _Column("steps a call", "dispatch"),
            _MS,
            _Column("stall", "stall", _small_share),
        ),
    ),
    "devices": (
        "Several devices on one batch",
        (
            _PRESET,
            _Column("devices", "devices"),
            _BATCH,
            _MS,
            _Column("times", "times", _number(3)),
            _Column("loss", "loss", _number(7)),
        ),
    ),
    "train": (
        "The shipped synthetic pair against the exact truth",
        (
            _PRESET,
            _Column("minutes", "minutes", _number(3)),
            _Column("steps", "steps"),
            _Column("PSNR, dB", "psnr", _number(4)),
            _Column("SSIM", "ssim", _number(3)),
            _Column("mouth r", "mouth", _number(2)),
            _Column("eyes r", "eyes", _number(2)),
            _Column("smile r", "smile", _number(2)),
            _Column("landmarks", "landmarks", _number(3)),
            _Column("identity", "identity", _number(3)),
        ),
    ),
}
"""Heading and columns of each kind of stage."""


def _table(columns: Sequence[_Column], rows: Sequence[Row]) -> list[str]:
    lines = ["| " + " | ".join(one.heading for one in columns) + " |", "|---" * len(columns) + "|"]
    for row in rows:
        cells = (one.show(row[one.key]).replace("|", "/") for one in columns)
        lines.append("| " + " | ".join(" ".join(cell.split()) for cell in cells) + " |")
    return lines
