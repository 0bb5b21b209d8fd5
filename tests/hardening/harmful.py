"""What the watchers must notice: hanging, dying, writing elsewhere, losing a file, an odd error."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any


def answer(request: dict[str, Any]) -> dict[str, str]:
    """As `targets.answer`, for the one request that is in the target's name."""
    match request["target"]:
        case "endless":
            while True:
                signal.pause()
        case "dies":
            os.abort()
    from tests.hardening import targets

    def escape(root: Path, path: Path) -> None:
        (root.parent.parent / "swapdeck-escaped").touch()

    def forget(root: Path, path: Path) -> None:
        (root / "people" / "ada" / "person.toml").unlink()

    def stumble(root: Path, path: Path) -> None:
        raise KeyError("a")

    targets.TARGETS.update({"escapes": escape, "forgets": forget, "stumbles": stumble})
    return targets.answer(request)
