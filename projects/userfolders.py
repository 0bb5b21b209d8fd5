"""Folders of the user outside of any workspace (XDG Base Directory Specification 0.8)."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache() -> Path:
    """Where what can be made again is kept; it need not be there. $XDG_CACHE_HOME/swapdeck, else
    ~/.cache/swapdeck."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "swapdeck"
