"""Writing what was converted: the source with other pictures and everything else kept.

Kept exactly: timestamps and time base, variable frame rate, start offset, display rotation, pixel
aspect, colour tags, and every packet of every sound track, which is copied and never decoded.
"""

import errno
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError, InvalidDataError
from av.video.stream import VideoStream

from engine.media.colour import ColourTags, FromRgb, is_rgb
from engine.media.errors import MediaError
from engine.media.info import open_video, probe
from engine.media.orientation import Orientation, orientation_of
from engine.media.pictures import (
    PICTURE_SUFFIXES,
    is_picture_name,
    list_pictures,
    write_picture,
)
from engine.media.reader import Frame
from engine.media.sound import SoundCopier, misfit
from projects.files import folder_replacing, replacing

CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
Finish = Callable[[Path, Path, Path], None]
"""Called with a complete file, the name that it will have, and the footage it was made from."""
_FINE_CHROMA = {"422": "yuv422p", "444": "yuv444p"}


@dataclass(frozen=True)
class EncodeSettings:
    """How H.264 is encoded by libx264.

    crf: constant rate factor, 0 (lossless, large) to 51; each 6 more halve the size. 18 is hard to
    tell from the original. preset: "ultrafast" to "veryslow", time against size.
    """

    crf: int = 18
    preset: str = "medium"


@dataclass(frozen=True)
class WriteResult:
    """What was written. `warnings` are sentences about what could not be kept."""

    output: Path
    frames: int
    warnings: tuple[str, ...]


def default_suffix(source: Path) -> str:
    """The suffix for a result that keeps the source's kind of container; "" for a folder."""
    kind = probe(source).kind
    if kind == "images":
        return ""
    if kind == "image":
        return ".png"
    suffix = source.suffix.lower() if source.suffix.lower() in CONTAINERS else ".mp4"
    return ".mkv" if misfit(source, CONTAINERS[suffix]) else suffix


def check_fits(source: Path, output: Path) -> None:
    """Raise MediaError unless a file of `output`'s name can hold what `source` becomes."""
    kind = probe(source).kind
    if kind == "image" and not is_picture_name(output):
        kinds = ", ".join(sorted(PICTURE_SUFFIXES))
        raise MediaError(f"{output} has no name for a picture. End it with one of {kinds}.")
    if kind != "video":
        return
    if output.suffix.lower() not in CONTAINERS:
        kinds = ", ".join(CONTAINERS)
        raise MediaError(f"{output} has no name for a video. End it with one of {kinds}.")
    codec = misfit(source, CONTAINERS[output.suffix.lower()])
    if codec:
        raise MediaError(
            f"The sound of {source} is {codec}, which {output.suffix} files cannot hold as it is. "
            "Give the result a name that ends in .mkv."
        )


def write_converted(
    source: Path,
    output: Path,
    frames: Iterable[Frame],
    settings: EncodeSettings | None = None,
    finish: Finish | None = None,
) -> WriteResult:
    """Write `frames`, which were read from `source` and changed, as `output`.

    A video becomes H.264 with the source's sound, a picture a picture in the format of `output`'s
    name, a folder a folder of PNG files of the same names. `output` is complete or as it was
    before; an existing one is replaced. The frames are taken one at a time, in order. finish: what
    is to be done to every file when it is complete, before it gets its name.

    Raises MediaError when `source` has no frames or `output` cannot hold what it should, and
    SwapdeckError when the disk is full or not writable.
    """
    check_fits(source, output)
    match probe(source).kind:
        case "images":
            return _write_folder(source, output, frames, finish)
        case "image":
            return _write_image(source, output, frames, finish)
        case _:
            return _write_video(source, output, frames, settings or EncodeSettings(), finish)


def _write_image(
    source: Path, output: Path, frames: Iterable[Frame], finish: Finish | None
) -> WriteResult:
    frame = next(iter(frames), None)
    if frame is None:
        raise MediaError(f"{source} gave no picture to write.")
    with replacing(output) as temporary:
        write_picture(temporary, frame.image, like=source)
        if finish is not None:
            finish(temporary, output, source)
    return WriteResult(output, 1, ())


def _write_folder(
    source: Path, output: Path, frames: Iterable[Frame], finish: Finish | None
) -> WriteResult:
    pictures = list_pictures(source)
    names = png_names(pictures)
    count = 0
    with folder_replacing(output) as folder:
        for frame in frames:
            picture = folder / names[frame.index]
            write_picture(picture, frame.image, like=pictures[frame.index])
            if finish is not None:
                finish(picture, picture, pictures[frame.index])
            count += 1
        if count == 0:
            raise MediaError(f"{source} gave no picture to write.")
    return WriteResult(output, count, ())


def png_names(pictures: list[Path]) -> list[str]:
    """The names of the PNG files; an old suffix stays where two would fall together."""
    stems = [path.stem.casefold() for path in pictures]
    return [
        f"{path.stem}.png" if stems.count(path.stem.casefold()) == 1 else f"{path.name}.png"
        for path in pictures
    ]


