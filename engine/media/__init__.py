"""Videos and pictures in and out: frames with exact timestamps, and the original sound kept."""

from engine.media.codecs import EncodeSettings
from engine.media.errors import MediaError
from engine.media.info import MediaInfo, probe
from engine.media.outputs import WriteResult
from engine.media.reader import Frame, FrameReader, RawFrame, open_frames
from engine.media.sound import SoundComparison, compare_sound
from engine.media.writer import write_converted

__all__ = [
    "EncodeSettings",
    "Frame",
    "FrameReader",
    "MediaError",
    "MediaInfo",
    "RawFrame",
    "SoundComparison",
    "WriteResult",
    "compare_sound",
    "open_frames",
    "probe",
    "write_converted",
]
