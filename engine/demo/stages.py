"""The demo's stages: their names on the display, their wall times, and what an earlier run did."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.reporting import Reporter
from projects.files import check_version, read_json, write_json
from projects.jobs import Requests

VERSION = 1
NAME = "demo.json"
NAMES = ("gather", "extract", "train", "convert", "report")


@dataclass
class Progress:
    """What the demo has done in this workspace so far; seconds of wall time a stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    trained: float = 0.0
    """Seconds of training in all runs, so that a second run knows whether any is left to do."""
    reference_trained: float = 0.0

    @classmethod
    def load(cls, folder: Path) -> Progress:
        """What is on disk, or nothing. Raises DamagedError."""
        path = folder / NAME
        if not path.exists():
            return cls()
        values: dict[str, Any] = read_json(path)
        check_version(path, values, VERSION)
        return cls(
            {str(name): float(value) for name, value in values.get("seconds", {}).items()},
            float(values.get("trained", 0.0)),
            float(values.get("reference_trained", 0.0)),
        )

    def save(self, folder: Path) -> None:
        """Write it. Raises SwapdeckError."""
        write_json(folder / NAME, {"version": VERSION, **asdict(self)})


class Stages:
    """Times stages and puts their names before what the work inside them says."""

    def __init__(self, reporter: Reporter, progress: Progress, folder: Path) -> None:
        self._reporter = reporter
        self._progress = progress
        self._folder = folder

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time a stage; its seconds are kept also when it is interrupted."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._progress.seconds[name] = time.monotonic() - began
            self._progress.save(self._folder)

    def reporter(self, title: str) -> Reporter:
        """A reporter whose stages are called `title: name`."""
        return _Titled(self._reporter, title)


class _Titled:
    """Passes everything on; stages get a title, results stay inside, for the demo has its own."""

    def __init__(self, reporter: Reporter, title: str) -> None:
        self._reporter = reporter
        self._title = title

    def event(self, kind: str, **fields: Any) -> None:
        if kind == "result":
            return
        if kind == "stage":
            fields["name"] = f"{self._title}: {fields['name']}"
        if kind == "progress":
            fields["stage"] = f"{self._title}: {fields['stage']}"
        self._reporter.event(kind, **fields)

    def check(self) -> Requests:
        return self._reporter.check()
