"""The movement of faces from frame to frame, where only their places are known so far."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from engine.conversion.tracks import Seen, unmoved
from engine.conversion.windows import stamps_of
from engine.faces.motion import Upright, moved, upright
from engine.faces.picture import Picture
from engine.media import RawFrame, open_frames
from engine.media.ahead import ahead


def with_motion(source: Path, seen: Seen, window: range | None = None) -> Seen:
    """What was seen in a source, with how every face moves from frame to frame.

    window: the frames in which that is wanted, instead of all; from a key frame before them on, no
    other is read. What has its movement already comes back as it is. Raises MediaError.
    """
    if all(track.motion is not None for track in seen.tracks):
        return seen
    wanted = range(seen.frames) if window is None else window
    stamps = None if window is None else stamps_of(source)
    at = None if stamps is None else stamps[wanted.start]
    with open_frames(source, wanted.start, at) as reader, closing(ahead(reader.raw(), 2)) as frames:
        return _followed(frames, seen, wanted)


def _followed(frames: Iterable[RawFrame], seen: Seen, wanted: range) -> Seen:
    motions = [unmoved(len(track.frames)) for track in seen.tracks]
    rows = [
        {frame: row for row, frame in enumerate(track.frames.tolist())} for track in seen.tracks
    ]
    before: dict[int, Upright] = {}
    for frame in frames:
        if frame.index >= wanted.stop:
            break
        now: dict[int, Upright] = {}
        if frame.index in wanted:
            picture = Picture(frame.image)
            for number, track in enumerate(seen.tracks):
                row = rows[number].get(frame.index)
                if row is None:
                    continue
                now[number] = upright(picture, track.landmarks[row])
                if number in before:
                    move = moved(before[number], now[number])
                    if move is not None:
                        motions[number][row] = move
        before = now
    tracks = tuple(
        replace(track, motion=motion) for track, motion in zip(seen.tracks, motions, strict=True)
    )
    return replace(seen, tracks=tracks)
