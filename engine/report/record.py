"""What a conversion leaves beside its result, so that a report can measure it later."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from projects.errors import DamagedError
from projects.swaps import Swap
from projects.texts import check_version, read_json, write_json

VERSION = 1
SUFFIX = ".conversion.json"


@dataclass(frozen=True)
class ConversionRecord:
    """One conversion. Paths are absolute; `seconds` is wall time."""

    input: str
    output: str
    step: int
    frames: int
    faces: int
    seconds: float
    reverse: bool = False
    alignment: str = "eyes-bridge"
    cast: list[list[str]] = field(default_factory=list)
    """Who was replaced, as the command named them, and the swap that did it."""
    tracks: list[dict[str, Any]] = field(default_factory=list)
    """What became of every head, replaced or left alone, and why; see `casting.Fate`."""
    settings: dict[str, Any] = field(default_factory=dict)
    """How the picture was made and the file encoded; see `ConvertSettings`."""
    span: list[int] | None = None
    """The footage's frames that became the result, the first and the one after the last; all of
    them when None."""
    truth: str | None = None
    truth_mask: str | None = None
    anonymity: dict[str, dict[str, Any]] = field(default_factory=dict)
    """For a conversion that was to anonymise: what was found of each person, by their slug; see
    `engine.quality.anonymity.Anonymity`."""

    @property
    def part(self) -> range | None:
        """`span` as a range. Raises DamagedError."""
        if self.span is None:
            return None
        if len(self.span) != 2 or not all(isinstance(end, int) for end in self.span):
            raise DamagedError(
                f"The record of {Path(self.output).name} is damaged. Convert again to measure it."
            )
        return range(max(0, self.span[0]), self.span[1])

    @property
    def first(self) -> int:
        """The footage's frame that is the result's first. Raises DamagedError."""
        return 0 if self.part is None else self.part.start


def save_record(swap: Swap, record: ConversionRecord) -> Path:
    """Write the record into the swap's results. Raises SwapdeckError."""
    path = swap.results_dir / f"{Path(record.output).name}{SUFFIX}"
    write_json(path, {"version": VERSION, **asdict(record)})
    return path


def list_records(swap: Swap) -> list[ConversionRecord]:
    """The swap's conversions by their files' names.

    Raises DamagedError or NewerVersionError for a record that cannot be read.
    """
    if not swap.results_dir.is_dir():
        return []
    return [_load(path) for path in sorted(swap.results_dir.glob(f"*{SUFFIX}"))]


def _load(path: Path) -> ConversionRecord:
    values: dict[str, Any] = read_json(path)
    check_version(path, values, VERSION)
    known = {one.name for one in fields(ConversionRecord)}
    try:
        return ConversionRecord(**{key: value for key, value in values.items() if key in known})
    except TypeError as error:
        raise DamagedError(
            f"{path} is not complete. Delete it and convert again to have this result in a report."
        ) from error
