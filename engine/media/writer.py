"""Writing what was converted in one go: the source with other pictures and everything else kept."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from engine.media.assemble import Load
from engine.media.codecs import EncodeSettings
from engine.media.encode import EncodedPart
from engine.media.errors import MediaError
from engine.media.outputs import Finish, WriteResult, plan_output, put_together
from engine.media.reader import Frame

_MOST: Final = 240


def write_converted(
    source: Path,
    output: Path,
    frames: Iterable[Frame],
    settings: EncodeSettings | None = None,
    finish: Finish | None = None,
) -> WriteResult:
    """Write `frames`, which were read from `source` and changed, as `output`; see `plan_output` for
    what it becomes and `put_together` for `finish`. What is encoded is held in memory until the
    end; a conversion that is to be resumed encodes in segments instead.

    Raises MediaError when `source` has no frames or `output` cannot hold what it should, and
    SwapdeckError when the disk is full or not writable.
    """
    plan = plan_output(source, output, settings or EncodeSettings())
    parts: list[Load] = []
    encoder = plan.encoder()
    for frame in frames:
        if encoder.frames == _MOST:
            parts.append(_held(encoder.finish()))
            encoder = plan.encoder()
        encoder.add(frame)
    if not encoder.frames:
        raise MediaError(f"{source} gave no frame to write.")
    parts.append(_held(encoder.finish()))
    return put_together(plan, parts, finish)


def _held(part: EncodedPart) -> Load:
    return lambda: part
