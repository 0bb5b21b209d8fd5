"""What is measured on an accelerator, in which order, and how long each stage may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from projects.errors import CommandError
from projects.presets import PRESETS

BUDGET: Final = 540.0
"""Seconds, so that a call under ten minutes has them all."""


@dataclass(frozen=True)
class Stage:
    """One measurement, made in a process of its own."""

    kind: str
    """Which: a key of `stages.KINDS`."""
    preset: str = ""
    limit: float = 90.0
    """Seconds after which it is ended."""
    least: float = 20.0
    """It is not begun with fewer seconds left."""

    @property
    def name(self) -> str:
        """Tells it apart from the others."""
        return f"{self.kind} {self.preset}".strip()


@dataclass(frozen=True)
class Sizes:
    """How much a stage does; plain values, which travel to its process as JSON."""

    seconds: float = 4.0
    """That each figure is timed for."""
    batch: int | None = None
    """Chips of each person; each preset's own by default."""
    steps: int | None = None
    """In one call; as many as a training would make by default."""
    precision: str = "auto"
    sweep: tuple[int, ...] = (1, 4, 16, 64)
    """Steps in one call that are compared."""
    calls: int = 4
    """Twice as many are made to see how exactly a training resumes."""
    faces: int = 4000
    """Of both people, that a training is fed with."""
    sides: tuple[int, ...] = ()
    """Of the matrices of the peak; what suits the device by default."""
    torch_compile: bool = True
    minutes: float = 0.0
    """To train for, and be examined against the truth; 0 for not at all."""
    rehearsal: bool = False
    """Whether presets are those of `engine.bench.rehearsal`."""

    def batch_of(self, preset: str) -> int:
        """Chips of each person in a step of a preset. Raises CommandError for one unknown."""
        if self.batch is not None:
            return self.batch
        if preset not in PRESETS:
            raise CommandError(f"There is no preset {preset!r}. There are: {', '.join(PRESETS)}.")
        return PRESETS[preset].batch

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Sizes:
        """The inverse of `asdict`, by way of JSON."""
        lists = {name: tuple(values[name]) for name in ("sweep", "sides")}
        return cls(**{**values, **lists})


@dataclass(frozen=True)
class Plan:
    """Stages in the order in which they are made, the most wanted first."""

    stages: tuple[Stage, ...]
    sizes: Sizes


FULL: Final = Plan(
    (
        Stage("device", limit=60),
        Stage("step", "standard-128", limit=150),
        Stage("step", "hd-256", limit=180),
        Stage("torch", "standard-128", limit=100),
        Stage("torch", "hd-256", limit=150),
        Stage("parts", "hd-256", limit=80),
        Stage("parts", "standard-128", limit=60),
        Stage("resume", "standard-128", limit=60),
        Stage("dispatch", "standard-128", limit=90),
        Stage("feed", "standard-128", limit=90),
        Stage("step", "classic-64", limit=120),
        Stage("torch", "classic-64", limit=90),
        Stage("devices", "standard-128", limit=60),
        Stage("step", "hd-256-liae", limit=120, least=60),
        Stage("step", "hd-512", limit=150, least=90),
        Stage("step", "standard-128-liae", limit=120, least=60),
        Stage("step", "light-128", limit=90, least=45),
        Stage("step", "light-64", limit=90, least=45),
    ),
    Sizes(),
)
"""For a graphics card."""

_TINY: Final = "rehearsal-32"

REHEARSAL: Final = Plan(
    tuple(
        Stage(kind, "" if kind == "device" else _TINY, limit=240, least=1)
        for kind in ("device", "step", "torch", "parts", "resume", "dispatch", "feed", "devices")
    ),
    Sizes(
        seconds=0.05,
        batch=2,
        steps=2,
        precision="bfloat16",
        sweep=(1, 2),
        calls=1,
        faces=120,
        sides=(64,),
        torch_compile=False,
        rehearsal=True,
    ),
)
"""The same stages at tiny sizes, for a CPU: what is wrong with them is seen before a graphics card
is at hand."""


def with_training(plan: Plan, minutes: float) -> Plan:
    """The plan with a training at its end that is examined against the exact truth."""
    if not minutes:
        return plan
    preset = plan.stages[1].preset
    training = Stage("train", preset, limit=60 * minutes + 300, least=60)
    return Plan((*plan.stages, training), replace(plan.sizes, minutes=minutes))


def only(plan: Plan, names: tuple[str, ...]) -> Plan:
    """The plan with those stages alone, by name or by kind; all of them for none.

    Raises CommandError for a name that no stage has.
    """
    known = {word for stage in plan.stages for word in (stage.name, stage.kind)}
    for name in names:
        if name not in known:
            raise CommandError(f"There is no stage '{name}'. Name some of: {', '.join(known)}.")
    kept = [one for one in plan.stages if not names or {one.name, one.kind} & set(names)]
    return replace(plan, stages=tuple(kept))
