"""How a source was searched, so that what is made anew in it is made the same way."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from engine.faces.align import Alignment
from engine.faces.turning import TURNS
from projects.faces import FaceIndex, ScanProgress


@dataclass(frozen=True)
class Searched:
    """The part of `engine.faces.scan.ScanSettings` that decides what one face looks like."""

    alignment: Alignment = Alignment.EYES_BRIDGE
    rotate: int = 0
    """Degrees by which frames are turned clockwise to be upright."""
    landmark_model: Path | None = None
    """None is the installed one; also where the file that was used is gone."""


def searched(index: FaceIndex, source: str) -> Searched:
    """How a source was searched; as by default where it was not searched here."""
    progress = index.progress(source)
    return _read("{}" if progress is None else progress.settings)


def usual_model(index: FaceIndex) -> Path | None:
    """The landmark model that most of the sources were searched with."""
    models = Counter(_read(scan.settings).landmark_model for scan in index.scans() if _own(scan))
    return max(models, key=models.__getitem__, default=None)


def _own(scan: ScanProgress) -> bool:
    return "landmark_model" in _fields(scan.settings)


def _read(settings: str) -> Searched:
    fields = _fields(settings)
    try:
        alignment = Alignment(str(fields.get("alignment")))
    except ValueError:
        alignment = Alignment.EYES_BRIDGE
    rotate, model = fields.get("rotate"), fields.get("landmark_model")
    file = Path(model) if isinstance(model, str) and model else None
    return Searched(
        alignment,
        rotate if isinstance(rotate, int) and rotate in TURNS else 0,
        file if file is not None and file.is_file() else None,
    )


def _fields(settings: str) -> dict[str, object]:
    try:
        found = json.loads(settings)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
