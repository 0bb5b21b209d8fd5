"""Which choices are tried: each changes one thing of the defaults.

They come from the table of options, so that a new option is tried as soon as it is in the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from engine.conversion.settings import ConvertSettings
from engine.faces.align import Alignment
from projects.conversion_options import PICTURE_OPTIONS
from projects.errors import CommandError
from projects.options import Option

DEFAULTS: Final = "defaults"
NAIVE: Final = "naive"
UNCHANGED: Final = "target unchanged"
NO_CHOICES: Final = (DEFAULTS, NAIVE, UNCHANGED)

_TRIED: Final[dict[str, tuple[Any, ...]]] = {
    "erode": (-10.0, -5.0, 5.0, 10.0),
    "feather": (0.0, 6.0, 20.0, 30.0),
    "smooth": (1, 5, 9, 13, 21),
    "outline": (0.0, 0.5, 1.0),
    "grain": (0.0, 0.5, 1.0),
    "sharpen": (-0.3, 0.3),
    "scale": (0.96, 1.04),
    "opacity": (0.6, 0.8),
}
"""Of numbers; those of others are half the way to their bounds."""
_ONLY_NAMED: Final = frozenset({"opacity"})
"""What is no question of quality, but of who is still recognised."""
_ALIGNMENT: Final = "alignment"
"""What a trained model has settled already, so that only the oracle can tell."""

_NAIVE: Final[dict[str, Any]] = {
    "mask": "hull",
    "erode": 0.0,
    "feather": 26.0,
    "colour": "lab",
    "blend": "feather",
    "grain": 0.0,
    "sharpness": 0.0,
    "occlusion": False,
    "placement": "target",
    "smooth": 1,
}
"""Raw landmarks, mean and standard deviation of the colours, a feathered outline."""


@dataclass(frozen=True)
class Variant:
    """One row: what it is a choice of, what was chosen, and all settings."""

    stage: str
    choice: str
    settings: ConvertSettings

    @property
    def name(self) -> str:
        return f"{self.stage} {self.choice}".rstrip()


def variants(
    base: ConvertSettings, only: Sequence[str] = (), *, trained: bool = False
) -> Iterator[Variant]:
    """The defaults, the naive pipeline, then one choice changed at a time.

    only: the stages to try, all where it is empty. Raises CommandError for one that there is not.
    """
    tried = _choices(trained=trained)
    for stage in only:
        if stage not in tried:
            raise CommandError(
                f"There is no choice of '{stage}'. Name some of: {', '.join(tried)}."
            )
    yield Variant(DEFAULTS, "", base)
    yield Variant(NAIVE, "", replace(base, **_NAIVE))
    if not trained:
        naive = replace(base, **_NAIVE, alignment=Alignment.INNER)
        yield Variant(NAIVE, "on all points", naive)
    for stage in only or [name for name in tried if name not in _ONLY_NAMED]:
        for value in tried[stage]:
            if value != getattr(base, stage):
                yield Variant(stage, _shown(value), replace(base, **{stage: value}))


def _choices(*, trained: bool) -> dict[str, tuple[Any, ...]]:
    choices = {
        option.name: _values(option)
        for option in PICTURE_OPTIONS
        if option.kind not in ("text", "path", "date")
    }
    return choices if trained else {**choices, _ALIGNMENT: tuple(Alignment)}


def _values(option: Option) -> tuple[Any, ...]:
    if option.kind == "choice":
        return option.choices
    if option.kind == "bool":
        return (False, True)
    if option.name in _TRIED:
        return _TRIED[option.name]
    start = float(option.default or 0)
    ends = [end for end in (option.minimum, option.maximum) if end is not None and end != start]
    half = [(start + end) / 2 for end in ends]
    return tuple(round(value) if option.kind == "int" else value for value in half)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else f"{value}"
