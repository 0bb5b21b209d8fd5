"""One video, picture or folder of pictures, with one person's face replaced in all of it."""

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.conversion.byhand import NOTHING_BY_HAND, ByHand, placed_by_hand
from engine.conversion.locate import Eyes, Located, locate
from engine.conversion.progress import Progress
from engine.conversion.settings import ConvertSettings
from engine.conversion.swap import swapped_frames
from engine.conversion.swapper import Swapper, Who
from engine.credentials.label import Label
from engine.credentials.marking import Marking
from engine.faces.identity import IDENTITY_THRESHOLD
from engine.media import Frame, open_frames, probe, write_converted
from engine.media.pictures import list_pictures
from engine.media.writer import check_fits, png_names
from engine.reporting import Reporter
from projects.errors import CommandError, SwapdeckError


class NoTargetError(SwapdeckError):
    """The person whose face is to be replaced is nowhere in the footage."""


@dataclass(frozen=True)
class Target:
    """Whose face is replaced: a name for messages, and the mean embedding, float32 [128]."""

    name: str
    identity: npt.NDArray[np.float32]


@dataclass(frozen=True)
class ConvertResult:
    """What a conversion did.

    frames: how many were written. swapped: those with the new face in them. left_alone: faces of
    other people that were seen. located: where the face was, frame by frame. seconds: wall time.
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
    target: Target,
    swapper: Swapper,
    settings: ConvertSettings,
    reporter: Reporter,
    *,
    who: Who = "source",
    located: Located | None = None,
    eyes: Eyes | None = None,
    marking: Marking | None = None,
    label: Label | None = None,
    by_hand: ByHand = NOTHING_BY_HAND,
) -> ConvertResult:
    """Replace the target person's face in `source` and write `output`, complete or not at all.

    who: the decoder whose face goes in. located: where the face is, when that is known already
    from another conversion of the same source. marking: how the result says that it is synthetic;
    only measurements do without. label: written into the picture, too. by_hand: places and masks
    that a person set for frames of this source. Every frame of the source comes out, with its
    timestamp and sound; faces of anybody else, and frames without the person, stay as they are.

    Raises CommandError when `output` exists already or is the source, NoTargetError when the
    person is in no frame, MediaError, and StopRequested; then nothing is written.
    """
    began = time.monotonic()
    check_output(source, output, settings)
    if located is None:
        located = locate(source, target.identity, settings, reporter, eyes)
    located = replace(located, faces=placed_by_hand(located.faces, by_hand, settings.alignment))
    if not located.faces:
        raise NoTargetError(_nobody(source, target, located))
    mark = None if marking is None else marking.watermark.apply
    finish = None if marking is None else marking.finisher(output)
    with (
        open_frames(source) as reader,
        closing(
            swapped_frames(reader, located.faces, swapper, settings, who, mark, by_hand.masks)
        ) as frames,
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
        swapped=len(located.faces),
        left_alone=located.left_alone,
        warnings=warnings,
        located=located,
        seconds=time.monotonic() - began,
    )


def check_output(source: Path, output: Path, settings: ConvertSettings) -> None:
    """Raise CommandError or MediaError unless `output` may be written; says how to go on."""
    if output.exists() and source.exists() and output.samefile(source):
        raise CommandError(f"{output} is the footage itself. Give the result another name.")
    if not output.parent.is_dir():
        raise CommandError(f"There is no folder {output.parent}. Create it, or choose another.")
    if output.exists() and not settings.overwrite:
        raise CommandError(f"{output} is there already. Give the result another name.")
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


def _nobody(source: Path, target: Target, located: Located) -> str:
    if located.left_alone == 0:
        return (
            f"No face was found in any of the {located.frames} frames of {source}. Faces must look "
            "roughly at the camera and be about 80 pixels wide or more; use larger footage."
        )
    return (
        f"{target.name} was not found in any of the {located.frames} frames of {source}, though "
        f"there are faces of others: the nearest is {located.nearest:.2f} away from {target.name}, "
        f"and {IDENTITY_THRESHOLD} is the most for one person. Choose footage of {target.name}, or "
        "gather and extract more of it if this is the right person."
    )
