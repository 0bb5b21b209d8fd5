"""Videos and pictures in and out: frames with exact timestamps, and the original sound kept."""

from engine.media.errors import MediaError
from engine.media.info import MediaInfo, probe
from engine.media.reader import Frame, FrameReader, open_frames

__all__ = ["Frame", "FrameReader", "MediaError", "MediaInfo", "open_frames", "probe"]
