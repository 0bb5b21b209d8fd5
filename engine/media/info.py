"""What a video, picture or folder of pictures is, and plain words for why one cannot be used."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream

from engine import blackbox
from engine.media.errors import MediaError, refuse_left_out
from engine.media.orientation import orientation_of
from engine.media.pictures import (
    MAX_PIXELS,
    is_picture_name,
    list_pictures,
    picture_format,
    picture_size,
    too_large,
)

Kind = Literal["video", "image", "images"]

FORMATS = (
    "matroska,mov,avi,asf,flv,gif,apng,mpegts,mpeg,mpegvideo,mxf,mxf_opatom,ogg,dv,gxf,nut,ivf,obu,"
    "h264,hevc,av1,vc1,m4v,mjpeg,yuv4mpegpipe,rm,wtv,swf,wav,w64,mp3,aac,flac,ac3,eac3,aiff,caf,amr"
)
"""FFmpeg's names of what is read: files that hold their own bytes. Playlists (HLS, DASH, concat)
are not among them, because they name other files and hosts to read from."""


@dataclass(frozen=True)
class MediaInfo:
    """A source as its headers describe it.

    `width` and `height` are the upright frame's in pixels; for a folder, its first picture's.
    `frames` is what is declared, and may be a few more than can be decoded. `duration` is in
    seconds, `rotation` the clockwise turn for display in degrees, `audio` the number of tracks.
    """

    path: Path
    kind: Kind
    width: int
    height: int
    frames: int | None
    rate: Fraction | None
    duration: float | None
    rotation: int
    audio: int
    codec: str
    pix_fmt: str


def probe(path: Path) -> MediaInfo:
    """Describe a video, a picture or a folder of pictures; the first frame is decoded to be sure.

    Raises MediaError: missing, empty, damaged, no video stream, a picture with a video's name.
    """
    if path.is_dir():
        pictures = list_pictures(path)
        width, height = _first_size(path, pictures)
        return MediaInfo(
            path, "images", width, height, len(pictures), None, None, 0, 0, "images", "rgb24"
        )
    require_content(path)
    if is_picture_name(path):
        width, height = picture_size(path)
        codec = (picture_format(path) or "picture").lower()
        return MediaInfo(path, "image", width, height, 1, None, None, 0, 0, codec, "rgb24")
    with open_video(path) as (container, stream):
        return _describe(path, container, stream)


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The open container of a video file and the stream that is its picture.

    Raises MediaError as `probe` does, except that no frame has been decoded yet.
    """
    require_content(path)
    refuse_left_out(path)
    kind = picture_format(path)
    if kind is not None:
        suffix = {"JPEG": ".jpg", "TIFF": ".tif"}.get(kind, f".{kind.lower()}")
        raise MediaError(
            f"{path} is a picture ({kind}) with the name of a video. "
            f"Rename it to {path.stem}{suffix} to use it."
        )
    with ExitStack() as stack:
        noted = stack.enter_context(blackbox.reading(path))
        try:
            with noted.busy():
                container = stack.enter_context(
                    av.open(
                        f"file:{path.absolute()}",
                        metadata_errors="replace",
                        options={"format_whitelist": FORMATS, "protocol_whitelist": "file"},
                    )
                )
        except FFmpegError as error:
            raise MediaError(
                f"{path} cannot be read as a video ({error.strerror}). It may be damaged, not "
                "finished downloading, or no video at all: play it to see, and fetch it again."
            ) from error
        streams = [s for s in container.streams.video if not _is_cover(s)]
        if not streams:
            what = "only sound" if container.streams.audio else "no video"
            raise MediaError(
                f"{path} holds {what}, no moving picture. Name a file with video in it."
            )
        codec = streams[0].codec_context
        if codec is None:  # PyAV's types do not say so
            raise MediaError(undecodable(str(path)))
        if codec.width * codec.height > MAX_PIXELS:
            raise MediaError(too_large(path))
        codec.options = {"max_pixels": str(MAX_PIXELS)}  # for what the header does not admit
        yield container, streams[0]


def undecodable(name: str) -> str:
    """What is said of a video whose codec is not in the installed FFmpeg."""
    return (
        f"{name} holds video of a kind that cannot be decoded here. Convert it to H.264 or ProRes "
        "with the program that made it."
    )


def require_content(path: Path) -> None:
    """Raise MediaError unless `path` is a file that can be read and has bytes in it."""
    try:
        if path.exists() and not path.is_file():
            # A pipe or a device may never end, or never begin.
            raise MediaError(f"{path} is no file that can be read from its start to its end.")
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError as error:
        raise MediaError(f"There is no file {path}.") from error
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}.") from error
    if empty:
        raise MediaError(f"{path} is empty. Copy or download it again.")


def declared_frames(stream: VideoStream) -> int | None:
    """How many frames the headers promise, None where no count is stored."""
    return int(stream.frames) or None


def declared_duration(stream: VideoStream) -> float | None:
    """Seconds of video that the headers promise, None where they say nothing about this stream."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    written = stream.metadata.get("DURATION", "")  # Matroska keeps it as 00:00:10.500000000
    try:
        hours, minutes, seconds = written.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None


def no_frame_error(path: Path) -> MediaError:
    """The error for a video in which nothing can be decoded."""
    return MediaError(
        f"Not one frame of {path} can be decoded. It is damaged, cut short, or in a format that is "
        "not supported: play it to see, and fetch or export it again."
    )


def _describe(path: Path, container: InputContainer, stream: VideoStream) -> MediaInfo:
    stream.thread_type = "NONE"  # one frame only: threads would cost more than they give
    first = None
    try:
        with blackbox.reading(path) as noted, noted.busy():
            for packet in container.demux(stream):
                try:
                    first = next(iter(packet.decode()), None)
                except av.error.InvalidDataError:
                    continue
                if first is not None:
                    break
    except FFmpegError as error:
        raise no_frame_error(path) from error
    if first is None:
        raise no_frame_error(path)
    turn = orientation_of(first)
    width, height = first.width, first.height
    if turn.transpose:
        width, height = height, width
    duration = declared_duration(stream)
    if duration is None and container.duration is not None:
        duration = container.duration / av.time_base
    return MediaInfo(
        path=path,
        kind="video",
        width=width,
        height=height,
        frames=declared_frames(stream),
        rate=stream.average_rate or stream.guessed_rate,
        duration=duration,
        rotation=turn.rotation,
        audio=len(container.streams.audio),
        codec=stream.codec_context.name,
        pix_fmt=first.format.name,
    )


def _first_size(folder: Path, pictures: list[Path]) -> tuple[int, int]:
    for picture in pictures:
        try:
            return picture_size(picture)
        except MediaError:
            continue
    raise MediaError(f"None of the pictures in {folder} can be read. Copy or export them again.")


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & Disposition.attached_pic)
