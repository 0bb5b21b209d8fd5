"""What gathering may fetch, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Duplicates = Literal["keep", "skip"]
LICENCES = {
    "any": "",
    "public-domain": "Public",
    "share": "Share",
    "share-commercially": "ShareCommercially",
    "modify": "Modify",
    "modify-commercially": "ModifyCommercially",
}
"""What --licence takes, and what search services call it."""


@dataclass(frozen=True)
class GatherSettings:
    """Limits on what is brought in. Sizes in bytes, times in seconds, `resolution` in rows.

    start, end: the part of each video that is wanted. duplicates: what becomes of a picture or
    video that looks like one that is there; None keeps what was named and skips what a search
    found. timeout: how long a server may be silent; slowest: bytes a second over `patience`
    seconds, below which a download is given up; wait: seconds before the first retry, doubled for
    each one after it.
    """

    allow_private: bool = False
    max_size: int = 4_000_000_000
    max_duration: float | None = None
    resolution: int | None = None
    start: float | None = None
    end: float | None = None
    videos: int = 1
    duplicates: Duplicates | None = None
    timeout: float = 20.0
    patience: float = 30.0
    slowest: int = 500
    retries: int = 5
    wait: float = 1.0

    @property
    def wants_part(self) -> bool:
        """Whether only a part of each video is to be taken."""
        return self.start is not None or self.end is not None


@dataclass(frozen=True)
class Search:
    """An image search: the words, how many pictures, which licence, how large (pixels)."""

    words: str
    count: int = 50
    licence: str = "any"
    min_width: int = 0
    min_size: int = 256
    service: str = "duckduckgo"
