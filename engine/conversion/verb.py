"""`swapdeck convert`: the inputs of one command, one by one, with a swap's newest model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine import blackbox
from engine.conversion.byhand import set_by_hand
from engine.conversion.convert import ConvertResult, Target, check_output, convert
from engine.conversion.settings import ConvertSettings
from engine.credentials.label import Label
from engine.credentials.marking import new_marking
from engine.faces.dataset import person_identity
from engine.media import probe
from engine.media.writer import default_suffix
from engine.report.record import ConversionRecord, save_record
from engine.reporting import Reporter
from engine.training.importing import load_identity
from engine.training.inference import load_swapper
from projects.errors import CommandError
from projects.faces import FaceIndex
from projects.people import Person, get_person
from projects.swaps import Swap
from projects.workspace import Workspace


def convert_inputs(
    workspace: Workspace,
    swap: Swap,
    inputs: Sequence[Path],
    output: Path | None,
    reporter: Reporter,
    *,
    reverse: bool = False,
    newest: bool = False,
    names: bool = False,
    label: Label | None = None,
    settings: ConvertSettings | None = None,
) -> list[ConvertResult]:
    """Convert every input and leave a record beside the swap's results for its report.

    output: a file for one input, or a folder for any number; the swap's results when None.
    reverse: the target person's face on footage of the source person. newest: the newest
    checkpoint instead of the one with the best held-out score. names: whether the credentials name
    the people. label: a visible one.
    Everything that can be wrong with the command is found before the first frame is read.

    Raises CommandError, MediaError, NoTargetError, StopRequested.
    """
    settings = settings or ConvertSettings()
    altered = get_person(workspace, swap.source if reverse else swap.target)
    left = _still_to_do(inputs, reporter)
    plan = [(path, _output(swap, path, output, len(inputs), reverse)) for path in left]
    _check_distinct([result for _, result in plan])
    for path, result in plan:
        probe(path)
        check_output(path, result, settings)
    target = Target(altered.name, _identity(altered, swap, "source" if reverse else "target"))
    swapper, warnings = load_swapper(swap, reverse=reverse, newest=newest)
    for warning in warnings:
        reporter.event("warning", text=warning)
    people = (get_person(workspace, swap.source), get_person(workspace, swap.target))
    results = []
    marks = [new_marking(workspace, swap, swapper.step, people, names=names) for _ in plan]
    for (path, result), marking in zip(plan, marks, strict=True):
        if warning := marking.signing.warning():
            reporter.event("warning", text=warning)
        done = convert(
            path,
            result,
            target,
            swapper,
            settings,
            reporter,
            marking=marking,
            label=label,
            by_hand=set_by_hand(altered, path),
        )
        record = ConversionRecord(
            input=str(path.absolute()),
            output=str(done.output.absolute()),
            step=swapper.step,
            frames=done.frames,
            faces=done.swapped,
            seconds=done.seconds,
            reverse=reverse,
            alignment=settings.alignment.value,
        )
        save_record(swap, record)
        reporter.event(
            "result",
            swap=swap.slug,
            input=str(path),
            output=str(done.output),
            frames=done.frames,
            faces=done.swapped,
            left_alone=done.left_alone,
            seconds=done.seconds,
        )
        results.append(done)
    return results


def _still_to_do(inputs: Sequence[Path], reporter: Reporter) -> list[Path]:
    """Without what was converted before a crash of this job, and without what crashed it."""
    done = {result.get("input") for result in reporter.results()}
    return [path for path in inputs if str(path) not in done and not blackbox.left_out(path)]


def _identity(person: Person, swap: Swap, who: str) -> npt.NDArray[np.float32]:
    """The mean embedding of the person's faces, or the one that came with an imported swap."""
    with FaceIndex(person.index_path, readonly=True) as index:
        if not index.counts().kept and (known := load_identity(swap, who)) is not None:
            return known
        return person_identity(index)


def _output(swap: Swap, path: Path, output: Path | None, inputs: int, reverse: bool) -> Path:
    name = f"{path.stem}-{swap.slug}{'-reversed' if reverse else ''}"
    suffix = default_suffix(path)
    if output is None:
        return _free(swap.results_dir, name, suffix)
    folder_for_file = output.is_dir() and suffix != ""
    if inputs == 1 and not folder_for_file and (output.suffix or not suffix):
        return output
    if not output.is_dir():
        raise CommandError(f"There is no folder {output}. Create it, or name one that is there.")
    return _free(output, name, suffix)


def _free(folder: Path, name: str, suffix: str) -> Path:
    """A name in the folder that is not taken, numbered from 2 when it has to be."""
    path, number = folder / f"{name}{suffix}", 1
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}{suffix}"
    return path


def _check_distinct(outputs: list[Path]) -> None:
    for path in outputs:
        if outputs.count(path) > 1:
            raise CommandError(
                f"Two of the inputs would both become {path}. Convert them one at a time."
            )
