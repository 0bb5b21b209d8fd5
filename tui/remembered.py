"""Where somebody was in a dashboard, so that it opens there again.

In the person's own state folder and not in the workspace, which may be read-only or another's too.
A file that is damaged, or of another version, is as good as none: nothing depends on it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from projects.errors import SwapdeckError
from projects.texts import check_version, read_json, write_json
from tui.actions import MODES
from tui.settings import own_folder

VERSION = 1
LONGEST_KEY = 4_096


@dataclass(frozen=True)
class Place:
    """A row of a mode, and whether its details fill the screen."""

    key: str = ""
    opened: bool = False


@dataclass(frozen=True)
class Remembered:
    """The mode that was shown, the place in each, the theme that was chosen ("" for none)."""

    mode: str = next(iter(MODES))
    places: Mapping[str, Place] = field(default_factory=dict)
    theme: str = ""


def state_path(root: Path) -> Path | None:
    """Where it is kept for the workspace at `root`: in $XDG_STATE_HOME, else ~/.local/state; None
    where nobody knows a home."""
    folder = own_folder("XDG_STATE_HOME", ".local/state")
    name = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    return None if folder is None else folder / f"dashboard-{name}.json"


def recall(path: Path) -> Remembered:
    """What was remembered; the beginning where nothing was, or nothing that can be read."""
    if not path.is_file():
        return Remembered()
    try:
        document = read_json(path)
        check_version(path, document, VERSION)
        mode, theme = document.get("mode"), document.get("theme")
        places = document.get("places")
        return Remembered(
            mode if isinstance(mode, str) and mode in MODES else Remembered.mode,
            {
                name: Place(place["key"][:LONGEST_KEY], place.get("opened") is True)
                for name, place in (places if isinstance(places, dict) else {}).items()
                if name in MODES and isinstance(place, dict) and isinstance(place.get("key"), str)
            },
            theme if isinstance(theme, str) else "",
        )
    except (SwapdeckError, AttributeError):
        return Remembered()


def remember(path: Path, remembered: Remembered) -> None:
    """Keep it, complete or not at all. Where that cannot be, the next start is at the beginning."""
    with suppress(SwapdeckError, OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_json(path, {"version": VERSION, **asdict(remembered)})
