"""Looking at a few frames of a video without reading all of it."""

from collections.abc import Generator, Iterable, Sequence
from fractions import Fraction
from itertools import takewhile
from pathlib import Path

from engine.conversion.search import Eyes, search_frames
from engine.conversion.tracks import Seen
from engine.media import Frame, open_frames, probe
from engine.media.info import open_video
from engine.media.reader import frame_stamps
from engine.reporting import Reporter
from projects.errors import CommandError


def windows(wanted: Iterable[int], around: int, last: int) -> list[range]:
    """The frames around the wanted ones, up to `last`; those that touch are one."""
    found: list[range] = []
    for frame in sorted(wanted):
        begin, end = max(0, frame - around), min(last, frame + around) + 1
        if found and begin <= found[-1].stop:
            found[-1] = range(found[-1].start, end)
        else:
            found.append(range(begin, end))
    return found


def stamps_of(source: Path) -> list[int] | None:
    """The timestamps of a video's frames; None for pictures, which need none."""
    return frame_stamps(source) if probe(source).kind == "video" else None


def frame_times(source: Path) -> list[float]:
    """When each frame of a source is shown, in seconds from the first; pictures of a folder count
    one a second. Raises MediaError."""
    info = probe(source)
    if info.kind != "video":
        return [float(number) for number in range(info.frames or 1)]
    with open_video(source) as (_, stream):
        time_base = stream.time_base or Fraction(1, 90_000)
    stamps = frame_stamps(source)
    return [float((stamp - stamps[0]) * time_base) for stamp in stamps]


def check_frames(source: Path, wanted: Sequence[int], stamps: Sequence[int] | None) -> int:
    """The number of the last frame. Raises CommandError where a wanted one is not there."""
    count = len(stamps) if stamps is not None else probe(source).frames or 1
    for frame in wanted:
        if not 0 <= frame < count:
            raise CommandError(
                f"{source} has no frame {frame}. Its frames are numbered from 0 to {count - 1}."
            )
    return count - 1


def frames_in(
    source: Path, window: range, stamps: Sequence[int] | None
) -> Generator[Frame, None, None]:
    """The frames of a window, from the key frame before it on."""
    at = None if stamps is None else stamps[window.start]
    with open_frames(source, window.start, at) as reader:
        yield from takewhile(lambda frame: frame.index < window.stop, reader)


def search_window(
    source: Path, window: range, stamps: Sequence[int] | None, eyes: Eyes, reporter: Reporter
) -> Seen:
    """Everybody in the frames of a window; tracks are numbered within it."""
    at = None if stamps is None else stamps[window.start]
    with open_frames(source, window.start, at) as reader:
        some = takewhile(lambda frame: frame.index < window.stop, reader.raw())
        alone = reader.info.kind == "image"
        return search_frames(some, len(window), eyes, reporter, alone=alone)
