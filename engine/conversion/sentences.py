"""What is said about a conversion: who was replaced, who was not and why, which frames failed."""

from collections.abc import Sequence
from pathlib import Path

from engine.conversion.casting import LEFT_UNSURE, Fate, Role
from engine.conversion.locate import Located
from engine.conversion.parts import Part
from engine.conversion.tracks import Seen
from engine.faces.identity import IDENTITY_THRESHOLD
from engine.media import FrameReader
from engine.reporting import Reporter
from engine.text import count, duration


def tell_fates(fates: Sequence[Fate], roles: Sequence[Role], reporter: Reporter) -> None:
    """Say what becomes of every track, and warn of those that were left alone out of doubt."""
    reporter.event("tracks", tracks=[fate.as_dict(roles) for fate in fates])
    for number, role in enumerate(roles):
        doubtful = [f for f in fates if f.why in LEFT_UNSURE and f.nearest == number]
        if not doubtful:
            continue
        names = _some([f"track:{fate.track}" for fate in doubtful], 4)
        seen = count(sum(fate.seen for fate in doubtful), "frame")
        reporter.event(
            "warning",
            text=f"It is not sure that {names} ({seen}) "
            f"{'is' if len(doubtful) == 1 else 'are'} {role.name}, so "
            f"{'it was' if len(doubtful) == 1 else 'they were'} left alone. Look at the tracks "
            "with --tracks, and name those that are meant: --cast track:N=SWAP",
        )


def lost_frames(reader: FrameReader) -> list[str]:
    """A warning about frames of which nothing could be decoded."""
    if not reader.lost:
        return []
    times = _some([duration(seconds) for seconds in reader.lost], 5)
    return [
        f"{count(len(reader.lost), 'frame')} of {reader.info.path} could not be decoded, about "
        f"{times}. The frames before them stay that much longer, and the sound is in its "
        "place."
    ]


def damaged_frames(seen: Seen) -> list[str]:
    """A warning about frames that were decoded with errors, which are kept as they are."""
    if not seen.damaged:
        return []
    numbers = _some(list(map(str, seen.damaged)), 8)
    return [
        f"Damaged, and kept without a new face: {count(len(seen.damaged), 'frame')} of the "
        f"footage, {numbers}."
    ]


def nobody_there(source: Path, parts: Sequence[Part], located: Located) -> str:
    if located.left_alone == 0:
        return (
            f"No face was found in any of the {located.frames} frames of {source}. Faces must look "
            "roughly at the camera and be about 80 pixels wide or more; use larger footage."
        )
    names = " or ".join(part.role.name for part in parts)
    if any(fate.why in LEFT_UNSURE for fate in located.fates):
        return (
            f"It is not sure that any of the faces in {source} is {names}, so none was replaced: "
            f"the nearest is {located.nearest:.2f} away. Look at its tracks with --tracks, and "
            "name the one that is meant: --cast track:N=SWAP"
        )
    return (
        f"{names} was not found in any of the {located.frames} frames of {source}, though "
        f"there are faces of others: the nearest is {located.nearest:.2f} away from {names}, "
        f"and {IDENTITY_THRESHOLD} is the most for one person. Choose footage of {names}, or "
        "gather and extract more of it if this is the right person."
    )


def _some(words: Sequence[str], most: int) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