def _write_video(
    source: Path,
    output: Path,
    frames: Iterable[Frame],
    settings: EncodeSettings,
    finish: Finish | None,
) -> WriteResult:
    with ExitStack() as stack:
        original, stream = stack.enter_context(open_video(source))
        template = _Template.of(source, original, stream)
        waiting = iter(frames)
        first = next(waiting, None)
        if first is None:
            raise MediaError(f"{source} gave no frame to write.")
        sound = stack.enter_context(open_video(source))[0]
        temporary = stack.enter_context(replacing(output))
        try:
            with av.open(str(temporary), "w", options=_muxer_options(output, template)) as target:
                video = _video_stream(target, template, settings)
                target.metadata.update(original.metadata)
                copier = SoundCopier(sound, target)
                count = _encode(chain((first,), waiting), target, video, template, copier)
                if original.chapters():
                    target.set_chapters(original.chapters())
        except FFmpegError as error:
            raise _write_failure(error, output) from error
        if finish is not None:
            finish(temporary, output, source)
    warnings = [copier.warning] if copier.warning else []
    left_out = len(original.streams.subtitles) + len(original.streams.video) - 1
    if left_out > 0:
        warnings.append(
            f"{source.name} has {left_out} more track{'s' if left_out > 1 else ''} (subtitles or "
            "pictures) that the result does not: it has the first video and all sound."
        )
    return WriteResult(output, count, tuple(warnings))


@dataclass(frozen=True)
class _Template:
    """What the written video takes over from the source; sizes are those of the stored frames."""

    width: int
    height: int
    pix_fmt: str
    tags: ColourTags
    time_base: Fraction
    rate: Fraction
    aspect: Fraction | None
    orientation: Orientation

    @classmethod
    def of(cls, source: Path, container: InputContainer, stream: VideoStream) -> "_Template":
        frame = next(_first_frames(container, stream), None)
        if frame is None:
            raise MediaError(f"Not one frame of {source} can be decoded.")
        name = frame.format.name
        tags = ColourTags(
            2 if name.startswith("yuvj") else frame.color_range,
            frame.colorspace,
            frame.color_primaries,
            frame.color_trc,
        )
        if is_rgb(name):
            tags = ColourTags(1, 1, tags.primaries, tags.transfer)
        odd = frame.width % 2 or frame.height % 2
        fine = next((f for key, f in _FINE_CHROMA.items() if key in name), "yuv420p")
        return cls(
            width=frame.width,
            height=frame.height,
            # chroma planes of half size need an even frame: one of odd size keeps full chroma
            pix_fmt="yuv444p" if odd or is_rgb(name) else fine,
            tags=tags,
            time_base=stream.time_base or Fraction(1, 90_000),
            rate=stream.average_rate or stream.guessed_rate or Fraction(25),
            aspect=stream.sample_aspect_ratio,
            orientation=orientation_of(frame),
        )


def _first_frames(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except InvalidDataError:
            continue


def _video_stream(
    target: OutputContainer, template: _Template, settings: EncodeSettings
) -> VideoStream:
    options = {"crf": str(settings.crf), "preset": settings.preset}
    stream = target.add_stream("libx264", rate=template.rate, options=options)
    stream.width, stream.height = template.width, template.height
    stream.pix_fmt = template.pix_fmt
    stream.time_base = template.time_base
    context = stream.codec_context
    context.time_base = template.time_base
    context.color_range = template.tags.range
    context.colorspace = template.tags.matrix
    context.color_primaries = template.tags.primaries
    context.color_trc = template.tags.transfer
    if template.aspect:
        context.sample_aspect_ratio = template.aspect
    if template.orientation.matrix is not None:
        stream.set_display_matrix(template.orientation.matrix)
    return stream


def _muxer_options(output: Path, template: _Template) -> dict[str, str]:
    if output.suffix.lower() == ".mkv":
        return {}
    # Left alone, the muxer doubles a coarse time base until it is finer than 1/10000 s.
    return {
        "movflags": "+faststart",
        "video_track_timescale": str(template.time_base.denominator),
    }


def _encode(
    frames: Iterable[Frame],
    target: OutputContainer,
    video: VideoStream,
    template: _Template,
    copier: SoundCopier,
) -> int:
    to_yuv = FromRgb(template.pix_fmt, template.tags)
    count = 0
    for frame in frames:
        image = template.orientation.stored(frame.image)
        _check_size(image, template)
        picture = to_yuv(image)
        picture.pts = frame.pts
        picture.time_base = template.time_base
        copier.copy_until(frame.time)
        target.mux(video.encode(picture))
        count += 1
    target.mux(video.encode(None))
    copier.copy_until(None)
    return count


def _check_size(image: npt.NDArray[np.uint8], template: _Template) -> None:
    if image.shape[:2] != (template.height, template.width):
        raise MediaError(
            f"A frame of {image.shape[1]}x{image.shape[0]} pixels cannot go into a video of "
            f"{template.width}x{template.height}: the source changes its size on the way. Convert "
            "the parts of each size by themselves."
        )


def _write_failure(error: FFmpegError, output: Path) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES):
        return OSError(error.errno, error.strerror, str(output))
    return MediaError(f"{output} could not be written ({error.strerror}).")
