"""What can be wrong with a video or a picture, said so that it can be mended."""

from pathlib import Path

from engine import blackbox
from projects.errors import SwapdeckError


class MediaError(SwapdeckError):
    """A file that cannot be read or written as a video or picture; the text says what to do."""


def refuse_left_out(path: Path) -> None:
    """Raise MediaError for a file whose decoder crashed or hung earlier in this job."""
    if reason := blackbox.left_out(path):
        raise MediaError(reason)
