"""The tracks of an input, listed with a picture of each, so that a user can name one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from engine.conversion.casting import Fate, Role
from engine.conversion.tracks import Seen, Track
from engine.conversion.windows import frames_in, stamps_of
from engine.faces.align import Alignment, crop, fit_transform
from engine.media.pictures import save_png
from engine.reporting import Reporter
from projects.files import folder_replacing, write_errors
from projects.texts import write_json

VERSION: Final = 1
FILE: Final = "tracks.json"
_SIDE: Final = 160
_MARGIN: Final = 1.6


def list_tracks(
    source: Path,
    seen: Seen,
    fates: Sequence[Fate],
    roles: Sequence[Role],
    folder: Path,
    reporter: Reporter,
) -> list[dict[str, Any]]:
    """Fill `folder`, complete or not at all, with a picture a track and FILE; the same as values.

    Each track has `track`, `name` ("track:3"), `first`, `last`, `seen` (frames), `picture` (a name
    in the folder), `frame` (the one it is of), and what `Fate.as_dict` says of it.
    """
    rows = []
    pictures = _pictures(source, seen, reporter)
    with write_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with folder_replacing(folder) as temporary:
        for track, fate in zip(seen.tracks, fates, strict=True):
            name = f"track-{track.number}.png"
            if track.number in pictures:
                save_png(temporary / name, pictures[track.number])
            rows.append(
                {
                    **fate.as_dict(roles),
                    "name": f"track:{track.number}",
                    "picture": name if track.number in pictures else None,
                    "frame": track.clearest,
                }
            )
        write_json(
            temporary / FILE,
            {
                "version": VERSION,
                "input": str(source.absolute()),
                "frames": seen.frames,
                "cast": [role.who for role in roles],
                "tracks": rows,
            },
        )
    return rows


def _pictures(source: Path, seen: Seen, reporter: Reporter) -> dict[int, Any]:
    """Every track's face, uint8 [S, S, 3] RGB, in the frame that shows it best."""
    wanted: dict[int, list[Track]] = {}
    for track in seen.tracks:
        wanted.setdefault(track.clearest, []).append(track)
    stamps = stamps_of(source)
    found = {}
    for frame, tracks in sorted(wanted.items()):
        reporter.check()
        if stamps is not None and frame >= len(stamps):
            continue
        for read in frames_in(source, range(frame, frame + 1), stamps):
            for track in tracks:
                place = track.frames.tolist().index(frame)
                transform = fit_transform(track.landmarks[place], Alignment.EYES_BRIDGE)
                found[track.number] = crop(read.image, transform, _SIDE, _MARGIN)
    return found
