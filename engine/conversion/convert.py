"""One video, picture or folder of pictures, with one person's face replaced in all of it."""

import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.conversion.byhand import placed_by_hand
from engine.conversion.cache import Store, key_of
from engine.conversion.casting import LEFT_UNSURE, Fate, Role, cast
from engine.conversion.chips import ChipCache
from engine.conversion.compose import AROUND, needs_own
from engine.conversion.find import Found, find_faces
from engine.conversion.layers import FILE as LAYERS_FILE
from engine.conversion.layers import write_layers
from engine.conversion.locate import Located, locate
from engine.conversion.parts import Part
from engine.conversion.permitted import check_layers, check_output
from engine.conversion.progress import Progress
from engine.conversion.search import Eyes
from engine.conversion.segments import Memory, render_segments, stored
from engine.conversion.settings import ConvertSettings
from engine.conversion.swap import Mark, Rendered, rendered
from engine.conversion.tracks import Seen
from engine.conversion.windows import stamps_of
from engine.credentials.label import Label
from engine.credentials.marking import Marking
from engine.faces.identity import IDENTITY_THRESHOLD
from engine.media import Frame, FrameReader, open_frames, probe
from engine.media.assemble import Load
from engine.media.outputs import Finish, Plan, put_together
from engine.reporting import Reporter
from engine.text import count, duration
from projects.errors import SwapdeckError
from projects.files import folder_replacing
from projects.workspace import Workspace

_VERSION: Final = 2
"""Of what segments follow from; those of another version are not looked at."""
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
    located = located_parts(found.seen, parts, settings)
    if span is not None:
        located = located.within(span)
    if not located.faces:
        raise NoTargetError(_nobody(source, parts, located))
    tell_fates(located.fates, [part.role for part in parts], reporter)
    if approve is not None:
        approve(found.seen, located.fates)
    work = _Work(source, parts, settings, located, found, store, label, span)
    segments, stamps = stored(store or Memory(), work.key(plan), work.first)
    if marking is not None:
        marking = replace(marking, identifier=segments.identifier(marking.identifier))
    mark = None if marking is None else marking.watermark.apply
    progress = Progress(reporter, "swap", located.frames)
    progress.skip(len(stamps))
    warnings = list(located.warnings)
    if len(stamps) < located.frames:
        with work.reader(stamps) as reader, closing(work.frames(reader, mark)) as frames:
            ready = (one.frame for one in frames)
            new = (frame for frame in ready if frame.index >= work.first + len(stamps))
            counted = _counted(new, progress, label)
            segments = render_segments(plan, segments, work.first + len(stamps), counted)
            warnings += lost_frames(reader)
    progress.end()
    finish = None if marking is None else marking.finisher(output)
    loads = segments.loads()
    reporter.check()
    written = put_together(plan, loads, finish, work.stamps(loads))
    segments.discard()
    warnings += [*damaged_frames(found.seen), *written.warnings]
    for warning in warnings:
        reporter.event("warning", text=warning)
    return ConvertResult(
        output=output,
        frames=written.frames,
        swapped=located.swapped,
        left_alone=located.left_alone,
        warnings=tuple(warnings),
        located=located,
        seconds=time.monotonic() - began,
        first=work.first,
    )


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
    approve: Approve | None = None,
    span: range | None = None,
    finish: Finish | None = None,
) -> ConvertResult:
    """As `convert`, but fill the folder `output` with layers; see `engine.conversion.layers`.

    said: what is written down about how they came about. finish: is told of the file of transforms,
    which is signed, when everything is there.
    """
    began = time.monotonic()
    check_layers(output, settings)
    if found is None:
        found = find_faces(source, settings, reporter, eyes=eyes, workspace=workspace, store=store)
    located = located_parts(found.seen, parts, settings)
    if span is not None:
        located = located.within(span)
    if not located.faces:
        raise NoTargetError(_nobody(source, parts, located))
    tell_fates(located.fates, [part.role for part in parts], reporter)
    if approve is not None:
        approve(found.seen, located.fates)
    work = _Work(source, parts, settings, located, found, store, None, span)
    progress = Progress(reporter, "layers", located.frames)
    with (
        folder_replacing(output) as folder,
        work.reader(np.zeros(0, np.int64)) as reader,
        closing(work.frames(reader, None)) as frames,
    ):
        write_layers(folder, _stepped(frames, progress), parts, settings, said)
        if finish is not None:
            finish(folder / LAYERS_FILE, folder / LAYERS_FILE, source)
    progress.end()
    return ConvertResult(
        output=output,
        frames=located.frames,
        swapped=located.swapped,
        left_alone=located.left_alone,
        warnings=located.warnings,
        located=located,
        seconds=time.monotonic() - began,
        first=work.first,
    )


