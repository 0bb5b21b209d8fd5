"""The demo's stages: their names on the display, their wall times, and what an earlier run did."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.reporting import Reporter
from projects.jobs import Requests
from projects.texts import check_version, read_json, write_json

VERSION = 1
NAME = "demo.json"


@dataclass
class Progress:
    """What the demo has done in this workspace so far; seconds of wall time a stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    planned: float = 0.0
    """Seconds of training that the first run's budget left; 0 before that is known."""
    trained: dict[str, float] = field(default_factory=dict)
    """Seconds that each swap has been trained in all runs."""

    @classmethod
    def load(cls, folder: Path) -> Progress:
        """What is on disk, or nothing. Raises DamagedError."""
        path = folder / NAME
        if not path.exists():
            return cls()
        values: dict[str, Any] = read_json(path)
        check_version(path, values, VERSION)
        return cls(
            dict(values.get("seconds", {})),
            float(values.get("planned", 0.0)),
            dict(values.get("trained", {})),
        )

    def save(self, folder: Path) -> None:
        """Write it. Raises SwapdeckError."""
        write_json(folder / NAME, {"version": VERSION, **asdict(self)})


class Stages:
    """Times stages and puts their names before what the work inside them says."""

    def __init__(self, reporter: Reporter, progress: Progress, folder: Path) -> None:
        self.progress = progress
        self._reporter = reporter
        self._folder = folder

    @contextmanager
    def __call__(self, name: str, *, anew: bool = False) -> Iterator[None]:
        """Time a stage, also when it is interrupted; runs add up unless it is done `anew`."""
        began = time.monotonic()
        before = 0.0 if anew else self.progress.seconds.get(name, 0.0)
        try:
            yield
        finally:
            self.progress.seconds[name] = before + time.monotonic() - began
            self.progress.save(self._folder)

    def reporter(self, title: str) -> Titled:
        """A reporter whose stages are called `title: name`."""
        return Titled(self._reporter, title)


class Titled:
    """Passes everything on; stages get a title, and the demo has its own start and result."""

    def __init__(self, reporter: Reporter, title: str) -> None:
        self.trained = 0.0
        """Seconds of training that went by, by the last step that was told."""
        self._reporter = reporter
        self._title = title

    def event(self, kind: str, **fields: Any) -> None:
        if kind in ("started", "result"):
            return
        if kind == "step":
            self.trained = float(fields["seconds"])
        if kind == "stage":
            fields["name"] = self._named(str(fields["name"]))
        if kind == "progress":
            fields["stage"] = self._named(str(fields["stage"]))
        self._reporter.event(kind, **fields)

    def check(self) -> Requests:
        return self._reporter.check()

    def results(self) -> list[dict[str, Any]]:
        """None: the demo has one result, and its stages find out by themselves what is done."""
        return []

    def _named(self, stage: str) -> str:
        return self._title if self._title.startswith(stage) else f"{self._title}: {stage}"
