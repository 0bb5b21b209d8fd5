"""Putting encoded stretches, and everything beside the picture, into one file."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from engine.media.codecs import EncodeSettings
from engine.media.companions import Companions
from engine.media.encode import EncodedPart, add_video
from engine.media.errors import MediaError
from engine.media.info import open_video
from engine.media.template import Template

Load = Callable[[], EncodedPart]


def assemble(
    source: Path | None,
    file: Path,
    name: Path,
    parts: Sequence[Load],
    template: Template,
    settings: EncodeSettings,
    span: tuple[int, int] | None = None,
) -> list[str]:
    """Write the stretches in their order as `file`, which will be called `name`; warnings.

    source: the video whose other tracks, tags and chapters are taken over; None for none. parts:
    each loads one, so that only one is in memory. span: the first stamp that belongs to the result
    and the one at which it ends, where that is a part of the source; the result then begins at 0.
    Timestamps are those of the stretches, exactly. Raises MediaError, and OSError for a full disk.
    """
    stamps = [load().stamps for load in parts]
    order = np.sort(np.concatenate(stamps))
    delay = _delay(np.concatenate(stamps), order)
    shift = 0 if span is None else span[0]
    with ExitStack() as stack:
        try:
            target = stack.enter_context(
                av.open(str(file), "w", options=_muxer_options(name, template))
            )
            video = add_video(target, template, settings)
            companions = None
            if source is not None:
                original = stack.enter_context(open_video(source))[0]
                begin, end = _seconds(span, template)
                target.metadata.update(original.metadata)
                companions = Companions(original, target, begin, end)
                if original.chapters() and span is None:
                    target.set_chapters(original.chapters())
            _write(target, video, parts, template, order, delay, shift, companions)
        except FFmpegError as error:
            raise write_failure(error, name) from error
        return [companions.warning] if companions is not None and companions.warning else []


def _write(
    target: OutputContainer,
    video: VideoStream,
    parts: Sequence[Load],
    template: Template,
    order: np.ndarray[tuple[int], np.dtype[np.int64]],
    delay: int,
    shift: int,
    companions: Companions | None,
) -> None:
    target.start_encoding()
    header = video.codec_context.extradata or b""
    first = int(order[0])
    step = int(order[1]) - first if len(order) > 1 else template.step()
    number = 0
    for load in parts:
        part = load()
        if part.header.tobytes() != header:
            raise MediaError(
                "Parts of this conversion were encoded by another version of the encoder. Clear "
                "them with: swapdeck cache clear segments - and convert again."
            )
        for data, stamp, key in part.packets():
            decoded = (
                int(order[number - delay]) if number >= delay else (first - (delay - number) * step)
            )
            if companions is not None:
                companions.copy_until(decoded * template.time_base)
            packet = Packet(data)
            packet.stream = video
            packet.time_base = template.time_base
            packet.pts, packet.dts = stamp - shift, decoded - shift
            packet.is_keyframe = key
            target.mux_one(packet)
            number += 1
    if companions is not None:
        companions.copy_until(None)


def _delay(
    stamps: np.ndarray[tuple[int], np.dtype[np.int64]],
    order: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> int:
    """By how many frames decoding must run ahead so that none is decoded after it is shown."""
    shown = np.searchsorted(order, stamps)
    return max(0, int((np.arange(len(stamps)) - shown).max()))


def _seconds(
    span: tuple[int, int] | None, template: Template
) -> tuple[Fraction | None, Fraction | None]:
    if span is None:
        return None, None
    return span[0] * template.time_base, span[1] * template.time_base


def _muxer_options(output: Path, template: Template) -> dict[str, str]:
    if output.suffix.lower() == ".mkv":
        return {}
    # Left alone, the muxer doubles a coarse time base until it is finer than 1/10000 s.
    return {
        "movflags": "+faststart",
        "video_track_timescale": str(template.time_base.denominator),
    }


def write_failure(error: FFmpegError, output: Path) -> Exception:
    """What a failed write is to whoever asked for it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES):
        return OSError(error.errno, error.strerror, str(output))
    return MediaError(f"{output} could not be written ({error.strerror}).")
