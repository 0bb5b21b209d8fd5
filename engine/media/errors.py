"""What can be wrong with a video or a picture, said so that it can be mended."""

from projects.errors import SwapdeckError


class MediaError(SwapdeckError):
    """A file that cannot be read or written as a video or picture; the text says what to do."""
