"""One video, picture or folder of pictures, with one person's face replaced in all of it."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from engine.conversion.byhand import placed_by_hand
from engine.conversion.cache import Store
from engine.conversion.casting import LEFT_UNSURE, Fate, Role, cast
from engine.conversion.chips import ChipCache
from engine.conversion.compose import needs_own
from engine.conversion.find import Found, find_faces
from engine.conversion.locate import Located, locate
from engine.conversion.parts import Part
from engine.conversion.progress import Progress
from engine.conversion.search import Eyes
from engine.conversion.settings import ConvertSettings
from engine.conversion.swap import swapped_frames
from engine.conversion.tracks import Seen
from engine.credentials.label import Label
from engine.credentials.marking import Marking
from engine.faces.identity import IDENTITY_THRESHOLD
from engine.media import Frame, open_frames, probe, write_converted
from engine.media.pictures import list_pictures
from engine.media.writer import check_fits, png_names
from engine.reporting import Reporter
from engine.text import count
from projects.errors import CommandError, SwapdeckError
from projects.workspace import Workspace

Approve = Callable[[Seen, Sequence[Fate]], None]
"""Is told what becomes of everybody in the footage, and raises where that must not be."""


class NoTargetError(SwapdeckError):
    """The person whose face is to be replaced is nowhere in the footage."""


@dataclass(frozen=True)
class ConvertResult:
    """What a conversion did.

    frames: how many were written. swapped: faces that were replaced in them. left_alone: faces of
    other people that were seen. located: where the faces were, frame by frame. seconds: wall time.
    """

    output: Path
    frames: int
    swapped: int
    left_alone: int
    warnings: tuple[str, ...]
    located: Located
    seconds: float


def convert(
    source: Path,
    output: Path,
    parts: Sequence[Part],
    settings: ConvertSettings,
    reporter: Reporter,
    *,
    found: Found | None = None,
    eyes: Eyes | None = None,
    workspace: Workspace | None = None,
    store: Store | None = None,
    marking: Marking | None = None,
    label: Label | None = None,
    approve: Approve | None = None,
) -> ConvertResult:
    """Replace the faces of those who are cast in `source` and write `output`, complete or not at
    all.

    parts: who is replaced, and by which model. found: everybody in the source, when that is known
    already. workspace: where an extraction may have found them. store: keeps what can be used
    again. marking: how the result says that it is synthetic; only measurements do without. label:
    written into the picture, too. approve: asked before anything is changed; may raise. Every frame
    of the source comes out, with its timestamp and
    sound; faces of anybody else, and frames without those who are cast, stay as they are.

    Raises CommandError when `output` exists already or is the source, NoTargetError when nobody who
    is cast is in any frame, MediaError, and StopRequested; then nothing is written.
    """
    began = time.monotonic()
    check_output(source, output, settings)
    if found is None:
        found = find_faces(source, settings, reporter, eyes=eyes, workspace=workspace, store=store)
    located = located_parts(found.seen, parts, settings)
    if not located.faces:
        raise NoTargetError(_nobody(source, parts, located))
    tell_fates(located.fates, [part.role for part in parts], reporter)
    if approve is not None:
        approve(found.seen, located.fates)
    mark = None if marking is None else marking.watermark.apply
    finish = None if marking is None else marking.finisher(output)
    caches = None
    if store is not None:
        own = needs_own(settings)
        caches = partial(_chips, store, found.digest, located, own)
    with (
        open_frames(source) as reader,
        closing(swapped_frames(reader, located.faces, parts, settings, mark, caches)) as frames,
    ):
        progress = Progress(reporter, "swap", located.frames)
        written = write_converted(
            source, output, _counted(frames, progress, label), settings.encode, finish
        )
    progress.end()
    warnings = (*located.warnings, *written.warnings)
    for warning in warnings:
        reporter.event("warning", text=warning)
    return ConvertResult(
        output=output,
        frames=written.frames,
        swapped=located.swapped,
        left_alone=located.left_alone,
        warnings=warnings,
        located=located,
        seconds=time.monotonic() - began,
    )


def located_parts(seen: Seen, parts: Sequence[Part], settings: ConvertSettings) -> Located:
    """Where those who are cast are, and what becomes of everybody. Raises CommandError."""
    roles = [part.role for part in parts]
    located = locate(seen, cast(seen, roles, settings.confidence), roles, settings)
    faces = located.faces
    for number, part in enumerate(parts):
        faces = placed_by_hand(faces, part.by_hand, settings.alignment, number)
    return replace(located, faces=faces)


def tell_fates(fates: Sequence[Fate], roles: Sequence[Role], reporter: Reporter) -> None:
    """Say what becomes of every track, and warn of those that were left alone out of doubt."""
    reporter.event("tracks", tracks=[fate.as_dict(roles) for fate in fates])
    for number, role in enumerate(roles):
        doubtful = [f for f in fates if f.why in LEFT_UNSURE and f.nearest == number]
        if not doubtful:
            continue
        names = ", ".join(f"track:{fate.track}" for fate in doubtful[:4])
        more = f" and {len(doubtful) - 4} more" if len(doubtful) > 4 else ""
        seen = count(sum(fate.seen for fate in doubtful), "frame")
        reporter.event(
            "warning",
            text=f"It is not sure that {names}{more} ({seen}) "
            f"{'is' if len(doubtful) == 1 else 'are'} {role.name}, so "
            f"{'it was' if len(doubtful) == 1 else 'they were'} left alone. Look at the tracks "
            "with --tracks, and name those that are meant: --cast track:N=SWAP",
        )


def _chips(
    store: Store, digest: str, located: Located, own: bool, part: Part, role: int
) -> ChipCache | None:
    if not part.model:
        return None
    return ChipCache(store, part, role, digest, located.faces, own)


def check_output(source: Path, output: Path, settings: ConvertSettings) -> None:
    """Raise CommandError or MediaError unless `output` may be written; says how to go on."""
    if output.exists() and source.exists() and output.samefile(source):
        raise CommandError(f"{output} is the footage itself. Give the result another name.")
    if not output.parent.is_dir():
        raise CommandError(f"There is no folder {output.parent}. Create it, or choose another.")
    if output.exists() and not settings.overwrite:
        raise CommandError(
            f"{output} is there already. Give the result another name, or replace it with "
            "--overwrite."
        )
    check_fits(source, output)
    if output.is_dir():
        _check_folder(source, output)


def _check_folder(source: Path, output: Path) -> None:
    """A folder is replaced as a whole, so it may hold nothing but an earlier result."""
    if probe(source).kind != "images":
        raise CommandError(f"{output} is a folder, and {source.name} becomes one file.")
    ours = set(png_names(list_pictures(source)))
    others = sorted(path.name for path in output.iterdir() if path.name not in ours)
    if others:
        raise CommandError(
            f"{output} holds {others[0]}, which is not of an earlier result and would be lost. "
            "Choose another folder."
        )


def _counted(frames: Iterable[Frame], progress: Progress, label: Label | None) -> Iterator[Frame]:
    for frame in frames:
        image = frame.image if label is None else label.apply(frame.image, frame.time)
        yield replace(frame, image=image)
        progress.step()


def _nobody(source: Path, parts: Sequence[Part], located: Located) -> str:
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
