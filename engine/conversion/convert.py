"""One video, picture or folder of pictures, with one person's face replaced in all of it."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from engine.conversion.byhand import placed_by_hand
from engine.conversion.cache import Store
from engine.conversion.casting import Fate, cast
from engine.conversion.find import Found, find_faces
from engine.conversion.layers import FILE as LAYERS_FILE
from engine.conversion.layers import LayerEncoder, write_layers
from engine.conversion.locate import Located, locate
from engine.conversion.parts import Part
from engine.conversion.permitted import check_layers, check_output
from engine.conversion.progress import Progress
from engine.conversion.search import Eyes
from engine.conversion.segments import Memory, Segments, render_segments, stored
from engine.conversion.sentences import (
    damaged_frames,
    lost_frames,
    nobody_there,
    tell_fates,
)
from engine.conversion.settings import ConvertSettings
from engine.conversion.swap import Mark, Rendered
from engine.conversion.tracks import Seen
from engine.conversion.work import Work
from engine.credentials.label import Label
from engine.credentials.marking import Marking
from engine.media import Frame
from engine.media.outputs import Encoder, put_together
from engine.reporting import Reporter
from projects.errors import SwapdeckError
from projects.files import folder_replacing
from projects.workspace import Workspace

_Ready = TypeVar("_Ready")
Approve = Callable[[Seen, Sequence[Fate]], None]
"""Is told what becomes of everybody in the footage, and raises where that must not be."""


class NoTargetError(SwapdeckError):
    """The person whose face is to be replaced is nowhere in the footage."""


@dataclass(frozen=True)
class ConvertResult:
    """What a conversion did.

    frames: how many were written. swapped: faces that were replaced in them. left_alone: faces of
    other people that were seen. located: where the faces were, frame by frame of the footage.
    seconds: wall time. first: the footage's frame that is the result's first.
    """

    output: Path
    frames: int
    swapped: int
    left_alone: int
    warnings: tuple[str, ...]
    located: Located
    seconds: float
    first: int = 0


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
    span: range | None = None,
) -> ConvertResult:
    """Replace the faces of those who are cast in `source` and write `output`, complete or not at
    all.

    parts: who is replaced, and by which model. found: everybody in the source, when that is known
    already. workspace: where an extraction may have found them. store: keeps what can be used
    again. marking: how the result says that it is synthetic; only measurements do without. label:
    written into the picture, too. approve: asked before anything is changed; may raise. span:
    frames that become the result, instead of all. Every frame of the source comes out, with its
    timestamp and sound; faces of anybody else, and frames without those who are cast, stay as they
    are. A run that was ended goes on where it was.

    Raises CommandError when `output` exists already or is the source, NoTargetError when nobody who
    is cast is in any frame, MediaError, and StopRequested; then nothing is written.
    """
    began = time.monotonic()
    plan = check_output(source, output, settings)
    if found is None:
        found = find_faces(source, settings, reporter, eyes=eyes, workspace=workspace, store=store)
    work = _agreed(source, parts, settings, found, store, label, span, approve, reporter)
    segments, stamps = stored(
        store or Memory(), work.key(plan.kind, output, plan.template), work.first
    )
    marking = _marking_of(segments, marking)
    mark = None if marking is None else marking.watermark.apply

    def ready(one: Rendered) -> Frame:
        shown = one.frame
        if label is None:
            return shown
        return replace(shown, image=label.apply(shown.image, shown.time))

    progress = Progress(reporter, "swap", work.located.frames)
    segments, lost = _completed(work, segments, stamps, output, plan.encoder, ready, mark, progress)
    finish = None if marking is None else marking.finisher(output)
    loads = segments.loads()
    reporter.check()
    written = put_together(plan, loads, finish, work.stamps(loads))
    segments.discard()
    return _result(work, output, written.frames, [*lost, *written.warnings], reporter, began)


def convert_layers(
    source: Path,
    output: Path,
    parts: Sequence[Part],
    settings: ConvertSettings,
    reporter: Reporter,
    said: dict[str, Any],
    *,
    found: Found | None = None,
    eyes: Eyes | None = None,
    workspace: Workspace | None = None,
    store: Store | None = None,
    marking: Marking | None = None,
    approve: Approve | None = None,
    span: range | None = None,
) -> ConvertResult:
    """As `convert`, but fill the folder `output` with layers; see `engine.conversion.layers`.

    said: what is written down about how they came about. marking: what signs the note beside them.
    """
    began = time.monotonic()
    check_layers(output, settings)
    if found is None:
        found = find_faces(source, settings, reporter, eyes=eyes, workspace=workspace, store=store)
    work = _agreed(source, parts, settings, found, store, None, span, approve, reporter)
    segments, stamps = stored(store or Memory(), work.key("layers", output), work.first)
    marking = _marking_of(segments, marking)
    if marking is not None:
        said = {**said, "identifier": marking.identifier}

    def ready(one: Rendered) -> Rendered:
        return one

    encoder = partial(LayerEncoder, parts, settings)
    progress = Progress(reporter, "layers", work.located.frames)
    segments, lost = _completed(work, segments, stamps, output, encoder, ready, None, progress)
    loads = segments.loads()
    reporter.check()
    with folder_replacing(output) as folder:
        frames = write_layers(folder, loads, said)
        if marking is not None:
            file = folder / LAYERS_FILE
            marking.layers_finisher(output)(file, file, source)
    segments.discard()
    return _result(work, output, frames, lost, reporter, began)


def _agreed(
    source: Path,
    parts: Sequence[Part],
    settings: ConvertSettings,
    found: Found,
    store: Store | None,
    label: Label | None,
    span: range | None,
    approve: Approve | None,
    reporter: Reporter,
) -> Work:
    """What is to be done, once it is said and allowed. Raises NoTargetError, and what `approve`
    raises."""
    located = located_parts(found.seen, parts, settings)
    if span is not None:
        located = located.within(span)
    if not located.faces:
        raise NoTargetError(nobody_there(source, parts, located))
    tell_fates(located.fates, [part.role for part in parts], reporter)
    if approve is not None:
        approve(found.seen, located.fates)
    return Work(source, parts, settings, located, found, store, label, span)


def _marking_of(segments: Segments, marking: Marking | None) -> Marking | None:
    """The marking of the run that began these segments."""
    if marking is None:
        return None
    return replace(marking, identifier=segments.identifier(marking.identifier))


def _completed(
    work: Work,
    segments: Segments,
    stamps: npt.NDArray[np.int64],
    output: Path,
    encoder: Callable[[], Encoder[_Ready]],
    ready: Callable[[Rendered], _Ready],
    mark: Mark | None,
    progress: Progress,
) -> tuple[Segments, list[str]]:
    """All segments of a result, of which those with the frames of `stamps` were there already, and
    warnings. ready: what of a frame is encoded."""
    warnings: list[str] = []
    progress.skip(len(stamps))
    if len(stamps) < work.located.frames:
        done = len(stamps)
        begin = work.first + done
        with work.reader(stamps) as reader, closing(work.frames(reader, done, mark)) as frames:
            new = map(ready, frames)
            segments = render_segments(encoder, output, segments, begin, _stepped(new, progress))
            warnings = lost_frames(reader)
    progress.end()
    return segments, warnings


def _stepped(frames: Iterable[_Ready], progress: Progress) -> Iterator[_Ready]:
    for frame in frames:
        yield frame
        progress.step()


def _result(
    work: Work,
    output: Path,
    frames: int,
    warnings: Sequence[str],
    reporter: Reporter,
    began: float,
) -> ConvertResult:
    """What was done, with every warning said. warnings: about reading and writing."""
    located = work.located
    told = (*located.warnings, *damaged_frames(work.found.seen), *warnings)
    for warning in told:
        reporter.event("warning", text=warning)
    return ConvertResult(
        output=output,
        frames=frames,
        swapped=located.swapped,
        left_alone=located.left_alone,
        warnings=told,
        located=located,
        seconds=time.monotonic() - began,
        first=work.first,
    )


def located_parts(seen: Seen, parts: Sequence[Part], settings: ConvertSettings) -> Located:
    """Where those who are cast are, and what becomes of everybody. Raises CommandError."""
    roles = [part.role for part in parts]
    located = locate(seen, cast(seen, roles, settings.confidence), roles, settings)
    faces = located.faces
    for number, part in enumerate(parts):
        faces = placed_by_hand(faces, part.by_hand, settings.alignment, number)
    return replace(located, faces=faces)