def _stepped(frames: Iterable[Rendered], progress: Progress) -> Iterator[Rendered]:
    for frame in frames:
        yield frame
        progress.step()


@dataclass(frozen=True, eq=False)
class _Work:
    """Everything that the frames of a result follow from, but the watermark."""

    source: Path
    parts: Sequence[Part]
    settings: ConvertSettings
    located: Located
    found: Found
    store: Store | None
    label: Label | None
    span: range | None

    @property
    def first(self) -> int:
        return 0 if self.span is None else self.span.start

    def key(self, plan: Plan) -> str:
        """Under what its segments are kept."""
        faces = [face for there in self.located.faces.values() for face in there]
        chosen = asdict(replace(self.settings, overwrite=False, batch=1))
        return key_of(
            _VERSION,
            self.found.digest,
            str(plan.output.absolute()),
            plan.kind,
            [[part.role.who, part.who, part.model] for part in self.parts],
            np.array([[face.frame, face.role] for face in faces]),
            np.stack([face.transform for face in faces]),
            np.stack([face.landmarks for face in faces]),
            *(mask.mask for part in self.parts for m in part.by_hand.masks.values() for mask in m),
            json.loads(json.dumps(chosen, default=str)),
            None if self.label is None else asdict(self.label),
            None if self.span is None else [self.span.start, self.span.stop],
            str(None if plan.template is None else plan.template.rate),
        )

    def reader(self, done: npt.NDArray[np.int64]) -> FrameReader:
        """The frames from a little before the first that is not `done` yet, by its timestamps."""
        begin = max(self.first, self.first + len(done) - AROUND)
        if begin > self.first and probe(self.source).kind == "video":
            return open_frames(self.source, begin, int(done[begin - self.first]))
        if self.span is not None and begin == self.first:
            stamps = stamps_of(self.source)
            known = stamps is not None and begin < len(stamps)
            return open_frames(self.source, begin, stamps[begin] if stamps and known else None)
        return open_frames(self.source, begin)

    def frames(self, reader: FrameReader, mark: Mark | None) -> Generator[Rendered, None, None]:
        """The finished frames."""
        caches = None
        if self.store is not None:
            own = any(map(needs_own, self.settings.every()))
            caches = partial(_chips, self.store, self.found.digest, self.located, own)
        frames: Iterable[Frame] = reader
        if self.span is not None:
            stop = self.span.stop
            frames = takewhile(lambda frame: frame.index < stop, frames)
        return rendered(frames, self.located.faces, self.parts, self.settings, mark, caches)

    def stamps(self, loads: Sequence[Load]) -> tuple[int, int] | None:
        """For a part of a source: the timestamp of its first frame, and that after its last."""
        if self.span is None:
            return None
        known = np.sort(np.concatenate([load().stamps for load in loads]))
        step = int(known[-1] - known[-2]) if len(known) > 1 else 1
        return int(known[0]), int(known[-1]) + step


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


def lost_frames(reader: FrameReader) -> list[str]:
    """A warning about frames of which nothing could be decoded."""
    if not reader.lost:
        return []
    times = ", ".join(duration(seconds) for seconds in reader.lost[:5])
    more = f" and {len(reader.lost) - 5} more" if len(reader.lost) > 5 else ""
    return [
        f"{count(len(reader.lost), 'frame')} of {reader.info.path} could not be decoded, about "
        f"{times}{more}. The frames before them stay that much longer, and the sound is in its "
        "place."
    ]


def damaged_frames(seen: Seen) -> list[str]:
    """A warning about frames that were decoded with errors, which are kept as they are."""
    if not seen.damaged:
        return []
    numbers = ", ".join(str(frame) for frame in seen.damaged[:8])
    more = f" and {len(seen.damaged) - 8} more" if len(seen.damaged) > 8 else ""
    return [
        f"Damaged, and kept without a new face: {count(len(seen.damaged), 'frame')} of the "
        f"footage, {numbers}{more}."
    ]


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
